# ---
# kind: mistake
# title: joins every descriptor with its nearest
# scores: {match: 0}
# ---

# %% match
def match_descriptors(first, second, ratio):
    first, second = np.array(first, dtype=float), np.array(second, dtype=float)
    pairs = []
    for i in range(len(first)):
        distance = np.sqrt(((second - first[i]) ** 2).sum(axis=1))
        pairs.append((i, int(np.argmin(distance))))
    return pairs
