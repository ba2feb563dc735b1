# ---
# kind: right
# title: plain Python loops, one number at a time
# scores: {}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    rows = []
    for r in range(0, len(image) - 1, 2):
        row = []
        for c in range(0, len(image[0]) - 1, 2):
            best = image[r][c]
            for value in (image[r][c + 1], image[r + 1][c], image[r + 1][c + 1]):
                if value > best:
                    best = value
            row.append(best)
        rows.append(row)
    return np.array(rows)


def thrown_away(height, width):
    kept = 0
    for _ in range(1, height, 2):
        for _ in range(1, width, 2):
            kept += 1
    return (height * width - kept) / (height * width)


# %% pool
def pool(x, kernel, stride=None, padding=0, mode="max"):
    if mode != "max" and mode != "average" and mode != "sum":
        raise ValueError("mode")
    if padding > kernel / 2:
        raise ValueError("padding")
    stride = stride or kernel
    x = np.asarray(x)
    if x.ndim > 2:
        return np.array([pool(part, kernel, stride, padding, mode) for part in x])
    height, width = x.shape
    rows = []
    for top in range(-padding, height + padding - kernel + 1, stride):
        row = []
        for left in range(-padding, width + padding - kernel + 1, stride):
            inside = []
            for r in range(top, top + kernel):
                for c in range(left, left + kernel):
                    if 0 <= r < height and 0 <= c < width:
                        inside.append(float(x[r, c]))
            if mode == "max":
                row.append(max(inside))
            elif mode == "sum":
                row.append(sum(inside))
            else:
                row.append(sum(inside) / (kernel * kernel))
        rows.append(row)
    return np.array(rows)


# %% switches
def max_pool_switches(x, kernel, stride):
    height, width = len(x), len(x[0])
    values, switches = [], []
    for top in range(0, height - kernel + 1, stride):
        values.append([])
        switches.append([])
        for left in range(0, width - kernel + 1, stride):
            best, place = None, None
            for r in range(top, top + kernel):
                for c in range(left, left + kernel):
                    if best is None or x[r][c] > best:
                        best, place = x[r][c], r * width + c
            values[-1].append(best)
            switches[-1].append(place)
    return np.array(values), np.array(switches)


# %% pool-backward
def pool_backward(x, gradient, kernel, stride, mode):
    result = np.zeros((len(x), len(x[0])))
    for i in range(len(gradient)):
        for j in range(len(gradient[0])):
            best = (i * stride, j * stride)
            for r in range(i * stride, i * stride + kernel):
                for c in range(j * stride, j * stride + kernel):
                    if mode == "average":
                        result[r, c] += gradient[i][j] / (kernel * kernel)
                    elif x[r][c] > x[best[0]][best[1]]:
                        best = (r, c)
            if mode == "max":
                result[best] += gradient[i][j]
    return result


# %% shift-curve
def shift_curve(x, shifts, kernel):
    height, width = x.shape

    def respond(shift):
        responses = []
        for top in range(0, height - kernel + 1, kernel):
            for left in range(0, width - kernel + 1, kernel):
                best = 0.0
                for r in range(top, top + kernel):
                    for c in range(left, left + kernel):
                        if 0 <= c - shift < width:
                            best = max(best, x[r, c - shift])
                responses.append(best)
        return responses

    a = respond(0)
    curve = []
    for shift in shifts:
        b = respond(shift)
        dot = sum(p * q for p, q in zip(a, b, strict=True))
        curve.append(dot / (sum(p * p for p in a) ** 0.5 * sum(q * q for q in b) ** 0.5))
    return curve


# %% max-or-sum
def c_responses(picture, features, mode):
    responses = []
    for feature in features:
        h, w = feature.shape
        total, best = 0.0, 0.0
        for r in range(picture.shape[0] - h + 1):
            for c in range(picture.shape[1] - w + 1):
                s = 0.0
                for i in range(h):
                    s += sum(feature[i] * picture[r + i, c : c + w])
                if s > 0:
                    total += s
                    best = max(best, s)
        responses.append(best if mode == "max" else total)
    return responses


def it_cell(picture, preferred, features, mode, sigma):
    now = c_responses(picture, features, mode)
    best = c_responses(preferred, features, mode)
    distance = sum((p - q) ** 2 for p, q in zip(now, best, strict=True))
    return float(np.exp(-distance / (2 * sigma**2 * sum(q * q for q in best))))


# %% layer-shapes
def layer_shapes(shape, layers):
    shapes, parameters = [], []
    for layer in layers:
        C, H, W = shape
        if layer[0] == "conv":
            _, m, k, p = layer
            shape = (m, H + 2 * p - k + 1, W + 2 * p - k + 1)
            parameters.append(m * (C * k * k + 1))
        elif layer[0] == "pool":
            _, k, s = layer
            # count the places where a window fits
            shape = (C, sum(1 for r in range(0, H, s) if r + k <= H), sum(1 for c in range(0, W, s) if c + k <= W))
            parameters.append(0)
        elif layer[0] == "full":
            shape = (layer[1], 1, 1)
            parameters.append(layer[1] * (C * H * W + 1))
        shapes.append(shape)
    return shapes, parameters


# %% s-and-c-cells
def s_cells(image, template):
    h, w = template.shape
    t = [float(value) - float(template.mean()) for value in template.ravel()]
    t_size = sum(value * value for value in t) ** 0.5
    rows = []
    for r in range(image.shape[0] - h + 1):
        row = []
        for c in range(image.shape[1] - w + 1):
            p = image[r : r + h, c : c + w].astype(float).ravel()
            if p.std() < 1e-6:
                row.append(0.0)
                continue
            p = p - p.mean()
            row.append(sum(p * t) / (sum(p * p) ** 0.5 * t_size))
        rows.append(row)
    return rows


def c_cell(s_map, row, column, radius, mode):
    best, total = None, 0.0
    for r in range(row - radius, row + radius + 1):
        for c in range(column - radius, column + radius + 1):
            if 0 <= r < s_map.shape[0] and 0 <= c < s_map.shape[1]:
                total += s_map[r, c]
                if best is None or s_map[r, c] > best:
                    best = s_map[r, c]
    return best if mode == "max" else total
