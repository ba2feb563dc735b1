# ---
# kind: right
# title: Fourier transforms, matrices, complex numbers and singular values
# scores: {}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    # the second row of the matrix that turns RGB into YIQ, columns turned round
    to_yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    return np.tensordot(np.array(picture, dtype=np.float64), to_yiq[:, ::-1], axes=([2], [1]))[..., 0]


# %% correlate
def convolve2d(image, kernel, padding="zero", stride=1):
    image, kernel = np.array(image, dtype=float), np.array(kernel, dtype=float)
    top, left = kernel.shape[0] // 2, kernel.shape[1] // 2
    if padding in ("reflect", "edge"):
        image = np.pad(image, ((top, top), (left, left)), mode=padding)
    elif padding == "zero":
        image = np.pad(image, ((top, top), (left, left)))
    elif padding != "valid":
        raise ValueError(f"padding {padding}")
    # the convolution theorem: multiply the spectra
    whole = [image.shape[axis] + kernel.shape[axis] - 1 for axis in (0, 1)]
    product = np.fft.irfft2(np.fft.rfft2(image, whole) * np.fft.rfft2(kernel, whole), whole)
    inside = product[2 * top : image.shape[0], 2 * left : image.shape[1]]
    return inside[::stride, ::stride]


def correlate2d(image, kernel, padding="zero", stride=1):
    return convolve2d(image, np.rot90(np.array(kernel), 2), padding, stride)


# %% smooth
def gaussian_kernel1d(sigma):
    x = np.arange(0.0, 1 + np.ceil(3 * sigma))
    half = np.power(np.exp(-0.5 / sigma**2), x**2)
    both = np.concatenate([half[:0:-1], half])
    return both / np.linalg.norm(both, 1)


def separate(kernel):
    U, s, Vt = np.linalg.svd(np.array(kernel, dtype=float), full_matrices=False)
    if np.sum(s > 1e-7 * s[0]) > 1:
        raise ValueError("the rank is greater than 1")
    return U[:, 0] * np.sqrt(s[0]), Vt[0] * np.sqrt(s[0])


def median_filter(image, size):
    image = np.asarray(image)
    h, w = image.shape
    # every shifted copy of the picture, then the middle one of all that are sorted
    rows = np.clip(np.arange(h)[:, None] + np.arange(size) - size // 2, 0, h - 1)
    columns = np.clip(np.arange(w)[:, None] + np.arange(size) - size // 2, 0, w - 1)
    around = image[rows[:, None, :, None], columns[None, :, None, :]].reshape(h, w, -1)
    return np.partition(around, size**2 // 2, axis=2)[..., size**2 // 2]


# %% centre-surround
def dog_response(image, sigma_centre, sigma_surround):
    image = np.array(image, dtype=float)

    def smoother(n, sigma):
        # a matrix that blurs: row i holds the weights of pixel i, those outside added to the outermost
        matrix = np.zeros((n, n))
        radius = int(np.ceil(5 * sigma))
        weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
        weights /= weights.sum()
        for i in range(n):
            np.add.at(matrix[i], np.clip(np.arange(i - radius, i + radius + 1), 0, n - 1), weights)
        return matrix

    h, w = image.shape
    centre = smoother(h, sigma_centre) @ image @ smoother(w, sigma_centre).T
    surround = smoother(h, sigma_surround) @ image @ smoother(w, sigma_surround).T
    return centre - surround


def log_kernel(sigma, radius):
    # second derivatives of a product of two Gaussians
    x = np.arange(-radius, radius + 1)
    g = np.exp(-(x**2) / (2 * sigma**2)) / np.sqrt(2 * np.pi) / sigma
    second = g * (x**2 / sigma**4 - 1 / sigma**2)
    kernel = np.outer(second, g) + np.outer(g, second)
    return kernel - kernel.sum() / kernel.size


# %% sobel
def sobel_gradient(image):
    p = np.pad(np.array(image, dtype=float), 1, mode="edge")
    gx = np.array([1, 2, 1]) @ np.stack([p[i : i + p.shape[0] - 2] for i in range(3)]).swapaxes(0, 1)
    gx = gx[:, 2:] - gx[:, :-2]
    gy = p[2:] - p[:-2]
    gy = gy[:, :-2] + 2 * gy[:, 1:-1] + gy[:, 2:]
    g = gx + 1j * gy
    return np.abs(g), np.angle(g, deg=True)


# %% gabor-cells
def gabor_kernel(size, wavelength, theta, phase, sigma, gamma):
    half = size // 2
    z = np.arange(-half, half + 1)[None, :] + 1j * np.arange(-half, half + 1)[:, None]
    z = z * np.exp(-1j * np.deg2rad(theta))  # turn the plane: real part across the stripes
    wave = np.exp(1j * (2 * np.pi / wavelength * z.real + np.deg2rad(phase)))
    return (wave * np.exp(-0.5 * (z.real / sigma) ** 2) * np.exp(-0.5 * (gamma * z.imag / sigma) ** 2)).real


def cell_responses(stimuli, even, odd):
    stimuli = np.array(stimuli, dtype=float)
    both = np.stack([np.ravel(even), np.ravel(odd)], axis=1)
    sums = stimuli.reshape(len(stimuli), -1) @ both
    return (sums[:, 0] + np.abs(sums[:, 0])) / 2, np.linalg.norm(sums, axis=1)


# %% canny-steps
def thin_edges(magnitude, direction):
    magnitude = np.array(magnitude, dtype=float)
    h, w = magnitude.shape
    y, x = np.indices((h, w))
    turn = np.round(np.array(direction) / 45) * np.pi / 4
    down, across = np.rint(np.sin(turn)).astype(int), np.rint(np.cos(turn)).astype(int)
    padded = np.zeros((h + 2, w + 2))
    padded[1:-1, 1:-1] = magnitude
    ahead, behind = padded[y + 1 + down, x + 1 + across], padded[y + 1 - down, x + 1 - across]
    return magnitude * (magnitude >= np.maximum(ahead, behind))


def hysteresis(thin, low, high):
    # paths through the graph of weak pixels
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    thin = np.array(thin)
    h, w = thin.shape
    number = np.arange(h * w).reshape(h, w)
    weak = thin >= low
    starts, ends = [], []
    for down, across in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        here = (slice(0, h - down), slice(max(0, -across), w - max(0, across)))
        there = (slice(down, h), slice(max(0, across), w - max(0, -across)))
        both = weak[here] & weak[there]
        starts.append(number[here][both])
        ends.append(number[there][both])
    starts, ends = np.concatenate(starts), np.concatenate(ends)
    graph = coo_matrix((np.ones(len(starts)), (starts, ends)), shape=(h * w, h * w))
    _, group = connected_components(graph, directed=False)
    group = group.reshape(h, w)
    sure = set(group[thin >= high].tolist())
    return np.vectorize(lambda label: label in sure, otypes=[bool])(group)


# %% harris
def harris_response(image, sigma, k):
    image = np.array(image, dtype=float)
    h, w = image.shape

    def matrix(n, weights):
        radius = len(weights) // 2
        result = np.zeros((n, n))
        for i in range(n):
            np.add.at(result[i], np.clip(np.arange(i - radius, i + radius + 1), 0, n - 1), weights)
        return result

    x = np.arange(-int(np.ceil(4 * sigma)), int(np.ceil(4 * sigma)) + 1)
    gauss = np.exp(-(x**2) / (2 * sigma**2))
    gauss /= gauss.sum()
    ix = matrix(h, [1, 2, 1]) @ image @ matrix(w, [-1, 0, 1]).T
    iy = matrix(h, [-1, 0, 1]) @ image @ matrix(w, [1, 2, 1]).T
    tensor = np.empty((h, w, 2, 2))
    for i, first in enumerate((ix, iy)):
        for j, second in enumerate((ix, iy)):
            tensor[:, :, i, j] = matrix(h, gauss) @ (first * second) @ matrix(w, gauss).T
    return np.linalg.det(tensor) - k * np.trace(tensor, axis1=2, axis2=3) ** 2


def find_corners(response, threshold, radius):
    response = np.array(response, dtype=float)
    h, w = response.shape
    # from the highest down: a pixel is a peak if nothing higher lies within its square
    order = np.argsort(response, axis=None)[::-1]
    places = np.stack(np.unravel_index(order, (h, w)), axis=1)
    corners = []
    for rank, place in enumerate(places):
        if response[tuple(place)] <= threshold:
            break
        if rank == 0 or np.abs(places[:rank] - place).max(axis=1).min() > radius:
            corners.append((int(place[0]), int(place[1])))
    return corners


# %% match
def match_descriptors(first, second, ratio):
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    # |a - b|^2 = |a|^2 + |b|^2 - 2 ab
    square = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    distance = np.sqrt(np.maximum(square, 0))
    two = np.argpartition(distance, 1, axis=1)[:, :2]
    near = np.take_along_axis(distance, two, axis=1)
    return [(i, int(two[i, 0])) for i in range(len(first)) if near[i, 0] < ratio * near[i, 1]]
