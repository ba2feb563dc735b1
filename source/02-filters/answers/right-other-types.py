# ---
# kind: right
# title: lists, tuples, float32, integers and tensors where arrays were asked for
# scores: {}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    blue, green, red = np.moveaxis(np.array(picture, dtype=np.float32), 2, 0)
    return (red * 0.299 + green * 0.587 + blue * 0.114).tolist()


# %% correlate
def correlate2d(image, kernel, padding="zero", stride=1):
    mode = {"zero": "constant", "reflect": "reflect", "edge": "replicate", "valid": None}
    if padding not in mode:
        raise ValueError(padding)
    image = torch.tensor(np.array(image, dtype=float))[None, None]
    kernel = torch.tensor(np.array(kernel, dtype=float))[None, None]
    if padding != "valid":
        y, x = kernel.shape[2] // 2, kernel.shape[3] // 2
        image = torch.nn.functional.pad(image, (x, x, y, y), mode=mode[padding])
    return torch.nn.functional.conv2d(image, kernel, stride=stride)[0, 0]


def convolve2d(image, kernel, padding="zero", stride=1):
    return correlate2d(image, np.array(kernel)[::-1, ::-1].copy(), padding, stride).tolist()


# %% smooth
def gaussian_kernel1d(sigma):
    radius = int(np.ceil(3 * sigma))
    x = torch.arange(-radius, radius + 1, dtype=torch.float64)
    return torch.softmax(-(x**2) / (2 * sigma**2), dim=0)


def separate(kernel):
    kernel = np.array(kernel, dtype=np.float64)
    i, j = divmod(int(np.abs(kernel).argmax()), kernel.shape[1])
    column, row = (kernel[:, j] / kernel[i, j]).tolist(), kernel[i].tolist()
    if not all(np.isclose(a * b, kernel[y, x], atol=1e-9) for y, a in enumerate(column) for x, b in enumerate(row)):
        raise ValueError("no")
    return [column, row]


def median_filter(image, size):
    image = torch.tensor(np.array(image, dtype=float))[None, None]
    image = torch.nn.functional.pad(image, (size // 2,) * 4, mode="replicate")[0, 0]
    return image.unfold(0, size, 1).unfold(1, size, 1).flatten(2).median(dim=2).values


# %% centre-surround
def dog_response(image, sigma_centre, sigma_surround):
    image = np.array(image).astype(np.float32)
    blurred = [
        ndi.gaussian_filter(image, sigma, mode="nearest", truncate=3.0) for sigma in (sigma_centre, sigma_surround)
    ]
    return (blurred[0] - blurred[1]).tolist()


def log_kernel(sigma, radius):
    x = torch.arange(-radius, radius + 1, dtype=torch.float64)
    r2 = x[:, None] ** 2 + x[None, :] ** 2
    kernel = (r2 - 2 * sigma**2) / (2 * np.pi * sigma**6) * torch.exp(-r2 / 2 / sigma**2)
    return kernel - kernel.mean()


# %% sobel
def sobel_gradient(image):
    padded = np.pad(np.array(image, dtype=np.float32), 1, mode="edge")
    weights = torch.tensor([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]])
    weights = torch.cat([weights, weights.transpose(2, 3)])
    gx, gy = torch.nn.functional.conv2d(torch.tensor(padded)[None, None], weights)[0]
    return [torch.sqrt(gx**2 + gy**2), torch.rad2deg(torch.atan2(gy, gx)) % 360]


# %% gabor-cells
def gabor_kernel(size, wavelength, theta, phase, sigma, gamma):
    r = torch.arange(-(size // 2), size // 2 + 1, dtype=torch.float64)
    y, x = torch.meshgrid(r, r, indexing="ij")
    theta, phase = torch.deg2rad(torch.tensor([theta, phase], dtype=torch.float64))
    u, v = x * torch.cos(theta) + y * torch.sin(theta), y * torch.cos(theta) - x * torch.sin(theta)
    return torch.exp(-(u**2 + (gamma * v) ** 2) / (2 * sigma**2)) * torch.cos(2 * torch.pi * u / wavelength + phase)


def cell_responses(stimuli, even, odd):
    stimuli = [np.array(stimulus, dtype=float) for stimulus in stimuli]
    even, odd = np.array(even), np.array(odd)
    simple = [max(0, float(np.sum(even * stimulus))) for stimulus in stimuli]
    return [simple, [float(np.hypot(np.sum(even * s), np.sum(odd * s))) for s in stimuli]]


# %% canny-steps
def thin_edges(magnitude, direction):
    magnitude = np.array(magnitude)
    padded = np.pad(magnitude, 1)
    result = magnitude.tolist()
    for (y, x), angle in np.ndenumerate(np.array(direction)):
        down, right = {0: (0, 1), 1: (1, 1), 2: (1, 0), 3: (1, -1)}[round(angle / 45) % 4]
        if max(padded[y + 1 + down, x + 1 + right], padded[y + 1 - down, x + 1 - right]) > magnitude[y, x]:
            result[y][x] = 0
    return result


def hysteresis(thin, low, high):
    thin = np.array(thin)
    edges = (thin >= high).astype(np.uint8)
    while True:
        grown = cv2.dilate(edges, np.ones((3, 3), dtype=np.uint8)) * (thin >= low)
        if np.array_equal(grown, edges):
            return edges.astype(int).tolist()
        edges = grown.astype(np.uint8)


# %% harris
def harris_response(image, sigma, k):
    image = torch.tensor(np.array(image), dtype=torch.float64)[None, None]
    weights = torch.tensor([[[[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]]]], dtype=torch.float64)
    padded = torch.nn.functional.pad(image, (1, 1, 1, 1), mode="replicate")
    ix, iy = torch.nn.functional.conv2d(padded, torch.cat([weights, weights.transpose(2, 3)]))[0].numpy()
    a, b, c = (ndi.gaussian_filter(p, sigma, mode="nearest", truncate=3.0) for p in (ix**2, ix * iy, iy**2))
    return torch.tensor(a * c - b * b - k * (a + c) ** 2)


def find_corners(response, threshold, radius):
    response = np.array(response)
    largest = cv2.dilate(response.astype(np.float64), np.ones((2 * radius + 1, 2 * radius + 1), dtype=np.uint8))
    rows, columns = np.nonzero((response == largest) & (response > threshold))
    return tuple(sorted(zip(rows, columns, strict=True), key=lambda place: -response[place]))


# %% match
def match_descriptors(first, second, ratio):
    first, second = (torch.tensor(np.array(part), dtype=torch.float64) for part in (first, second))
    near, places = torch.cdist(first, second, compute_mode="donot_use_mm_for_euclid_dist").topk(2, largest=False)
    chosen = torch.nonzero(near[:, 0] < ratio * near[:, 1])[:, 0]
    return torch.stack([chosen, places[chosen, 0]], dim=1)
