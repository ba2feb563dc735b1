# ---
# kind: mistake
# title: compares with each person's mean
# scores: {identify: 4}
# ---

# %% identify
def identify(gallery, person, probes, threshold):
    people = np.unique(person)
    means = np.stack([unit(gallery[person == who]).mean(axis=0) for who in people])
    similarity = unit(probes) @ unit(means).T
    return np.where(similarity.max(axis=1) < threshold, -1, people[similarity.argmax(axis=1)])
