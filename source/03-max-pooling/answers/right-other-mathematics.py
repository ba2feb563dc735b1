# ---
# kind: right
# title: other mathematics - strided slices, filters, linear maps, sums of squares
# scores: {}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    image = np.asarray(image)
    even = image[: len(image) // 2 * 2, : image.shape[1] // 2 * 2]
    rows = np.maximum(even[::2], even[1::2])
    return np.maximum(rows[:, ::2], rows[:, 1::2])


def thrown_away(height, width):
    return 1.0 - (height - height % 2) * (width - width % 2) / 4 / height / width


# %% pool
def pool(x, kernel, stride=None, padding=0, mode="max"):
    if mode not in {"max", "average", "sum"} or padding > kernel // 2:
        raise ValueError
    stride = kernel if stride is None else stride
    x = np.asarray(x, dtype=float)
    height, width = x.shape[-2:]
    padded = np.full((*x.shape[:-2], height + 2 * padding, width + 2 * padding), -np.inf if mode == "max" else 0.0)
    padded[..., padding : padding + height, padding : padding + width] = x
    down = (height + 2 * padding - kernel) // stride + 1
    across = (width + 2 * padding - kernel) // stride + 1
    # the maximum, and the sum, of a square can be taken along one axis after the other
    gather = np.maximum if mode == "max" else np.add
    rows = padded[..., 0 : down * stride : stride, :]
    for step in range(1, kernel):
        rows = gather(rows, padded[..., step : step + (down - 1) * stride + 1 : stride, :])
    result = rows[..., 0 : across * stride : stride]
    for step in range(1, kernel):
        result = gather(result, rows[..., step : step + (across - 1) * stride + 1 : stride])
    return result / kernel / kernel if mode == "average" else result


# %% switches
def max_pool_switches(x, kernel, stride):
    x = np.asarray(x)
    number = np.arange(x.size).reshape(x.shape)
    down, across = ((length - kernel) // stride + 1 for length in x.shape)
    values = np.empty((down, across), dtype=x.dtype)
    switches = np.empty((down, across), dtype=int)
    for i in range(down):
        for j in range(across):
            area = np.s_[i * stride : i * stride + kernel, j * stride : j * stride + kernel]
            values[i, j] = x[area].max()
            switches[i, j] = number[area][x[area] == values[i, j]].min()
    return values, switches


# %% pool-backward
def pool_backward(x, gradient, kernel, stride, mode):
    x, gradient = np.asarray(x, dtype=float), np.asarray(gradient, dtype=float)
    number = np.arange(x.size).reshape(x.shape)
    windows = sliding_window_view(x, (kernel, kernel))[::stride, ::stride].reshape(*gradient.shape, -1)
    numbers = sliding_window_view(number, (kernel, kernel))[::stride, ::stride].reshape(*gradient.shape, -1)
    if mode == "max":
        winner = windows.argmax(axis=2)[..., None]
        places = np.take_along_axis(numbers, winner, axis=2)
        shares = gradient[..., None]
    else:
        places = numbers
        shares = np.broadcast_to(gradient[..., None] / kernel**2, numbers.shape)
    return np.bincount(places.ravel(), weights=shares.ravel(), minlength=x.size).reshape(x.shape)


# %% shift-curve
def shift_curve(x, shifts, kernel):
    from scipy.ndimage import shift as move

    def respond(picture):
        height, width = (length // kernel * kernel for length in picture.shape)
        blocks = picture[:height, :width].reshape(height // kernel, kernel, width // kernel, kernel)
        return blocks.max(axis=(1, 3))

    a = respond(x)
    result = []
    for shift in shifts:
        b = respond(move(x, (0, shift), order=0))
        # the law of cosines
        a_unit, b_unit = a / np.sqrt((a**2).sum()), b / np.sqrt((b**2).sum())
        result.append(1 - ((a_unit - b_unit) ** 2).sum() / 2)
    return result


# %% max-or-sum
def c_responses(picture, features, mode):
    from scipy.signal import convolve2d

    responses = []
    for feature in features:
        s = convolve2d(picture, feature[::-1, ::-1], mode="valid")
        s = (s + abs(s)) / 2
        responses.append(np.linalg.norm(s.ravel(), np.inf if mode == "max" else 1))
    return np.array(responses)


def it_cell(picture, preferred, features, mode, sigma):
    best = c_responses(preferred, features, mode)
    apart = np.linalg.norm(c_responses(picture, features, mode) - best) / np.linalg.norm(best)
    return np.exp(-0.5 * (apart / sigma) ** 2)


# %% layer-shapes
def layer_shapes(shape, layers):
    sizes = [tuple(shape)]
    counts = []
    for kind, *n in layers:
        c, h, w = sizes[-1]
        after, count = {
            "conv": lambda c, h, w, m, k, p: ((m, h - (k - 1) + 2 * p, w - (k - 1) + 2 * p), m * c * k * k + m),
            "pool": lambda c, h, w, k, s: ((c, -(-(h - k + 1) // s), -(-(w - k + 1) // s)), 0),
            "full": lambda c, h, w, m: ((m, 1, 1), m * c * h * w + m),
        }[kind](c, h, w, *n)
        sizes.append(after)
        counts.append(count)
    return sizes[1:], counts


# %% s-and-c-cells
def s_cells(image, template):
    windows = sliding_window_view(np.asarray(image, dtype=float), template.shape)
    rows = windows.reshape(*windows.shape[:2], -1)
    rows = rows - rows.mean(axis=-1, keepdims=True)
    lengths = np.linalg.norm(rows, axis=-1)
    uniform = lengths < 1e-6 * np.sqrt(template.size)
    lengths[uniform] = 1.0
    t = template.ravel() - template.mean()
    result = rows @ t / lengths / np.linalg.norm(t)
    result[uniform] = 0
    return result


def c_cell(s_map, row, column, radius, mode):
    wide = np.pad(s_map, radius, constant_values=-np.inf if mode == "max" else 0)
    field = wide[row : row + 2 * radius + 1, column : column + 2 * radius + 1]
    return np.max(field) if mode == "max" else np.sum(field)
