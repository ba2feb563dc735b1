# ---
# kind: mistake
# title: looks for the nearest in the first picture
# scores: {match: 0}
# ---

# %% match
def match_descriptors(first, second, ratio):
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    first, second = second, first
    pairs = []
    for i in range(len(first)):
        distance = np.sqrt(((second - first[i]) ** 2).sum(axis=1))
        best, next_best = np.argsort(distance)[:2]
        if distance[best] < ratio * distance[next_best]:
            pairs.append((i, int(best)))
    return pairs
