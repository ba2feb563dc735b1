# ---
# kind: right
# title: "lists, tuples, float32, whole numbers, more keys than asked"
# scores: {}
# ---

# %% integral-image
def integral_image(image):
    sums = np.cumsum(np.cumsum(np.asarray(image, dtype=np.float64), axis=-1), axis=-2)
    return np.pad(sums, [(0, 0)] * (sums.ndim - 2) + [(1, 0), (1, 0)]).tolist()


def rectangle_sum(ii, x, y, w, h):
    ii = np.asarray(ii)
    values = ii[..., y + h, x + w] - ii[..., y, x + w] - ii[..., y + h, x] + ii[..., y, x]
    return values.tolist()


# %% haar-features
def haar_features(ii, table):
    columns = []
    for kind, x, y, w, h in np.asarray(table).tolist():
        pattern = KINDS[kind]
        w, h = w // pattern.shape[1], h // pattern.shape[0]
        column = np.zeros(len(ii))
        for i, row in enumerate(pattern):
            for j, weight in enumerate(row):
                a, b = y + i * h, x + j * w
                column += weight * (ii[:, a + h, b + w] - ii[:, a, b + w] - ii[:, a + h, b] + ii[:, a, b])
        columns.append(column.tolist())
    return list(zip(*columns, strict=True))


# %% window-std
def window_std(ii, ii_squared, x, y, side):
    right, bottom = x + side, y + side
    total = ii[bottom, right] - ii[y, right] - ii[bottom, x] + ii[y, x]
    squares = ii_squared[bottom, right] - ii_squared[y, right] - ii_squared[bottom, x] + ii_squared[y, x]
    variance = squares / side**2 - (total / side**2) ** 2
    return tuple(max(value, 0.0001) ** 0.5 for value in variance.tolist())


# %% best-stump
def best_stump(F, y, w):
    found = []
    negative = np.sum(w[y == -1])
    for j in range(F.shape[1]):
        order = np.argsort(F[:, j], kind="stable")
        values = F[order, j]
        errors = negative + np.cumsum(w[order] * y[order])
        for place in np.flatnonzero(values[1:] != values[:-1]):
            middle = (float(values[place]) + float(values[place + 1])) / 2
            found.append((float(errors[place]), j, middle, -1))
            found.append((float(1 - errors[place]), j, middle, 1))
    error, j, middle, minus_polarity = min(found)
    return [np.int64(j), np.float64(middle), -minus_polarity, error]


# %% adaboost
def adaboost(F, y, rounds, find_stump):
    y = np.asarray(y, dtype=np.float64)
    weights = np.ones(len(y)) / len(y)
    result = {"stumps": [], "alphas": (), "bound": (), "error": (), "rounds": rounds}
    score, bound = 0.0, np.float64(1)
    for _ in range(rounds):
        feature, threshold, polarity, error = find_stump(F, y.astype(int), weights)
        error = error if error > 1e-10 else 1e-10
        alpha = float(np.log(np.sqrt((1 - error) / error)))
        said = np.sign((polarity * (F[:, feature] - threshold) > 0) - 0.5)
        right = said == y
        # those that were right share one half of the weight, the others the other half
        weights = weights * np.where(right, 1, np.exp(2 * alpha))
        weights = (weights / np.sum(weights)).tolist()
        weights = np.array(weights)
        score = score + alpha * said
        bound = bound * 2 * np.sqrt(error - error**2)
        result["stumps"].append([int(feature), float(threshold), int(polarity)])
        result["alphas"] += (alpha,)
        result["bound"] += (float(bound),)
        result["error"] += (float(np.sum((score > 0) != (y > 0)) / len(y)),)
    return result


# %% cascade
def stage_threshold(scores, is_face, rate):
    chosen = sorted((float(score) for score in scores[is_face]), reverse=True)
    for count, score in enumerate(chosen, start=1):
        if count / len(chosen) >= rate:
            return score
    return chosen[-1]


def run_cascade(F, stages):
    accepted = np.ones(len(F), dtype=np.int8)
    looked = np.zeros(len(F), dtype=np.float32)
    for stage in stages:
        looked += accepted * np.float32(len(stage["stumps"]))
        accepted *= stage_score(F, stage) >= stage["threshold"]
    return [accepted.astype(bool).tolist(), looked]


# %% sliding-windows
def sliding_windows(width, height, smallest, factor, stride):
    if not factor > 1:
        raise ValueError(f"factor = {factor}")
    boxes = []
    exact = float(smallest)
    while True:
        side = int(np.floor(exact))
        if side > min(width, height):
            break
        step = max(1, int(np.floor(stride * side)))
        boxes += [
            (float(x), float(y), float(side), float(side))
            for y in range(0, height - side + 1, step)
            for x in range(0, width - side + 1, step)
        ]
        exact = exact * factor
    return np.array(boxes, dtype=np.float32).reshape(-1, 4).astype(np.int32)


# %% iou-nms
def iou(box, boxes):
    x, y, w, h = (float(number) for number in box)
    across = [max(0.0, min(x + w, b[0] + b[2]) - max(x, b[0])) for b in boxes]
    down = [max(0.0, min(y + h, b[1] + b[3]) - max(y, b[1])) for b in boxes]
    return tuple(a * d / (w * h + b[2] * b[3] - a * d) for a, d, b in zip(across, down, boxes, strict=True))


def nms(boxes, scores, max_iou):
    kept = []
    for number in sorted(range(len(scores)), key=lambda i: -float(scores[i])):
        if all(value <= max_iou for value in iou(boxes[number], boxes[kept])):
            kept.append(number)
    return np.array(kept, dtype=np.int32)


# %% detection-scores
def match_detections(overlap, min_iou):
    free = dict.fromkeys(range(np.shape(overlap)[1]))
    for row in np.asarray(overlap).tolist():
        options = sorted((-row[j], j) for j in free)
        if options and -options[0][0] >= min_iou:
            del free[options[0][1]]
    tp = np.shape(overlap)[1] - len(free)
    return np.array([tp, len(overlap) - tp, len(free)], dtype=np.int16).tolist()


def detection_scores(tp, fp, fn, tn):
    scores = {"tp": tp, "precision": np.float32(0), "recall": np.float64(tp) / (tp + fn)}
    if tp + fp:
        scores["precision"] = np.float64(tp) / (tp + fp)
    scores["f1"] = 2 / (2 + (fp + fn) / tp) if tp else 0
    scores["balanced_error"] = np.mean([fn / (tp + fn), fp / (fp + tn)])
    return scores
