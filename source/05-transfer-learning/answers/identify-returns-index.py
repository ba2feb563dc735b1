# ---
# kind: mistake
# title: returns the picture's number instead of the person
# scores: {identify: 0}
# ---

# %% identify
def identify(gallery, person, probes, threshold):
    similarity = unit(probes) @ unit(gallery).T
    return np.where(similarity.max(axis=1) < threshold, -1, similarity.argmax(axis=1))
