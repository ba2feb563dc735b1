# ---
# kind: mistake
# title: leaves out classes that do not occur
# scores: {evaluate: 7}
# ---

# %% evaluate
def confusion_matrix(truth, answer, n_classes):
    classes = np.unique(np.concatenate([truth, answer]))
    return np.array([[np.sum((truth == t) & (answer == a)) for a in classes] for t in classes])


def wilson_interval(n_correct, n):
    p, z = n_correct / n, 1.96
    centre = p + z**2 / (2 * n)
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)


def area_under_curve(is_face, score):
    difference = score[is_face][:, np.newaxis] - score[~is_face]
    return np.mean((1 + np.sign(difference)) / 2)
