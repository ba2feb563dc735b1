# ---
# kind: mistake
# title: the ratio on the wrong side
# scores: {match: 0}
# ---

# %% match
def match_descriptors(first, second, ratio):
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    pairs = []
    for i in range(len(first)):
        distance = np.sqrt(((second - first[i]) ** 2).sum(axis=1))
        best, next_best = np.argsort(distance)[:2]
        if ratio * distance[best] < distance[next_best]:
            pairs.append((i, int(best)))
    return pairs
