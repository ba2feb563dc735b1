# ---
# kind: mistake
# title: distances instead of squared distances
# scores: {distances: 0}
# ---

# %% distances
def distances(left, right):
    return np.sqrt(((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2))
