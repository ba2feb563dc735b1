# ---
# kind: mistake
# title: "takes a negative degree without a word"
# scores: {design-matrix: 3}
# ---

# %% design-matrix
def design_matrix(x, degree):
    x = np.array(x, dtype=float)
    X = np.ones((len(x), max(degree, 0) + 1))
    for k in range(1, degree + 1):
        X[:, k] = X[:, k - 1] * x
    return X
