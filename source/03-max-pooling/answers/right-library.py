# ---
# kind: right
# title: everything from libraries - PyTorch, SciPy, OpenCV
# scores: {}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    return F.max_pool2d(torch.tensor(np.array(image, dtype=float))[None], 2)[0].numpy()


def thrown_away(height, width):
    return 1 - max_pool_2x2(np.zeros((height, width))).size / (height * width)


# %% pool
def pool(x, kernel, stride=None, padding=0, mode="max"):
    layers = {
        "max": lambda: nn.MaxPool2d(kernel, stride, padding),
        "average": lambda: nn.AvgPool2d(kernel, stride, padding),
        "sum": lambda: nn.AvgPool2d(kernel, stride, padding, divisor_override=1),
    }
    if mode not in layers:
        raise ValueError(mode)
    x = torch.tensor(np.array(x, dtype=float))
    batch = x.reshape(-1, 1, *x.shape[-2:])
    try:
        result = layers[mode]()(batch)
    except RuntimeError as error:
        raise ValueError("padding") from error
    return result.reshape(*x.shape[:-2], *result.shape[-2:]).numpy()


# %% switches
def max_pool_switches(x, kernel, stride):
    values, switches = F.max_pool2d(torch.tensor(np.array(x, dtype=float))[None], kernel, stride, return_indices=True)
    return values[0].numpy(), switches[0].numpy()


# %% pool-backward
def pool_backward(x, gradient, kernel, stride, mode):
    x = torch.tensor(np.array(x, dtype=float))[None].requires_grad_()
    output = F.max_pool2d(x, kernel, stride) if mode == "max" else F.avg_pool2d(x, kernel, stride)
    (result,) = torch.autograd.grad(output, x, torch.tensor(gradient)[None])
    return result[0].numpy()


# %% shift-curve
def shift_curve(x, shifts, kernel):
    still = torch.tensor(x)[None]
    curve = []
    for shift in shifts:
        # negative padding cuts away
        moved = F.pad(still, (shift, -shift))
        a, b = (F.max_pool2d(part, kernel).flatten() for part in (still, moved))
        curve.append(float(F.cosine_similarity(a, b, dim=0)))
    return np.array(curve)


# %% max-or-sum
def c_responses(picture, features, mode):
    kernels = torch.tensor(np.array(features))[:, None]
    s = F.relu(F.conv2d(torch.tensor(picture)[None, None], kernels))[0]
    return (s.amax(dim=(1, 2)) if mode == "max" else s.sum(dim=(1, 2))).numpy()


def it_cell(picture, preferred, features, mode, sigma):
    from scipy.spatial.distance import sqeuclidean

    now, best = c_responses(picture, features, mode), c_responses(preferred, features, mode)
    return np.exp(-sqeuclidean(now, best) / (2 * sigma**2 * best.dot(best)))


# %% layer-shapes
def layer_shapes(shape, layers):
    signal = torch.zeros(1, *shape)
    shapes, parameters = [], []
    for kind, *numbers in layers:
        if kind == "conv":
            module = nn.Conv2d(signal.shape[1], numbers[0], numbers[1], padding=numbers[2])
        elif kind == "pool":
            module = nn.MaxPool2d(*numbers)
        else:
            module = nn.Sequential(nn.Flatten(), nn.Linear(signal.numel(), numbers[0]), nn.Unflatten(1, (-1, 1, 1)))
        signal = module(signal)
        shapes.append(tuple(signal.shape[1:]))
        parameters.append(sum(weight.numel() for weight in module.parameters()))
    return shapes, parameters


# %% s-and-c-cells
def s_cells(image, template):
    from scipy.stats import pearsonr

    windows = sliding_window_view(image.astype(float), template.shape)
    result = np.zeros(windows.shape[:2])
    varied = windows.std(axis=(2, 3)) > 1e-6
    result[varied] = pearsonr(windows[varied].reshape(-1, template.size), template.reshape(1, -1), axis=1).statistic
    return result


def c_cell(s_map, row, column, radius, mode):
    rows, columns = np.indices(s_map.shape)
    inside = np.maximum(abs(rows - row), abs(columns - column)) <= radius
    return s_map[inside].max() if mode == "max" else s_map[inside].sum()
