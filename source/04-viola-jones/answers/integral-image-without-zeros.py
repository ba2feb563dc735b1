# ---
# kind: mistake
# title: "no row and column of zeros"
# scores: {integral-image: 5}
# ---

# %% integral-image
def integral_image(image):
    return np.asarray(image, dtype=float).cumsum(axis=-2).cumsum(axis=-1)


def rectangle_sum(ii, x, y, w, h):
    return ii[..., y + h, x + w] - ii[..., y, x + w] - ii[..., y + h, x] + ii[..., y, x]
