# ---
# kind: mistake
# title: 'subtracts uint8, which wraps round'
# scores: {match: 4}
# ---

# %% match
def match_descriptors(first, second, ratio):
    first, second = np.array(first), np.array(second)
    pairs = []
    for i in range(len(first)):
        distance = np.sqrt(((second - first[i]) ** 2).sum(axis=1, dtype=float))
        best, next_best = np.argsort(distance)[:2]
        if distance[best] < ratio * distance[next_best]:
            pairs.append((i, int(best)))
    return pairs
