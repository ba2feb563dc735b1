# ---
# kind: mistake
# title: rows and columns exchanged
# scores: {distances: 0}
# ---

# %% distances
def distances(left, right):
    return ((right[:, None, :] - left[None, :, :]) ** 2).sum(axis=2)
