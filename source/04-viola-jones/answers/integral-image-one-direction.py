# ---
# kind: mistake
# title: "sums along the rows only"
# scores: {integral-image: 5}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image, dtype=float)
    ii = np.zeros((*image.shape[:-2], image.shape[-2] + 1, image.shape[-1] + 1))
    ii[..., 1:, 1:] = image.cumsum(axis=-1)
    return ii


def rectangle_sum(ii, x, y, w, h):
    return ii[..., y + h, x + w] - ii[..., y, x + w] - ii[..., y + h, x] + ii[..., y, x]
