# ---
# kind: mistake
# title: "the sums are kept in the type of the picture, and 255 is the end"
# scores: {integral-image: 5}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image)
    ii = np.zeros((*image.shape[:-2], image.shape[-2] + 1, image.shape[-1] + 1), dtype=image.dtype)
    ii[..., 1:, 1:] = image.cumsum(axis=-2).cumsum(axis=-1)
    return ii


def rectangle_sum(ii, x, y, w, h):
    return ii[..., y + h, x + w] - ii[..., y, x + w] - ii[..., y + h, x] + ii[..., y, x]
