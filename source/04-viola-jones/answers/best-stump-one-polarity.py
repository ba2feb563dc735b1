# ---
# kind: mistake
# title: "never tries the other polarity"
# scores: {best-stump: 0}
# ---

# %% best-stump
from itertools import pairwise


def best_stump(F, y, w):
    best = (np.inf, 0, 0.0, 1)
    for j in range(F.shape[1]):
        inside = np.unique(F[:, j])
        for low, high in pairwise(inside):
            for polarity in (1,):
                said = np.where(polarity * (F[:, j] - (low + high) / 2) > 0, 1, -1)
                error = w[said != y].sum()
                if error < best[0]:
                    best = (error, j, (low + high) / 2, polarity)
    error, feature, threshold, polarity = best
    return feature, threshold, polarity, error
