# ---
# kind: mistake
# title: "rows and columns that are left over make windows of their own"
# scores: {pool-2x2: 3}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    image = np.asarray(image)
    return np.array(
        [[image[r : r + 2, c : c + 2].max() for c in range(0, image.shape[1], 2)] for r in range(0, image.shape[0], 2)]
    )


def thrown_away(height, width):
    return 1 - (height // 2) * (width // 2) / (height * width)
