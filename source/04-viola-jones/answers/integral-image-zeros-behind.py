# ---
# kind: mistake
# title: "the zeros stand below and to the right"
# scores: {integral-image: 5}
# ---

# %% integral-image
def integral_image(image):
    image = np.asarray(image, dtype=float)
    sums = image.cumsum(axis=-2).cumsum(axis=-1)
    return np.pad(sums, [(0, 0)] * (image.ndim - 2) + [(0, 1), (0, 1)])


def rectangle_sum(ii, x, y, w, h):
    return ii[..., y + h, x + w] - ii[..., y, x + w] - ii[..., y + h, x] + ii[..., y, x]
