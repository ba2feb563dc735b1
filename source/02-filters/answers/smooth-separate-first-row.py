# ---
# kind: mistake
# title: 'takes the first row, which may be all zeros'
# scores: {smooth: 7}
# ---

# %% smooth
def gaussian_kernel1d(sigma):
    radius = int(np.ceil(3 * sigma))
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-(x**2) / (2 * sigma**2))
    return weights / weights.sum()


def separate(kernel):
    kernel = np.array(kernel, dtype=float)
    column, row = kernel[:, 0] / kernel[0, 0], kernel[0]
    if not np.allclose(np.outer(column, row), kernel):
        raise ValueError("not separable")
    return column, row


def median_filter(image, size):
    padded = np.pad(image, size // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return np.median(windows, axis=(2, 3))
