# ---
# kind: mistake
# title: the fourth power of sigma instead of the sixth
# scores: {centre-surround: 5}
# ---

# %% centre-surround
def dog_response(image, sigma_centre, sigma_surround):
    image = np.array(image, dtype=float)
    centre = ndi.gaussian_filter(image, sigma_centre, mode="nearest")
    surround = ndi.gaussian_filter(image, sigma_surround, mode="nearest")
    return centre - surround


def log_kernel(sigma, radius):
    x = np.arange(-radius, radius + 1)
    r2 = x[:, None] ** 2 + x**2
    kernel = (r2 - 2 * sigma**2) / (2 * np.pi * sigma**4) * np.exp(-r2 / (2 * sigma**2))
    return kernel - kernel.mean()
