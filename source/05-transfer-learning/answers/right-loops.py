# ---
# kind: right
# title: "plain Python loops, one number at a time"
# scores: {}
# ---

# %% preprocess
IMAGENET_MEAN = [0.485, 0.456, 0.406]
IMAGENET_STD = [0.229, 0.224, 0.225]


def preprocess(images, size, bgr=False):
    result = torch.empty(len(images), 3, size, size)
    for number, image in enumerate(images):
        for place in range(3):
            if image.ndim == 2:
                channel = image
            elif bgr:
                channel = image[:, :, 2 - place]
            else:
                channel = image[:, :, place]
            values = torch.tensor(channel.astype(np.float32))
            if image.dtype == np.uint8:
                values /= 255.0
            small = F.interpolate(values[None, None], size=(size, size), mode="bilinear", antialias=True)[0, 0]
            result[number, place] = (small - IMAGENET_MEAN[place]) / IMAGENET_STD[place]
    return result


# %% match-gabor
def match_gabor(kernels, bank):
    best, similarity = [], []
    for kernel in kernels:
        k = kernel.ravel().tolist()
        k_mean = sum(k) / len(k)
        k_size = sum((value - k_mean) ** 2 for value in k) ** 0.5
        top, where = -1.0, None
        for number, filter_ in enumerate(bank):
            g = filter_.ravel().tolist() * len(kernel)
            g_mean = sum(g) / len(g)
            g_size = sum((value - g_mean) ** 2 for value in g) ** 0.5
            r = sum((a - k_mean) * (b - g_mean) for a, b in zip(k, g, strict=True)) / (k_size * g_size)
            if abs(r) > top:
                top, where = abs(r), number
        best.append(where)
        similarity.append(top)
    return best, similarity


# %% extract-features
def extract_features(model, inputs, batch_size):
    model.eval()
    rows = []
    start = 0
    while start < len(inputs):
        with torch.no_grad():
            maps = model(inputs[start : start + batch_size])
        for picture in maps:
            rows.append(torch.stack([feature.mean() for feature in picture]))
        start += batch_size
    return torch.stack(rows)


# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    rng = np.random.default_rng(seed)
    groups = []
    for value in group:
        if value not in groups:
            groups.append(value)
    if len(groups) - n_val - n_test < 1:
        raise ValueError("no training data")
    rng.shuffle(groups)
    train, val, test = [], [], []
    for number, value in enumerate(group):
        place = groups.index(value)
        if place < n_test:
            test.append(number)
        elif place < n_test + n_val:
            val.append(number)
        else:
            train.append(number)
    return train, val, test


# %% train-head
def train_head(features, labels, n_classes, decay, lr, steps):
    n, d = features.shape
    W, b = torch.zeros(n_classes, d), torch.zeros(n_classes)
    for _ in range(steps):
        slope_W, slope_b = 2 * decay * W, torch.zeros(n_classes)
        for i in range(n):
            p = torch.softmax(W @ features[i] + b, dim=0)
            p[labels[i]] -= 1
            slope_W += torch.outer(p, features[i]) / n
            slope_b += p / n
        W -= lr * slope_W
        b -= lr * slope_b
    return W, b


# %% evaluate
def confusion_matrix(truth, answer, n_classes):
    counts = [[0] * n_classes for _ in range(n_classes)]
    for t, a in zip(truth, answer, strict=True):
        counts[int(t)][int(a)] += 1
    return counts


def wilson_interval(n_correct, n):
    # the two p with |p_hat - p| = z sqrt(p (1 - p) / n): a quadratic equation
    p_hat, z2 = n_correct / n, 1.96**2
    a, b, c = 1 + z2 / n, -(2 * p_hat + z2 / n), p_hat**2
    root = max(b * b - 4 * a * c, 0) ** 0.5
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def area_under_curve(is_face, score):
    won, pairs = 0.0, 0
    for i in range(len(score)):
        for j in range(len(score)):
            if is_face[i] and not is_face[j]:
                pairs += 1
                if score[i] > score[j]:
                    won += 1
                elif score[i] == score[j]:
                    won += 0.5
    return won / pairs


# %% augment
def augment(images, max_shift, seed):
    rng = np.random.default_rng(seed)
    n, h, w = images.shape
    result = images.copy()
    for i in range(n):
        dy = rng.integers(-max_shift, max_shift + 1)
        dx = rng.integers(-max_shift, max_shift + 1)
        mirror = rng.random() < 0.5
        for y in range(h):
            for x in range(w):
                from_y = min(max(y - dy, 0), h - 1)
                from_x = min(max(x - dx, 0), w - 1)
                if mirror:
                    from_x = w - 1 - from_x
                result[i, y, x] = images[i, from_y, from_x]
    return result


# %% train-network
def train_network(model, train, val, mode, steps, lr):
    if mode == "transfer":
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name.startswith("head.")
    elif mode == "finetune" or mode == "scratch":
        for parameter in model.parameters():
            parameter.requires_grad = True
    else:
        raise ValueError("mode must be transfer, finetune or scratch")
    x, y = train
    x_val, y_val = val
    moving = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            moving.append(parameter)
    losses, best, best_loss = [], None, float("inf")
    for _ in range(steps):
        if mode == "scratch":
            model.train()
        else:
            model.eval()
        for parameter in moving:
            parameter.grad = None
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        with torch.no_grad():
            for parameter in moving:
                parameter -= lr * parameter.grad
        model.eval()
        with torch.no_grad():
            loss = F.cross_entropy(model(x_val), y_val)
        losses.append(float(loss))
        if float(loss) < best_loss:
            best_loss = float(loss)
            best = {}
            for key, value in model.state_dict().items():
                best[key] = value.clone()
    return {"state": best, "val_loss": losses}


# %% identify
def identify(gallery, person, probes, threshold):
    result = []
    for probe in probes:
        best, who = None, None
        for row, name in zip(gallery, person, strict=True):
            product = float(np.dot(probe, row))
            cosine = product / (float(np.dot(probe, probe)) ** 0.5 * float(np.dot(row, row)) ** 0.5)
            if best is None or cosine > best:
                best, who = cosine, name
        result.append(int(who) if best >= threshold else -1)
    return result
