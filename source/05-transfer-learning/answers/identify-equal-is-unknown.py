# ---
# kind: mistake
# title: refuses those who are just at the threshold
# scores: {identify: 5}
# ---

# %% identify
def identify(gallery, person, probes, threshold):
    similarity = unit(probes) @ unit(gallery).T
    return np.where(similarity.max(axis=1) > threshold, person[similarity.argmax(axis=1)], -1)
