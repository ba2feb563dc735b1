# ---
# kind: mistake
# title: "leaves out the last row and column"
# scores: {integral-image: 3}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image)
    ii = np.zeros((*image.shape[:-2], image.shape[-2] + 1, image.shape[-1] + 1))
    ii[..., 1:, 1:] = image.cumsum(axis=-2).cumsum(axis=-1)
    return ii


def rectangle_sum(ii, x, y, w, h):
    bottom, right = y + h - 1, x + w - 1
    return ii[..., bottom, right] - ii[..., y, right] - ii[..., bottom, x] + ii[..., y, x]
