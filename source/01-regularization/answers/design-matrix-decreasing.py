# ---
# kind: mistake
# title: "highest power first, as np.vander does"
# scores: {design-matrix: 0}
# ---

# %% design-matrix
def design_matrix(x, degree):
    if degree < 0:
        raise ValueError("degree < 0")
    return np.vander(np.asarray(x, dtype=float), degree + 1)
