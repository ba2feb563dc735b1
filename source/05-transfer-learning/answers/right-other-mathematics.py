# ---
# kind: right
# title: "other formulas: whole arrays, Gram matrices, ranks, angles"
# scores: {}
# ---

# %% preprocess
IMAGENET_MEAN = torch.tensor([0.485, 0.456, 0.406])
IMAGENET_STD = torch.tensor([0.229, 0.224, 0.225])


def preprocess(images, size, bgr=False):
    scale = 255.0 if images.dtype == np.uint8 else 1.0
    x = torch.tensor(images.astype(np.float64))
    x = x.unsqueeze(-1).expand(*x.shape, 3) if x.ndim == 3 else x
    order = [2, 1, 0] if bgr else [0, 1, 2]
    x = x[..., order].movedim(3, 1)
    # normalising first and resizing afterwards is the same, for the weights of the resizing add up to 1
    x = (x - scale * IMAGENET_MEAN[:, None, None]) / (scale * IMAGENET_STD[:, None, None])
    return F.interpolate(x, size=(size, size), mode="bilinear", antialias=True).to(torch.float32)


# %% match-gabor
def match_gabor(kernels, bank):
    c, h, w = kernels.shape[1:]
    size = c * h * w
    # covariance = mean of the products - product of the means; the filter is the same for every colour
    products = np.einsum("ncyx,myx->nm", kernels, bank) / size
    k_mean, g_mean = kernels.mean(axis=(1, 2, 3)), bank.mean(axis=(1, 2))
    covariance = products - np.outer(k_mean, g_mean)
    r2 = covariance**2 / np.outer(kernels.var(axis=(1, 2, 3)), bank.var(axis=(1, 2)))
    return np.argsort(-r2, axis=1)[:, 0], np.sqrt(r2.max(axis=1))


# %% extract-features
@torch.no_grad()
def extract_features(model, inputs, batch_size):
    model.train(False)
    pieces = torch.tensor_split(inputs, list(range(batch_size, len(inputs), batch_size)))
    maps = [model(piece).flatten(2) for piece in pieces]
    return torch.vstack([places.sum(2) / places.shape[2] for places in maps])


# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    names, which = np.unique(group, return_inverse=True)
    if not n_val + n_test < len(names):
        raise ValueError("no group is left")
    side = np.zeros(len(names), dtype=int)
    side[:n_val], side[n_val : n_val + n_test] = 1, 2
    side = np.random.default_rng(seed).permutation(side)[which]
    return [np.nonzero(side == k)[0] for k in range(3)]


# %% train-head
def train_head(features, labels, n_classes, decay, lr, steps):
    # the gradient by formula, bias as one more column of ones that is not penalised
    X = torch.cat([features, torch.ones(len(features), 1)], dim=1)
    target = F.one_hot(labels, n_classes).to(X.dtype)
    penalised = torch.ones(X.shape[1])
    penalised[-1] = 0
    V = torch.zeros(n_classes, X.shape[1])
    for _ in range(steps):
        miss = torch.softmax(X @ V.T, dim=1) - target
        V = V - lr * (miss.T @ X / len(X) + 2 * decay * V * penalised)
    return V[:, :-1], V[:, -1]


# %% evaluate
def confusion_matrix(truth, answer, n_classes):
    return np.eye(n_classes)[truth].T @ np.eye(n_classes)[answer]


def wilson_interval(n_correct, n):
    z = 1.959964
    middle = (n_correct + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * (n_correct * (n - n_correct) / n + z * z / 4) ** 0.5
    return middle - half, middle + half


def area_under_curve(is_face, score):
    # the trapezium rule on the ROC curve
    limits = np.concatenate([[np.inf], np.unique(score)[::-1]])
    hits = [np.mean(score[is_face] >= limit) for limit in limits]
    alarms = [np.mean(score[~is_face] >= limit) for limit in limits]
    return float(np.trapezoid(hits, alarms))


# %% augment
def augment(images, max_shift, seed):
    rng = np.random.default_rng(seed)
    n, h, w = images.shape
    dy, dx = rng.integers(-max_shift, max_shift, size=(2, n), endpoint=True)
    rows = np.clip(np.arange(h) + dy[:, None], 0, h - 1)
    columns = np.clip(np.arange(w) + dx[:, None], 0, w - 1)
    columns = np.where(rng.integers(2, size=(n, 1)) == 1, w - 1 - columns, columns)
    return images[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


# %% train-network
def train_network(model, train, val, mode, steps, lr):
    prefix = {"transfer": "head.", "finetune": "", "scratch": ""}
    if mode not in prefix:
        raise ValueError(mode)
    moving = [p for name, p in model.named_parameters() if name.startswith(prefix[mode])]
    losses, best = [], None
    for _ in range(steps):
        model.train(mode == "scratch")
        loss = F.nll_loss(model(train[0]).log_softmax(1), train[1])
        slopes = torch.autograd.grad(loss, moving)
        with torch.no_grad():
            for parameter, slope in zip(moving, slopes, strict=True):
                parameter.sub_(slope, alpha=lr)
            scores = model.eval()(val[0])
            loss = torch.logsumexp(scores, 1).mean() - scores[range(len(scores)), val[1]].mean()
        if not losses or loss.item() < min(losses):
            best = {key: value.detach().clone() for key, value in model.state_dict().items()}
        losses.append(loss.item())
    return {"val_loss": losses, "state": best}


# %% identify
def identify(gallery, person, probes, threshold):
    # between unit vectors, the nearest in distance is the nearest in angle: |f - g|^2 = 2 - 2 cos
    f = probes / np.sqrt((probes**2).sum(axis=1))[:, None]
    g = gallery / np.sqrt((gallery**2).sum(axis=1))[:, None]
    distance = ((f[:, None] - g[None]) ** 2).sum(axis=2)
    answer = np.array(person)[distance.argmin(axis=1)]
    return np.where(1 - distance.min(axis=1) / 2 >= threshold, answer, -1)
