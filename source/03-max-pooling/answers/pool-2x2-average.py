# ---
# kind: mistake
# title: "takes the mean of each window"
# scores: {pool-2x2: 3}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    image = np.asarray(image)
    height, width = image.shape[0] // 2, image.shape[1] // 2
    return image[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean(axis=(1, 3))


def thrown_away(height, width):
    return 1 - (height // 2) * (width // 2) / (height * width)
