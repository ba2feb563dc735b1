# ---
# kind: right
# title: "OpenCV, SciPy and scikit-learn wherever they have it"
# scores: {}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image, dtype=np.float64)
    if image.ndim == 2:
        return cv2.integral(image)
    return np.stack([cv2.integral(one) for one in image])


def rectangle_sum(ii, x, y, w, h):
    corners = np.stack([ii[..., y + h, x + w], ii[..., y + h, x], ii[..., y, x + w], ii[..., y, x]])
    return np.tensordot([1, -1, -1, 1], corners, axes=1)


# %% haar-features
def haar_features(ii, table):
    pixels = np.diff(np.diff(ii, axis=1), axis=2)  # the windows themselves
    values = []
    for kind, x, y, w, h in table:
        rows, columns = KINDS[kind].shape
        mask = np.kron(KINDS[kind], np.ones((h // rows, w // columns)))
        values.append(np.einsum("nij,ij->n", pixels[:, y : y + h, x : x + w], mask))
    return np.array(values).T


# %% window-std
def window_std(ii, ii_squared, x, y, side):
    picture = np.diff(np.diff(ii, axis=0), axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(picture, (side, side))
    return np.clip(windows[y, x].std(axis=(1, 2)), 0.01, None)


# %% best-stump
def best_stump(F, y, w):
    # the same search, with NumPy's masked arrays
    order = F.argsort(axis=0)
    values = np.take_along_axis(F, order, axis=0)
    above = (w * (y < 0)).sum() + (w * y)[order].cumsum(axis=0)[:-1]
    errors = np.ma.masked_array(np.stack([above, 1 - above], axis=2))
    errors[np.diff(values, axis=0) == 0] = np.ma.masked
    errors = errors.transpose(1, 0, 2)
    feature, cut, flip = np.unravel_index(errors.argmin(), errors.shape)
    threshold = float(np.median(values[cut : cut + 2, feature]))
    return int(feature), threshold, (1, -1)[flip], float(errors[feature, cut, flip])


# %% adaboost
from scipy.special import logit, softmax


def adaboost(F, y, rounds, find_stump):
    score = np.zeros(len(y))
    result = {"stumps": [], "alphas": [], "bound": [], "error": [], "weights": []}
    for _ in range(rounds):
        result["weights"].append(softmax(-y * score))
        *stump, error = find_stump(F, y, result["weights"][-1])
        alpha = logit(1 - np.clip(error, 1e-10, None)) / 2
        score = score + alpha * np.where(stump[2] * (F[:, stump[0]] - stump[1]) > 0, 1, -1)
        result["stumps"].append(tuple(stump))
        result["alphas"].append(alpha)
        result["bound"].append(np.prod(1 / np.cosh(result["alphas"])))
        result["error"].append(np.mean(np.where(score > 0, 1, -1) != y))
    return result


# %% cascade
def stage_threshold(scores, is_face, rate):
    return -np.quantile(-scores[is_face], rate, method="inverted_cdf")


def run_cascade(F, stages):
    alive = np.arange(len(F))
    looked = np.zeros(len(F), dtype=int)
    for stage in stages:
        np.add.at(looked, alive, len(stage["stumps"]))
        alive = np.compress(stage_score(F[alive], stage) >= stage["threshold"], alive)
    return np.isin(np.arange(len(F)), alive), looked


# %% sliding-windows
import itertools


def sliding_windows(width, height, smallest, factor, stride):
    if factor <= 1:
        raise ValueError("factor")
    boxes = []
    sides = (int(smallest * factor**k) for k in itertools.count())
    for side in itertools.takewhile(lambda side: side <= min(width, height), sides):
        step = max(1, int(stride * side))
        places = itertools.product(range(0, width - side + 1, step), range(0, height - side + 1, step))
        boxes.extend((x, y, side, side) for x, y in places)
    return boxes


# %% iou-nms
def iou(box, boxes):
    across = np.clip(np.minimum(box[0] + box[2], boxes[:, 0] + boxes[:, 2]) - np.maximum(box[0], boxes[:, 0]), 0, None)
    down = np.clip(np.minimum(box[1] + box[3], boxes[:, 1] + boxes[:, 3]) - np.maximum(box[1], boxes[:, 1]), 0, None)
    return np.divide(across * down, box[2] * box[3] + boxes[:, 2] * boxes[:, 3] - across * down)


def nms(boxes, scores, max_iou):
    rectangles = [tuple(float(number) for number in box) for box in boxes]
    positive = [float(score - np.min(scores) + 1) for score in scores]  # OpenCV wants scores above 0
    return list(cv2.dnn.NMSBoxes(rectangles, positive, 0.0, max_iou))


# %% detection-scores
from sklearn.metrics import balanced_accuracy_score, precision_recall_fscore_support


def match_detections(overlap, min_iou):
    left = np.ma.masked_less(overlap, min_iou)
    for row in range(len(left)):
        if left[row].count() > 0:
            left[row + 1 :, left[row].argmax()] = np.ma.masked
    tp = sum(left[row].count() > 0 for row in range(len(left)))
    return int(tp), len(left) - int(tp), left.shape[1] - int(tp)


def detection_scores(tp, fp, fn, tn):
    truth, said = np.repeat([1, 0, 1, 0], [tp, fp, fn, tn]), np.repeat([1, 1, 0, 0], [tp, fp, fn, tn])
    precision, recall, f1, _ = precision_recall_fscore_support(truth, said, average="binary", zero_division=0)
    error = 1 - balanced_accuracy_score(truth, said)
    return {"precision": precision, "recall": recall, "f1": f1, "balanced_error": error}
