"""What is easily taken for what: functions, layers, dtypes, texts and names that students mix up.

In: nothing. Out: tables for the operators; a word that is missing here is a mutant that is missing.
"""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


AXIS_KEYWORDS = words("axis axes dim dims")
TUNING = words("lr learning_rate momentum weight_decay eps tol rtol atol betas")
"""parameters of a search for the answer: a little more or less gives the same answer, much less does not"""
WITHOUT_EFFECT = words(
    "copy device dtype random_state seed n_jobs num_workers pin_memory non_blocking verbose strict progress max_iter "
    "n_init figsize cmap label title color fontsize linewidth sep end flush file order out inplace check_finite "
    "assume_unique persistent_workers foreach fused rcond"
)
"""keyword arguments that decide nothing a test could see, or have operators of their own"""
WITH_OWN_OPERATORS = words("keepdims keepdim reverse ddof")
"""keyword arguments whose value is changed; that is as good as leaving them out"""

NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "abs": ("square",),
    "all": ("any",),
    "amax": ("amin",),
    "amin": ("amax",),
    "any": ("all",),
    "argmax": ("argmin",),
    "argmin": ("argmax",),
    "ceil": ("floor",),
    "convolve": ("correlate",),
    "convolve2d": ("correlate2d",),
    "correlate": ("convolve",),
    "correlate2d": ("convolve2d",),
    "cos": ("sin",),
    "cumsum": ("cumprod",),
    "exp": ("log",),
    "deg2rad": ("rad2deg",),
    "degrees": ("radians",),
    "fit_transform": ("transform",),
    "fliplr": ("flipud",),
    "flipud": ("fliplr",),
    "floor": ("ceil",),
    "hstack": ("vstack",),
    "log": ("exp",),
    "log_softmax": ("softmax",),
    "logical_and": ("logical_or",),
    "logical_or": ("logical_and",),
    "max": ("min", "mean"),
    "maximum": ("minimum",),
    "mean": ("sum", "median"),
    "median": ("mean",),
    "min": ("max",),
    "minimum": ("maximum",),
    "nanmean": ("nansum",),
    "ones": ("zeros",),
    "ones_like": ("zeros_like",),
    "outer": ("inner",),
    "percentile": ("quantile",),
    "quantile": ("percentile",),
    "rad2deg": ("deg2rad",),
    "radians": ("degrees",),
    "relu": ("sigmoid",),
    "repeat": ("tile",),
    "sigmoid": ("tanh",),
    "sign": ("abs",),
    "sin": ("cos",),
    "softmax": ("log_softmax",),
    "sqrt": ("square",),
    "square": ("abs",),
    "std": ("var",),
    "sum": ("mean", "max"),
    "tanh": ("sigmoid",),
    "tile": ("repeat",),
    "unique": ("sort",),
    "uniform": ("normal",),
    "var": ("std",),
    "vstack": ("hstack",),
    "zeros": ("ones",),
    "zeros_like": ("ones_like",),
}
"""functions of NumPy, SciPy, torch and scikit-learn"""
BUILTIN_NEIGHBOURS: dict[str, tuple[str, ...]] = {
    "all": ("any",),
    "any": ("all",),
    "int": ("round",),
    "LinearRegression": ("Ridge",),
    "max": ("min",),
    "min": ("max",),
    "round": ("int",),
    "sum": ("max",),
}
METHODS = words(
    "min max amin amax sum mean std var argmax argmin any all cumsum abs square sqrt exp log sigmoid tanh relu softmax "
    "log_softmax fit_transform transform floor ceil quantile sign"
)
"""of the neighbours, those that arrays, tensors and estimators have as methods"""
SEEDS = words("manual_seed seed default_rng RandomState seed_everything")
OBJECTS = words("model net network head backbone classifier layer features_of extractor")
"""names of what is no number"""
FORGETTABLE = words(
    "abs absolute fabs sqrt square copy clone clip clamp exp log log2 log10 sign sort sorted unique flip flipud fliplr "
    "rot90 roll asarray array astype squeeze unsqueeze expand_dims detach ravel flatten reshape transpose swapaxes "
    "moveaxis permute floor ceil round relu sigmoid tanh softmax log_softmax cumsum cumprod mean sum pad float long "
    "triu tril tile repeat reversed normalize fftshift ifftshift maximum minimum broadcast_to nan_to_num t mod "
    "remainder GaussianBlur gaussian_filter deepcopy degrees radians deg2rad rad2deg"
)
"""calls that leave something of the same kind where they are forgotten"""
NEVER_METHODS = words("where maximum minimum pad deepcopy array asarray tile")
LIBRARIES = words("np numpy torch F cv2 math scipy nn copy ndimage signal random transforms skimage")

DTYPES: dict[str, tuple[str, ...]] = {
    "bool": ("int",),
    "double": ("float16",),
    "float": ("int", "np.float16"),
    "float32": ("float16", "uint8"),
    "float64": ("float16", "int64"),
    "int": ("float",),
    "int8": ("uint8",),
    "int32": ("uint8",),
    "int64": ("float64", "uint8"),
    "intp": ("float64",),
    "long": ("float32",),
    "uint8": ("float64", "int8"),
}
"""too coarse, or cut to whole numbers; float32 for float64 is left alone, for most courses allow either"""

CHOICES: tuple[tuple[str, ...], ...] = (
    ("constant", "reflect", "edge", "symmetric", "wrap"),
    ("constant", "reflect", "nearest", "mirror", "wrap"),
    ("zeros", "reflect", "replicate", "circular"),
    ("constant", "reflect", "replicate", "circular"),
    ("valid", "same", "full"),
    ("mean", "sum", "none"),
    ("max", "min"),
    ("max", "avg"),
    ("max", "sum"),
    ("l1", "l2"),
    ("left", "right"),
    ("ij", "xy"),
    ("bilinear", "nearest", "bicubic"),
    ("nearest", "linear", "cubic"),
    ("train", "val"),
    ("train", "test"),
    ("C", "F"),
    ("RGB", "BGR"),
    ("fro", "nuc"),
    ("tanh", "relu"),
)
"""texts that a function lets one choose from"""

MODES = {
    "enable_grad": "no_grad",
    "eval": "train",
    "inference_mode": "enable_grad",
    "no_grad": "enable_grad",
    "train": "eval",
}
LAYERS = {
    "adaptive_avg_pool2d": "adaptive_max_pool2d",
    "AdaptiveAvgPool2d": "AdaptiveMaxPool2d",
    "AdaptiveMaxPool2d": "AdaptiveAvgPool2d",
    "avg_pool2d": "max_pool2d",
    "AvgPool2d": "MaxPool2d",
    "BCEWithLogitsLoss": "BCELoss",
    "binary_cross_entropy_with_logits": "binary_cross_entropy",
    "conv2d": "conv_transpose2d",
    "cross_entropy": "nll_loss",
    "CrossEntropyLoss": "NLLLoss",
    "Dropout": "Identity",
    "L1Loss": "MSELoss",
    "max_pool2d": "avg_pool2d",
    "MaxPool2d": "AvgPool2d",
    "mse_loss": "l1_loss",
    "MSELoss": "L1Loss",
    "nll_loss": "cross_entropy",
    "RandomHorizontalFlip": "RandomVerticalFlip",
    "ReLU": "Identity",
    "Sigmoid": "Tanh",
    "Tanh": "ReLU",
}

CONFUSED: tuple[tuple[str, ...], ...] = (
    ("train", "val", "test"),
    ("training", "validation", "test"),
    ("x", "y"),
    ("X", "Y"),
    ("dx", "dy"),
    ("gx", "gy"),
    ("Ix", "Iy"),
    ("i", "j"),
    ("row", "column"),
    ("row", "col"),
    ("rows", "columns"),
    ("rows", "cols"),
    ("height", "width"),
    ("h", "w"),
    ("H", "W"),
    ("kh", "kw"),
    ("top", "bottom"),
    ("left", "right"),
    ("upper", "lower"),
    ("first", "last"),
    ("start", "stop"),
    ("low", "high"),
    ("min", "max"),
    ("mean", "std"),
    ("fp", "fn"),
    ("tp", "fp", "fn", "tn"),
    ("precision", "recall"),
    ("pos", "neg"),
    ("positive", "negative"),
    ("true", "pred"),
    ("old", "new"),
    ("input", "output"),
    ("inputs", "outputs"),
    ("kernel", "stride"),
    ("stride", "padding"),
    ("weights", "labels"),
    ("source", "target"),
)
"""words in the names of variables"""
