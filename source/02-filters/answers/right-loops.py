# ---
# kind: right
# title: plain Python loops, one number at a time
# scores: {}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    h, w = len(picture), len(picture[0])
    gray = np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            blue, green, red = (float(value) for value in picture[y][x])
            gray[y, x] = 0.299 * red + 0.587 * green + 0.114 * blue
    return gray


# %% correlate
def correlate2d(image, kernel, padding="zero", stride=1):
    if padding not in ("valid", "zero", "reflect", "edge"):
        raise ValueError("padding")
    image = [[float(value) for value in row] for row in image]
    kernel = [[float(value) for value in row] for row in kernel]
    h, w, kh, kw = len(image), len(image[0]), len(kernel), len(kernel[0])

    def pixel(y, x):
        if 0 <= y < h and 0 <= x < w:
            return image[y][x]
        if padding == "zero":
            return 0.0
        if padding == "edge":
            return image[min(max(y, 0), h - 1)][min(max(x, 0), w - 1)]
        y, x = abs(y), abs(x)
        return image[y if y < h else 2 * (h - 1) - y][x if x < w else 2 * (w - 1) - x]

    top, left = kh // 2, kw // 2
    inside = padding == "valid"
    rows = range(top, h - top, stride) if inside else range(0, h, stride)
    columns = range(left, w - left, stride) if inside else range(0, w, stride)
    result = []
    for y in rows:
        line = []
        for x in columns:
            total = 0.0
            for i in range(kh):
                for j in range(kw):
                    total += kernel[i][j] * pixel(y + i - top, x + j - left)
            line.append(total)
        result.append(line)
    return np.array(result)


def convolve2d(image, kernel, padding="zero", stride=1):
    turned = [list(row)[::-1] for row in list(kernel)[::-1]]
    return correlate2d(image, turned, padding, stride)


# %% smooth
def gaussian_kernel1d(sigma):
    radius = 0
    while radius < 3 * sigma:
        radius += 1
    weights = []
    for x in range(-radius, radius + 1):
        weights.append(np.exp(-x * x / (2 * sigma * sigma)))
    total = sum(weights)
    return np.array([weight / total for weight in weights])


def separate(kernel):
    kernel = [[float(value) for value in row] for row in kernel]
    largest, place = 0.0, (0, 0)
    for i, row in enumerate(kernel):
        for j, value in enumerate(row):
            if abs(value) > largest:
                largest, place = abs(value), (i, j)
    column = [row[place[1]] for row in kernel]
    row = [value / kernel[place[0]][place[1]] for value in kernel[place[0]]]
    for i in range(len(column)):
        for j in range(len(row)):
            if abs(column[i] * row[j] - kernel[i][j]) > 1e-9 * largest:
                raise ValueError("not separable")
    return np.array(column), np.array(row)


def median_filter(image, size):
    h, w = len(image), len(image[0])
    radius = size // 2
    result = np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            around = []
            for i in range(y - radius, y + radius + 1):
                for j in range(x - radius, x + radius + 1):
                    around.append(float(image[min(max(i, 0), h - 1)][min(max(j, 0), w - 1)]))
            result[y, x] = sorted(around)[len(around) // 2]
    return result


# %% centre-surround
def dog_response(image, sigma_centre, sigma_surround):
    image = np.array(image, dtype=float)
    h, w = image.shape

    def blur(sigma):
        radius = int(4 * sigma) + 1
        weights = [np.exp(-x * x / (2 * sigma * sigma)) for x in range(-radius, radius + 1)]
        total = sum(weights)
        across, down = np.zeros((h, w)), np.zeros((h, w))
        for offset in range(-radius, radius + 1):
            for x in range(w):
                across[:, x] += weights[offset + radius] / total * image[:, min(max(x + offset, 0), w - 1)]
        for offset in range(-radius, radius + 1):
            for y in range(h):
                down[y] += weights[offset + radius] / total * across[min(max(y + offset, 0), h - 1)]
        return down

    return blur(sigma_centre) - blur(sigma_surround)


def log_kernel(sigma, radius):
    side = 2 * radius + 1
    kernel = np.zeros((side, side))
    for i in range(side):
        for j in range(side):
            r2 = (i - radius) ** 2 + (j - radius) ** 2
            kernel[i, j] = (r2 - 2 * sigma**2) * np.exp(-r2 / (2 * sigma**2)) / (2 * np.pi * sigma**6)
    total = 0.0
    for value in kernel.ravel():
        total += value
    return kernel - total / side**2


# %% sobel
def sobel_gradient(image):
    h, w = len(image), len(image[0])
    magnitude, direction = np.zeros((h, w)), np.zeros((h, w))
    for y in range(h):
        for x in range(w):

            def at(down, right, y=y, x=x):
                return float(image[min(max(y + down, 0), h - 1)][min(max(x + right, 0), w - 1)])

            gx = at(-1, 1) + 2 * at(0, 1) + at(1, 1) - at(-1, -1) - 2 * at(0, -1) - at(1, -1)
            gy = at(1, -1) + 2 * at(1, 0) + at(1, 1) - at(-1, -1) - 2 * at(-1, 0) - at(-1, 1)
            magnitude[y, x] = (gx * gx + gy * gy) ** 0.5
            direction[y, x] = np.arctan2(gy, gx) * 180 / np.pi
    return magnitude, direction


# %% gabor-cells
def gabor_kernel(size, wavelength, theta, phase, sigma, gamma):
    half = size // 2
    c, s = np.cos(theta * np.pi / 180), np.sin(theta * np.pi / 180)
    kernel = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            x, y = j - half, i - half
            u, v = x * c + y * s, -x * s + y * c
            window = np.exp(-(u * u + gamma * gamma * v * v) / (2 * sigma * sigma))
            kernel[i, j] = window * np.cos(2 * np.pi * u / wavelength + phase * np.pi / 180)
    return kernel


def cell_responses(stimuli, even, odd):
    simple, energy = [], []
    for stimulus in stimuli:
        r0 = r90 = 0.0
        for i in range(len(even)):
            for j in range(len(even[0])):
                r0 += float(even[i][j]) * float(stimulus[i][j])
                r90 += float(odd[i][j]) * float(stimulus[i][j])
        simple.append(r0 if r0 > 0 else 0.0)
        energy.append((r0**2 + r90**2) ** 0.5)
    return simple, energy


# %% canny-steps
def thin_edges(magnitude, direction):
    h, w = len(magnitude), len(magnitude[0])
    thin = np.zeros((h, w))

    def at(y, x):
        return magnitude[y][x] if 0 <= y < h and 0 <= x < w else 0.0

    for y in range(h):
        for x in range(w):
            angle = direction[y][x] % 180
            if angle < 22.5 or angle >= 157.5:
                neighbours = at(y, x - 1), at(y, x + 1)
            elif angle < 67.5:
                neighbours = at(y - 1, x - 1), at(y + 1, x + 1)
            elif angle < 112.5:
                neighbours = at(y - 1, x), at(y + 1, x)
            else:
                neighbours = at(y - 1, x + 1), at(y + 1, x - 1)
            if magnitude[y][x] >= neighbours[0] and magnitude[y][x] >= neighbours[1]:
                thin[y, x] = magnitude[y][x]
    return thin


def hysteresis(thin, low, high):
    h, w = len(thin), len(thin[0])
    edges = np.zeros((h, w), dtype=bool)
    waiting = [(y, x) for y in range(h) for x in range(w) if thin[y][x] >= high]
    while waiting:
        y, x = waiting.pop()
        if not edges[y, x]:
            edges[y, x] = True
            for i in range(max(y - 1, 0), min(y + 2, h)):
                for j in range(max(x - 1, 0), min(x + 2, w)):
                    if thin[i][j] >= low and not edges[i, j]:
                        waiting.append((i, j))
    return edges


# %% harris
def harris_response(image, sigma, k):
    image = np.array(image, dtype=float)
    h, w = image.shape
    A, B, C = np.zeros((h, w)), np.zeros((h, w)), np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            up, down, left, right = max(y - 1, 0), min(y + 1, h - 1), max(x - 1, 0), min(x + 1, w - 1)
            ix = image[up, right] + 2 * image[y, right] + image[down, right]
            ix -= image[up, left] + 2 * image[y, left] + image[down, left]
            iy = image[down, left] + 2 * image[down, x] + image[down, right]
            iy -= image[up, left] + 2 * image[up, x] + image[up, right]
            A[y, x], B[y, x], C[y, x] = ix * ix, ix * iy, iy * iy

    def blur(values):
        radius = int(np.ceil(3 * sigma))
        weights = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
        weights /= weights.sum()
        for _ in range(2):  # down the columns, then turn, and once more
            blurred = np.zeros_like(values)
            for y in range(len(values)):
                for offset in range(-radius, radius + 1):
                    blurred[y] += weights[offset + radius] * values[min(max(y + offset, 0), len(values) - 1)]
            values = blurred.T
        return values

    A, B, C = blur(A), blur(B), blur(C)
    return A * C - B**2 - k * (A + C) ** 2


def find_corners(response, threshold, radius):
    h, w = len(response), len(response[0])
    found = []
    for y in range(h):
        for x in range(w):
            value = response[y][x]
            if value <= threshold:
                continue
            highest = True
            for i in range(max(y - radius, 0), min(y + radius + 1, h)):
                for j in range(max(x - radius, 0), min(x + radius + 1, w)):
                    if response[i][j] > value:
                        highest = False
            if highest:
                found.append((value, (y, x)))
    found.sort(reverse=True)
    return [place for _, place in found]


# %% match
def match_descriptors(first, second, ratio):
    first = [[float(value) for value in row] for row in first]
    second = [[float(value) for value in row] for row in second]
    pairs = []
    for i, one in enumerate(first):
        nearest, next_nearest, partner = float("inf"), float("inf"), None
        for j, other in enumerate(second):
            distance = sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5
            if distance < nearest:
                nearest, next_nearest, partner = distance, nearest, j
            elif distance < next_nearest:
                next_nearest = distance
        if nearest < ratio * next_nearest:
            pairs.append((i, partner))
    return pairs
