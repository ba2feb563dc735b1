# ---
# kind: right
# title: right values in other types - lists, float32, tensors, more than asked
# scores: {}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    return [
        [
            max(image[r][c], image[r][c + 1], image[r + 1][c], image[r + 1][c + 1])
            for c in range(0, len(image[0]) - 1, 2)
        ]
        for r in range(0, len(image) - 1, 2)
    ]


def thrown_away(height, width):
    return np.float64(1 - (height // 2) * (width // 2) / (height * width))


# %% pool
def pool(x, kernel, stride=None, padding=0, mode="max"):
    if 2 * padding > kernel:
        raise ValueError
    x = torch.as_tensor(np.array(x, dtype=np.float64))
    frame = torch.nn.functional.pad(x, (padding,) * 4, value=float("-inf") if mode == "max" else 0.0)
    step = stride if stride else kernel
    windows = frame.unfold(-2, kernel, step).unfold(-2, kernel, step)
    match mode:
        case "max":
            return windows.amax(dim=(-2, -1))
        case "sum":
            return windows.sum(dim=(-2, -1))
        case "average":
            return windows.mean(dim=(-2, -1))
    raise ValueError(mode)


# %% switches
def max_pool_switches(x, kernel, stride):
    x = np.array(x)
    width = x.shape[1]
    values, switches = [], []
    for top in range(0, x.shape[0] - kernel + 1, stride):
        pairs = []
        for left in range(0, width - kernel + 1, stride):
            area = x[top : top + kernel, left : left + kernel]
            r, c = np.unravel_index(np.argmax(area), area.shape)
            pairs.append((area[r, c], int((top + r) * width + left + c)))
        values.append([value for value, _ in pairs])
        switches.append([switch for _, switch in pairs])
    return [np.array(values, dtype=np.float64), torch.tensor(switches)]


# %% pool-backward
def pool_backward(x, gradient, kernel, stride, mode):
    result = torch.zeros(np.shape(x), dtype=torch.float64)
    for i, row in enumerate(gradient.tolist()):
        for j, g in enumerate(row):
            top, left = i * stride, j * stride
            if mode == "average":
                result[top : top + kernel, left : left + kernel] += g / kernel**2
            else:
                area = x[top : top + kernel, left : left + kernel]
                r, c = divmod(int(area.argmax()), kernel)
                result[top + r, left + c] += g
    return result


# %% shift-curve
def shift_curve(x, shifts, kernel):
    def respond(shift):
        seen = np.zeros_like(x)
        if shift > 0:
            seen[:, shift:] = x[:, :-shift]
        elif shift < 0:
            seen[:, :shift] = x[:, -shift:]
        else:
            seen = x
        return F.max_pool2d(torch.from_numpy(seen)[None], kernel)[0].flatten()

    a = respond(0)
    curve = []
    for shift in shifts:
        b = respond(shift)
        curve.append(torch.dot(a, b) / a.norm() / b.norm())
    return torch.stack(curve)


# %% max-or-sum
def c_responses(picture, features, mode):
    layers = [torch.tensor(correlate2d(picture, feature, mode="valid")).clamp(min=0) for feature in features]
    return tuple(float(s.max() if mode == "max" else s.sum()) for s in layers)


def it_cell(picture, preferred, features, mode, sigma):
    now, best = (torch.tensor(c_responses(p, features, mode)) for p in (picture, preferred))
    return torch.exp(-((now - best) ** 2).sum() / (2 * sigma**2 * (best**2).sum()))


# %% layer-shapes
def layer_shapes(shape, layers):
    shapes, parameters = [list(shape)], []
    for layer in layers:
        c, h, w = shapes[-1]
        if layer[0] == "conv":
            m, k, p = layer[1:]
            shapes.append([m, h + 2 * p - k + 1, w + 2 * p - k + 1])
            parameters.append(m * (c * k**2 + 1))
        if layer[0] == "pool":
            k, s = layer[1:]
            shapes.append([c, int((h - k) / s) + 1, int((w - k) / s) + 1])
            parameters.append(0)
        if layer[0] == "full":
            shapes.append([layer[1], 1, 1])
            parameters.append(layer[1] * (c * h * w + 1))
    return [np.array(shapes[1:]), np.array(parameters, dtype=np.int32)]


# %% s-and-c-cells
def s_cells(image, template):
    h, w = template.shape
    rows = []
    for r in range(len(image) - h + 1):
        rows.append([])
        for c in range(image.shape[1] - w + 1):
            window = image[r : r + h, c : c + w].astype(np.float64)
            spread = float(window.std())
            together = float(((window - window.mean()) * (template - template.mean())).mean())
            rows[-1].append(together / (spread * float(template.std())) if spread > 1e-6 else 0)
    return torch.tensor(rows, dtype=torch.float64)


def c_cell(s_map, row, column, radius, mode):
    near = [
        float(s_map[r][c])
        for r in range(s_map.shape[0])
        for c in range(s_map.shape[1])
        if abs(r - row) <= radius and abs(c - column) <= radius
    ]
    return torch.tensor(max(near) if mode == "max" else sum(near), dtype=torch.float64)
