# ---
# kind: mistake
# title: takes the ratio for a threshold of the distance
# scores: {match: 0}
# ---

# %% match
def match_descriptors(first, second, ratio):
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    pairs = []
    for i in range(len(first)):
        distance = np.sqrt(((second - first[i]) ** 2).sum(axis=1))
        best = np.argmin(distance)
        if distance[best] < ratio:
            pairs.append((i, int(best)))
    return pairs
