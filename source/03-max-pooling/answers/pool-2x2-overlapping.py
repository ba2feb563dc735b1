# ---
# kind: mistake
# title: "windows stand 1 apart instead of 2"
# scores: {pool-2x2: 3}
# ---

# %% pool-2x2
def max_pool_2x2(image):
    return sliding_window_view(np.asarray(image), (2, 2)).max(axis=(2, 3))


def thrown_away(height, width):
    return 1 - (height // 2) * (width // 2) / (height * width)
