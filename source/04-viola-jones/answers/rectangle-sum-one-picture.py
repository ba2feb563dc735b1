# ---
# kind: mistake
# title: "works for one picture only"
# scores: {integral-image: 3}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image)
    ii = np.zeros((*image.shape[:-2], image.shape[-2] + 1, image.shape[-1] + 1))
    ii[..., 1:, 1:] = image.cumsum(axis=-2).cumsum(axis=-1)
    return ii


def rectangle_sum(ii, x, y, w, h):
    return ii[y + h, x + w] - ii[y, x + w] - ii[y + h, x] + ii[y, x]
