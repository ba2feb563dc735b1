# ---
# kind: mistake
# title: compares the first face with the first non-face and so on
# scores: {evaluate: 6}
# ---

# %% evaluate
def confusion_matrix(truth, answer, n_classes):
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (truth, answer), 1)
    return counts


def wilson_interval(n_correct, n):
    p, z = n_correct / n, 1.96
    centre = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def area_under_curve(is_face, score):
    n = min(np.sum(is_face), np.sum(~is_face))
    difference = score[is_face][:n] - score[~is_face][:n]
    return np.mean((1 + np.sign(difference)) / 2)
