# ---
# kind: mistake
# title: ignores the threshold
# scores: {identify: 5}
# ---

# %% identify
def identify(gallery, person, probes, threshold):
    return person[(unit(probes) @ unit(gallery).T).argmax(axis=1)]
