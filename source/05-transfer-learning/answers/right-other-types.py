# ---
# kind: right
# title: "right values in other types: lists, float64, NumPy instead of tensors, more keys than asked"
# scores: {}
# ---

# %% preprocess
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def preprocess(images, size, bgr=False):
    values = images / 255.0 if images.dtype == np.uint8 else images
    values = np.stack([values] * 3, axis=-1) if values.ndim == 3 else values
    values = np.flip(values, axis=3) if bgr else values
    # float64 until the last moment
    x = torch.from_numpy(values.transpose(0, 3, 1, 2).astype(np.float64))
    x = F.interpolate(x, (size, size), mode="bilinear", align_corners=False, antialias=True)
    mean, std = torch.tensor(IMAGENET_MEAN).double(), torch.tensor(IMAGENET_STD).double()
    return ((x - mean[None, :, None, None]) / std[None, :, None, None]).float().requires_grad_(False)


# %% match-gabor
def match_gabor(kernels, bank):
    k = torch.tensor(kernels, dtype=torch.float32).flatten(1)
    g = torch.tensor(bank, dtype=torch.float32).flatten(1).repeat(1, kernels.shape[1])
    r = F.cosine_similarity((k - k.mean(1, keepdim=True))[:, None], (g - g.mean(1, keepdim=True))[None], dim=2)
    similarity, best = r.abs().max(dim=1)
    return [best, similarity]


# %% extract-features
def extract_features(model, inputs, batch_size):
    model = deepcopy(model).eval()
    rows = []
    for start in range(0, len(inputs), batch_size):
        rows.extend(model(inputs[start : start + batch_size]).double().mean((-1, -2)).detach())
    return torch.stack(rows)


# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    groups = sorted(set(group.tolist()))
    if n_val + n_test >= len(groups):
        raise ValueError
    order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(seed)).tolist()
    val = {groups[k] for k in order[:n_val]}
    test = {groups[k] for k in order[n_val:][:n_test]}
    where = {"train": [], "val": [], "test": []}
    for number, name in reversed(list(enumerate(group.tolist()))):
        where["val" if name in val else "test" if name in test else "train"].append(number)
    return torch.tensor(where["train"]), where["val"], tuple(where["test"])


# %% train-head
def train_head(features, labels, n_classes, decay, lr, steps):
    X = features.double().numpy()
    target = np.eye(n_classes)[labels.numpy()]
    W, b = np.zeros((n_classes, X.shape[1])), np.zeros(n_classes)
    for _ in range(steps):
        z = X @ W.T + b
        p = np.exp(z - z.max(1, keepdims=True))
        miss = (p / p.sum(1, keepdims=True) - target) / len(X)
        W, b = W - lr * (miss.T @ X + 2 * decay * W), b - lr * miss.sum(0)
    return [W.astype(np.float32), torch.tensor(b).float()]


# %% evaluate
def confusion_matrix(truth, answer, n_classes):
    return torch.bincount(torch.as_tensor(truth * n_classes + answer), minlength=n_classes**2).view(n_classes, -1)


def wilson_interval(n_correct, n):
    p, z = n_correct / n, 1.96
    half = z * (p * (1 - p) / n + (z / n) ** 2 / 4) ** 0.5
    return [np.float32((p + z * z / n / 2 + sign * half) / (1 + z * z / n)) for sign in (-1, 1)]


def area_under_curve(is_face, score):
    faces_, others_ = score[is_face].tolist(), score[~is_face].tolist()
    return torch.tensor([1.0 if f > o else 0.5 if f == o else 0.0 for f in faces_ for o in others_]).double().mean()


# %% augment
def augment(images, max_shift, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.tensor(images)[:, None]
    wide = F.pad(x, [max_shift] * 4, mode="replicate")
    h, w = images.shape[1:]
    result = []
    for picture in wide[:, 0]:
        flip, top, left = (int(torch.randint(k, (), generator=generator)) for k in [2] + [2 * max_shift + 1] * 2)
        piece = picture[top : top + h, left : left + w]
        result.append((piece.flip(1) if flip else piece).float().tolist())
    return result


# %% train-network
def train_network(model, train, val, mode, steps, lr):
    if mode not in ["transfer", "finetune", "scratch"]:
        raise ValueError
    network = deepcopy(model)
    optimizer = torch.optim.SGD((network.head if mode == "transfer" else network).parameters(), lr)
    best, losses = None, np.empty(0, dtype=np.float32)
    for _ in range(steps):
        network.train(mode == "scratch")
        optimizer.zero_grad()
        nn.CrossEntropyLoss()(network(train[0]), train[1]).backward()
        optimizer.step()
        loss = nn.CrossEntropyLoss()(network.eval()(val[0]), val[1]).detach()
        if len(losses) == 0 or loss < losses.min():
            best = {key: value.numpy().copy() for key, value in network.state_dict().items()}
        losses = np.append(losses, np.float32(loss))
    return {"state": best, "val_loss": losses, "steps": steps}


# %% identify
def identify(gallery, person, probes, threshold):
    f, g = F.normalize(torch.as_tensor(probes), dim=1), F.normalize(torch.as_tensor(gallery), dim=1)
    cosine, place = (f @ g.T).max(dim=1)
    return [float(person[k]) if c >= threshold else -1 for c, k in zip(cosine.tolist(), place, strict=True)]
