# ---
# kind: mistake
# title: 'row and column as they stand in the kernel: the size counts twice'
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
    if np.linalg.matrix_rank(kernel, rtol=1e-8) > 1:
        raise ValueError("not separable")
    i, j = np.unravel_index(np.argmax(np.abs(kernel)), kernel.shape)
    return kernel[:, j], kernel[i]


def median_filter(image, size):
    padded = np.pad(image, size // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return np.median(windows, axis=(2, 3))
