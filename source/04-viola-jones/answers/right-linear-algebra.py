# ---
# kind: right
# title: "triangular matrices, masks and outer comparisons"
# scores: {}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image, dtype=float)
    height, width = image.shape[-2:]
    # below[i, j] is 1 where j < i: a product with it adds up
    below = np.tri(height + 1, height, -1)
    before = np.tri(width + 1, width, -1).T
    return below @ image @ before


def rectangle_sum(ii, x, y, w, h):
    bands = ii[..., y + h, :] - ii[..., y, :]
    if np.ndim(x) == 0:
        return bands[..., x + w] - bands[..., x]
    column = np.arange(len(x))
    return bands[..., column, x + w] - bands[..., column, x]


# %% haar-features
def haar_features(ii, table):
    ii = np.asarray(ii)
    height, width = ii.shape[1:]
    # each feature is a sparse pattern of weights on the integral image: one product for everything
    patterns = np.zeros((len(table), height, width))
    for number, (kind, x, y, w, h) in enumerate(table):
        rows, columns = KINDS[kind].shape
        corners = np.pad(KINDS[kind], 1)
        corners = corners[:-1, :-1] - corners[1:, :-1] - corners[:-1, 1:] + corners[1:, 1:]
        across, down = x + w // columns * np.arange(columns + 1), y + h // rows * np.arange(rows + 1)
        patterns[number][np.ix_(down, across)] = corners
    return np.tensordot(ii, patterns, axes=([1, 2], [1, 2]))


# %% window-std
def window_std(ii, ii_squared, x, y, side):
    def sums(t):
        bands = t[side:] - t[:-side]
        return (bands[:, side:] - bands[:, :-side])[y, x]

    n = side * side
    variance = (n * sums(ii_squared) - sums(ii) ** 2) / n**2
    return np.maximum(np.sqrt(np.clip(variance, 0, None)), 0.01)


# %% best-stump
def best_stump(F, y, w):
    F = np.asarray(F, dtype=float)
    order = np.argsort(F, axis=0)
    rising = np.take_along_axis(F, order, axis=0)
    # a matrix of ones below the diagonal adds up the signed weights of the smallest 1, 2, 3 ... values of every column
    below = np.tri(len(F)) @ (y * w)[order]
    right_minus_wrong = below[-1] - 2 * below[:-1]
    wrong = np.where(rising[1:] > rising[:-1], (1 - right_minus_wrong) / 2, np.nan)  # (cuts, k)
    either = np.stack([wrong, 1 - wrong], axis=2).swapaxes(0, 1)  # (k, cuts, 2): the first of equals has the smallest j
    j, cut, other = np.unravel_index(np.nanargmin(either), either.shape)
    return j, (rising[cut, j] + rising[cut + 1, j]) / 2, 1 - 2 * other, either[j, cut, other]


# %% adaboost
def adaboost(F, y, rounds, find_stump):
    stumps, alphas, roots, errors = [], [], [], []
    score = np.zeros(len(y))
    for _ in range(rounds):
        # the weights follow from the votes so far
        weights = np.exp(-y * score)
        stump = find_stump(F, y, weights / weights.sum())
        feature, threshold, polarity = stump[:3]
        error = np.clip(stump[3], 1e-10, 1 - 1e-10)
        alphas.append(np.arctanh(1 - 2 * error))
        score = score + alphas[-1] * (2 * (polarity * (F[:, feature] - threshold) > 0) - 1)
        stumps.append([feature, threshold, polarity])
        roots.append(1 / np.cosh(alphas[-1]))
        errors.append(1 - np.mean((score > 0) == (y == 1)))
    return {"stumps": stumps, "alphas": np.array(alphas), "bound": np.cumprod(roots), "error": np.array(errors)}


# %% cascade
def stage_threshold(scores, is_face, rate):
    rising = np.sort(scores[is_face])
    at_or_above = 1 - np.arange(len(rising)) / len(rising)
    return rising[at_or_above >= rate - 1e-12].max()


def run_cascade(F, stages):
    # all scores at once; a window is looked at by a stage if it passed all before
    passed = np.array([stage_score(F, stage) >= stage["threshold"] for stage in stages]).reshape(-1, len(F))
    alive = np.cumprod(np.vstack([np.ones((1, len(F)), dtype=int), passed]), axis=0)
    sizes = np.array([len(stage["stumps"]) for stage in stages], dtype=int)
    return alive[-1] == 1, sizes @ alive[:-1]


# %% sliding-windows
def sliding_windows(width, height, smallest, factor, stride):
    if factor <= 1:
        raise ValueError("factor")
    room = min(width, height)
    powers = np.arange(1 + int(np.log(max(room / smallest, 1) * 2) / np.log(factor)))
    parts = [np.zeros((0, 4), dtype=int)]
    for side in np.floor(smallest * factor**powers).astype(int):
        if side <= room:
            step = max(1, int(np.floor(stride * side)))
            y, x = np.mgrid[0 : height - side + 1 : step, 0 : width - side + 1 : step]
            parts.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, side), np.full(x.size, side)], axis=1))
    return np.concatenate(parts)


# %% iou-nms
def iou(box, boxes):
    def length(start, size, starts, sizes):
        return np.clip((size + sizes - np.abs(2 * start + size - 2 * starts - sizes)) / 2, 0, np.minimum(size, sizes))

    x, y, w, h = boxes.T
    shared = length(box[0], box[2], x, w) * length(box[1], box[3], y, h)
    return shared / (box[2] * box[3] + w * h - shared)


def nms(boxes, scores, max_iou):
    order = np.lexsort([np.arange(len(scores)), -scores])
    table_of_iou = np.array([iou(box, boxes) for box in boxes]).reshape(len(boxes), len(boxes))
    alive = np.ones(len(boxes), dtype=bool)
    kept = []
    for number in order:
        if alive[number]:
            kept.append(int(number))
            alive &= table_of_iou[number] <= max_iou
    return kept


# %% detection-scores
def match_detections(overlap, min_iou):
    left = np.array(overlap, dtype=float)
    d, t = left.shape
    tp = 0
    for i in range(d):
        if t > 0 and left[i].max() >= min_iou:
            left[:, left[i].argmax()] = -1
            tp += 1
    return tp, d - tp, t - tp


def detection_scores(tp, fp, fn, tn):
    table_of_counts = np.array([[tp, fp], [fn, tn]], dtype=float)
    by_truth = table_of_counts / table_of_counts.sum(axis=0)
    return {
        "precision": tp / (tp + fp) if tp + fp else 0,
        "recall": by_truth[0, 0],
        "f1": tp / (tp + (fp + fn) / 2),
        "balanced_error": (by_truth[1, 0] + by_truth[0, 1]) / 2,
    }
