# ---
# kind: mistake
# title: always 3 by 3
# scores: {smooth: 8}
# ---

# %% smooth
def gaussian_kernel1d(sigma):
    radius = int(np.ceil(3 * sigma))
    x = np.arange(-radius, radius + 1)
    weights = np.exp(-(x**2) / (2 * sigma**2))
    return weights / weights.sum()


def separate(kernel):
    kernel = np.array(kernel, dtype=float)
    U, s, Vt = np.linalg.svd(kernel)
    if len(s) > 1 and s[1] > 1e-8 * s[0]:
        raise ValueError("not separable")
    return U[:, 0] * s[0], Vt[0]


def median_filter(image, size):
    size = 3
    padded = np.pad(image, size // 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size))
    return np.median(windows, axis=(2, 3))
