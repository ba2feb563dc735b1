# ---
# kind: mistake
# title: "the search for the largest starts at 0, so negative windows become 0"
# scores: {pool-2x2: 3}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    image = np.asarray(image)
    result = np.zeros((image.shape[0] // 2, image.shape[1] // 2))
    for r in range(result.shape[0]):
        for c in range(result.shape[1]):
            for i in range(2):
                for j in range(2):
                    if image[2 * r + i, 2 * c + j] > result[r, c]:
                        result[r, c] = image[2 * r + i, 2 * c + j]
    return result


def thrown_away(height, width):
    return 1 - (height // 2) * (width // 2) / (height * width)
