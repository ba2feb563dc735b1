# ---
# kind: right
# title: "plain Python loops, one number at a time"
# scores: {}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image)
    if image.ndim == 3:
        return np.array([integral_image(one) for one in image])
    height, width = image.shape
    ii = [[0.0] * (width + 1) for _ in range(height + 1)]
    for y in range(height):
        row = 0.0
        for x in range(width):
            row += float(image[y, x])
            ii[y + 1][x + 1] = ii[y][x + 1] + row
    return np.array(ii)


def rectangle_sum(ii, x, y, w, h):
    if ii.ndim == 3:
        return np.array([rectangle_sum(one, x, y, w, h) for one in ii])
    if np.ndim(x) == 0:
        return float(ii[y + h, x + w]) - float(ii[y, x + w]) - float(ii[y + h, x]) + float(ii[y, x])
    return np.array([rectangle_sum(ii, a, b, c, d) for a, b, c, d in zip(x, y, w, h, strict=True)])


# %% haar-features
def haar_features(ii, table):
    values = np.zeros((len(ii), len(table)))
    for column, (kind, x, y, w, h) in enumerate(table.tolist()):
        weights = KINDS[kind].tolist()
        cell_w, cell_h = w // len(weights[0]), h // len(weights)
        for i in range(len(weights)):
            for j in range(len(weights[0])):
                top, left = y + i * cell_h, x + j * cell_w
                for number in range(len(ii)):
                    one = ii[number]
                    total = one[top + cell_h, left + cell_w] - one[top, left + cell_w]
                    total += one[top, left] - one[top + cell_h, left]
                    values[number, column] += weights[i][j] * total
    return values


# %% window-std
def window_std(ii, ii_squared, x, y, side):
    result = []
    for left, top in zip(x, y, strict=True):
        means = []
        for t in (ii, ii_squared):
            total = t[top + side, left + side] - t[top, left + side] - t[top + side, left] + t[top, left]
            means.append(total / (side * side))
        variance = means[1] - means[0] ** 2
        result.append(variance**0.5 if variance > 0.0001 else 0.01)
    return result


# %% best-stump
def best_stump(F, y, w):
    y, w = [int(value) for value in y], [float(value) for value in w]
    negative = sum(weight for weight, label in zip(w, y, strict=True) if label < 0)
    best = (2.0, 0, 0.0, 1)
    for j in range(F.shape[1]):
        column = F[:, j].tolist()
        order = sorted(range(len(column)), key=column.__getitem__)
        error = negative
        for place in range(len(order) - 1):
            i = order[place]
            error += w[i] * y[i]
            low, high = column[i], column[order[place + 1]]
            if low == high:
                continue
            if error < best[0]:
                best = (error, j, (low + high) / 2, 1)
            if 1 - error < best[0]:
                best = (1 - error, j, (low + high) / 2, -1)
    return best[1], best[2], best[3], best[0]


# %% adaboost
def adaboost(F, y, rounds, find_stump):
    n = len(y)
    weights = [1 / n] * n
    votes = [0.0] * n
    result = {"stumps": [], "alphas": [], "bound": [], "error": []}
    for t in range(rounds):
        feature, threshold, polarity, error = find_stump(F, y, np.array(weights))
        if error < 1e-10:
            error = 1e-10
        alpha = 0.5 * np.log((1 - error) / error)
        wrong = 0
        for i in range(n):
            said = 1 if polarity * (F[i, feature] - threshold) > 0 else -1
            weights[i] *= np.exp(-alpha * y[i] * said)
            votes[i] += alpha * said
            if (votes[i] > 0) != (y[i] > 0):
                wrong += 1
        total = sum(weights)
        weights = [weight / total for weight in weights]
        result["stumps"].append((feature, threshold, polarity))
        result["alphas"].append(alpha)
        before = result["bound"][t - 1] if t > 0 else 1.0
        result["bound"].append(before * 2 * (error * (1 - error)) ** 0.5)
        result["error"].append(wrong / n)
    return result


# %% cascade
def stage_threshold(scores, is_face, rate):
    faces_only = [float(score) for score, face in zip(scores, is_face, strict=True) if face]
    best = min(faces_only)
    for cut in faces_only:
        passing = sum(1 for score in faces_only if score >= cut)
        if passing / len(faces_only) >= rate and cut > best:
            best = cut
    return best


def run_cascade(F, stages):
    accepted, looked = [], []
    for window in F.tolist():
        alive, count = True, 0
        for stage in stages:
            score = 0.0
            for (feature, threshold, polarity), alpha in zip(stage["stumps"], stage["alphas"], strict=True):
                score += alpha if polarity * (window[feature] - threshold) > 0 else -alpha
                count += 1
            if score < stage["threshold"]:
                alive = False
                break
        accepted.append(alive)
        looked.append(count)
    return accepted, looked


# %% sliding-windows
def sliding_windows(width, height, smallest, factor, stride):
    if factor <= 1:
        raise ValueError("factor")
    boxes = []
    k = 0
    while True:
        side = int(smallest * factor**k)
        if side > width or side > height:
            return boxes
        step = int(stride * side)
        if step < 1:
            step = 1
        x = 0
        while x + side <= width:
            y = 0
            while y + side <= height:
                boxes.append([x, y, side, side])
                y += step
            x += step
        k += 1


# %% iou-nms
def iou(box, boxes):
    result = []
    for other in boxes:
        across = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
        down = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
        shared = across * down if across > 0 and down > 0 else 0
        result.append(shared / (box[2] * box[3] + other[2] * other[3] - shared))
    return result


def nms(boxes, scores, max_iou):
    left = list(range(len(boxes)))
    kept = []
    while left:
        best = left[0]
        for number in left:
            if scores[number] > scores[best]:
                best = number
        kept.append(best)
        left.remove(best)
        overlaps = iou(boxes[best], [boxes[number] for number in left])
        left = [number for number, overlap in zip(left, overlaps, strict=True) if overlap <= max_iou]
    return kept


# %% detection-scores
def match_detections(overlap, min_iou):
    d, t = overlap.shape
    taken = [False] * t
    tp = 0
    for i in range(d):
        best = -1
        for j in range(t):
            if not taken[j] and (best < 0 or overlap[i, j] > overlap[i, best]):
                best = j
        if best >= 0 and overlap[i, best] >= min_iou:
            taken[best] = True
            tp += 1
    return tp, d - tp, t - tp


def detection_scores(tp, fp, fn, tn):
    precision = 0.0
    if tp + fp > 0:
        precision = tp / (tp + fp)
    recall = tp / (tp + fn)
    f1 = 0.0
    if precision + recall > 0:
        f1 = 2 * precision * recall / (precision + recall)
    false_alarms = fp / (fp + tn)
    misses = 1 - recall
    return {"precision": precision, "recall": recall, "f1": f1, "balanced_error": 0.5 * (misses + false_alarms)}
