# ---
# kind: mistake
# title: takes the nearest in Euclidean distance without scaling to length 1
# scores: {identify: 0}
# ---

# %% identify
def identify(gallery, person, probes, threshold):
    distance = np.linalg.norm(probes[:, None] - gallery[None], axis=2)
    return np.where(1 - distance.min(axis=1) / 2 < threshold, -1, person[distance.argmin(axis=1)])
