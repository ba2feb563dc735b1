# ---
# kind: right
# title: everything from OpenCV, SciPy, scikit-image and scikit-learn
# scores: {}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    return cv2.cvtColor(np.asarray(picture, dtype=np.float32), cv2.COLOR_BGR2GRAY)


# %% correlate
def correlate2d(image, kernel, padding="zero", stride=1):
    borders = {
        "zero": cv2.BORDER_CONSTANT,
        "valid": cv2.BORDER_CONSTANT,
        "reflect": cv2.BORDER_REFLECT_101,
        "edge": cv2.BORDER_REPLICATE,
    }
    if padding not in borders:
        raise ValueError("padding: valid, zero, reflect, edge")
    kernel = np.asarray(kernel, dtype=float)
    result = cv2.filter2D(np.asarray(image, dtype=float), -1, kernel, borderType=borders[padding])
    if padding == "valid":
        y, x = kernel.shape[0] // 2, kernel.shape[1] // 2
        result = result[y : result.shape[0] - y, x : result.shape[1] - x]
    return result[::stride, ::stride]


def convolve2d(image, kernel, padding="zero", stride=1):
    return correlate2d(image, cv2.flip(np.asarray(kernel, dtype=float), -1), padding, stride)


# %% smooth
def gaussian_kernel1d(sigma):
    radius = int(np.ceil(3 * sigma))
    impulse = np.zeros(2 * radius + 1)
    impulse[radius] = 1
    return ndi.gaussian_filter1d(impulse, sigma, radius=radius, mode="constant")


def separate(kernel):
    kernel = np.asarray(kernel, dtype=float)
    if np.linalg.matrix_rank(kernel, rtol=1e-6) > 1:
        raise ValueError("not separable")
    column = kernel[:, [np.abs(kernel).sum(axis=0).argmax()]]
    row = np.linalg.lstsq(column, kernel, rcond=None)[0]
    return column[:, 0], row[0]


def median_filter(image, size):
    return ndi.median_filter(image, size=size, mode="nearest")


# %% centre-surround
def dog_response(image, sigma_centre, sigma_surround):
    image = np.asarray(image, dtype=np.float32)
    centre = cv2.GaussianBlur(image, (0, 0), sigma_centre, borderType=cv2.BORDER_REPLICATE)
    return cv2.subtract(centre, cv2.GaussianBlur(image, (0, 0), sigma_surround, borderType=cv2.BORDER_REPLICATE))


def log_kernel(sigma, radius):
    from scipy.stats import norm

    x = np.arange(-radius, radius + 1)
    gauss = norm.pdf(x, scale=sigma)
    y, x = np.meshgrid(x, x, indexing="ij")
    kernel = np.outer(gauss, gauss) * ((x**2 + y**2) / sigma**4 - 2 / sigma**2)
    return kernel - np.average(kernel)


# %% sobel
def sobel_gradient(image):
    image = np.asarray(image, dtype=float)
    gx, gy = (ndi.sobel(image, axis=axis, mode="nearest") for axis in (1, 0))
    return cv2.cartToPolar(gx, gy, angleInDegrees=True)  # 0 to 360 degrees


# %% gabor-cells
def gabor_kernel(size, wavelength, theta, phase, sigma, gamma):
    radians = np.deg2rad([theta, phase])
    kernel = cv2.getGaborKernel((size, size), sigma, radians[0], wavelength, gamma, radians[1], cv2.CV_64F)
    return cv2.flip(kernel, -1)


def cell_responses(stimuli, even, odd):
    stimuli = torch.as_tensor(np.asarray(stimuli, dtype=float))[:, None]
    weights = torch.as_tensor(np.stack([even, odd]).astype(float))[:, None]
    sums = torch.nn.functional.conv2d(stimuli, weights)[:, :, 0, 0]
    return torch.relu(sums[:, 0]).numpy(), torch.hypot(sums[:, 0], sums[:, 1]).numpy()


# %% canny-steps
def thin_edges(magnitude, direction):
    magnitude, direction = np.asarray(magnitude, dtype=float), np.asarray(direction)
    footprints = {
        0: [[0, 0, 0], [1, 1, 1], [0, 0, 0]],
        1: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        2: [[0, 1, 0], [0, 1, 0], [0, 1, 0]],
        3: [[0, 0, 1], [0, 1, 0], [1, 0, 0]],
    }
    sector = np.round(direction / 45).astype(int) % 4
    largest = np.choose(
        sector, [ndi.maximum_filter(magnitude, footprint=footprints[n], mode="constant") for n in range(4)]
    )
    return np.where(magnitude == largest, magnitude, 0)


def hysteresis(thin, low, high):
    from skimage.morphology import reconstruction

    thin = np.asarray(thin)
    return reconstruction((thin >= high).astype(float), (thin >= low).astype(float), footprint=np.ones((3, 3))) > 0


# %% harris
def harris_response(image, sigma, k):
    image = np.asarray(image, dtype=float)
    gx, gy = (ndi.sobel(image, axis=axis, mode="nearest") for axis in (1, 0))
    A, B, C = (
        cv2.GaussianBlur(product, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for product in (gx**2, gx * gy, gy**2)
    )
    return A * C - B**2 - k * (A + C) ** 2


def find_corners(response, threshold, radius):
    from skimage.feature import peak_local_max

    return peak_local_max(
        np.asarray(response, dtype=float), min_distance=radius, threshold_abs=threshold, exclude_border=False
    )


# %% match
def match_descriptors(first, second, ratio):
    first, second = np.asarray(first, dtype=np.float32), np.asarray(second, dtype=np.float32)
    pairs = []
    for best, next_best in cv2.BFMatcher(cv2.NORM_L2).knnMatch(first, second, k=2):
        if best.distance < ratio * next_best.distance:
            pairs.append([best.queryIdx, best.trainIdx])
    return pairs
