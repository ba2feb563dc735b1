# ---
# kind: right
# title: everything from libraries
# scores: {}
# ---

# %% preprocess
from torchvision.transforms import v2

IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406])
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225])


def preprocess(images, size, bgr=False):
    images = np.asarray(images)
    if images.ndim == 3:
        images = np.repeat(images[..., None], 3, axis=3)
    if bgr:
        images = images[..., ::-1]
    x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, 3, 1)))
    change = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((size, size), antialias=True),
            v2.Normalize(IMAGENET_MEAN.tolist(), IMAGENET_STD.tolist()),
        ]
    )
    return change(x)


# %% match-gabor
def match_gabor(kernels, bank):
    n = len(kernels)
    grey = np.repeat(bank[:, None], kernels.shape[1], axis=1)
    r = np.corrcoef(kernels.reshape(n, -1), grey.reshape(len(bank), -1))[:n, n:]
    return np.argmax(np.abs(r), axis=1), np.max(np.abs(r), axis=1)


# %% extract-features
from torch.utils.data import DataLoader


def extract_features(model, inputs, batch_size):
    pooled = nn.Sequential(model, nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    with torch.inference_mode():
        rows = torch.cat([pooled(batch) for batch in DataLoader(inputs, batch_size=batch_size)])
    return rows.clone()


# %% split-by-group
from sklearn.model_selection import train_test_split


def split_by_group(group, n_val, n_test, seed):
    names = np.unique(group)
    if n_val + n_test >= len(names):
        raise ValueError("too many groups for validation and test")
    train, val, test = names, names[:0], names[:0]
    if n_test:
        train, test = train_test_split(train, test_size=n_test, random_state=seed)
    if n_val:
        train, val = train_test_split(train, test_size=n_val, random_state=seed)
    return tuple(np.where(np.isin(group, part))[0] for part in (train, val, test))


# %% train-head
def train_head(features, labels, n_classes, decay, lr, steps):
    head = nn.Linear(features.shape[1], n_classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    # weight_decay w adds w * W to the gradient; the penalty's gradient is 2 * decay * W
    groups = [{"params": [head.weight], "weight_decay": 2 * decay}, {"params": [head.bias], "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=lr)
    criterion = nn.CrossEntropyLoss()
    for _ in range(steps):
        loss = criterion(head(features), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head.weight.data, head.bias.data


# %% evaluate
from scipy.stats import binomtest, mannwhitneyu
from sklearn.metrics import confusion_matrix as sklearn_matrix


def confusion_matrix(truth, answer, n_classes):
    return sklearn_matrix(truth, answer, labels=list(range(n_classes)))


def wilson_interval(n_correct, n):
    interval = binomtest(int(n_correct), int(n)).proportion_ci(confidence_level=0.95, method="wilson")
    return interval.low, interval.high


def area_under_curve(is_face, score):
    u = mannwhitneyu(score[is_face], score[~is_face]).statistic
    return u / (is_face.sum() * (~is_face).sum())


# %% augment
def augment(images, max_shift, seed):
    rng = np.random.default_rng(seed)
    wide = np.pad(images, ((0, 0), (max_shift, max_shift), (max_shift, max_shift)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, images.shape[1:], axis=(1, 2))
    n, places = len(images), 2 * max_shift + 1
    moved = windows[np.arange(n), rng.integers(places, size=n), rng.integers(places, size=n)]
    return np.where(rng.random(n)[:, None, None] < 0.5, moved[:, :, ::-1], moved)


# %% train-network
def train_network(model, train, val, mode, steps, lr):
    if mode not in {"transfer", "finetune", "scratch"}:
        raise ValueError(mode)
    model.requires_grad_(mode != "transfer")
    model.head.requires_grad_(True)
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=lr)
    criterion = nn.CrossEntropyLoss()
    states, losses = [], []
    for _ in range(steps):
        for phase, (x, y) in {"train": train, "val": val}.items():
            if phase == "train" and mode == "scratch":
                model.train()
            else:
                model.eval()
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                loss = criterion(model(x), y)
            if phase == "train":
                loss.backward()
                optimizer.step()
            else:
                losses.append(loss.item())
                states.append(deepcopy(model.state_dict()))
    return {"state": states[int(np.argmin(losses))], "val_loss": losses}


# %% identify
from sklearn.metrics.pairwise import cosine_similarity


def identify(gallery, person, probes, threshold):
    similarity = cosine_similarity(probes, gallery)
    answer = np.take(person, np.argmax(similarity, axis=1))
    answer[np.max(similarity, axis=1) < threshold] = -1
    return answer
