# ---
# kind: mistake
# title: the interval p ± z sqrt(p (1 - p) / n)
# scores: {evaluate: 7}
# ---

# %% evaluate
def confusion_matrix(truth, answer, n_classes):
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (truth, answer), 1)
    return counts


def wilson_interval(n_correct, n):
    p = n_correct / n
    half = 1.96 * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


def area_under_curve(is_face, score):
    difference = score[is_face][:, np.newaxis] - score[~is_face]
    return np.mean((1 + np.sign(difference)) / 2)
