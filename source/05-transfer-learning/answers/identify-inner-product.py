# ---
# kind: mistake
# title: "compares inner products, so that long vectors win"
# scores: {identify: 0}
# ---

# %% identify
def identify(gallery, person, probes, threshold):
    similarity = probes @ gallery.T
    return np.where(similarity.max(axis=1) < threshold, -1, person[similarity.argmax(axis=1)])
