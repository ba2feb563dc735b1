# ---
# kind: mistake
# title: compares squared distances
# scores: {match: 3}
# ---

# %% match
def match_descriptors(first, second, ratio):
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    pairs = []
    for i in range(len(first)):
        distance = ((second - first[i]) ** 2).sum(axis=1)
        best, next_best = np.argsort(distance)[:2]
        if distance[best] < ratio * distance[next_best]:
            pairs.append((i, int(best)))
    return pairs
