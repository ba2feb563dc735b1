# ---
# kind: mistake
# title: 'cv2.subtract of uint8 pictures: negative values become 0'
# scores: {centre-surround: 4}
# ---

# %% centre-surround
def dog_response(image, sigma_centre, sigma_surround):
    image = np.array(image).astype(np.uint8)
    centre = cv2.GaussianBlur(image, (0, 0), sigma_centre, borderType=cv2.BORDER_REPLICATE)
    surround = cv2.GaussianBlur(image, (0, 0), sigma_surround, borderType=cv2.BORDER_REPLICATE)
    return cv2.subtract(centre, surround)


def log_kernel(sigma, radius):
    x = np.arange(-radius, radius + 1)
    r2 = x[:, None] ** 2 + x**2
    kernel = (r2 - 2 * sigma**2) / (2 * np.pi * sigma**6) * np.exp(-r2 / (2 * sigma**2))
    return kernel - kernel.mean()
