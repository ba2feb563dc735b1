# ---
# kind: mistake
# title: "leaves out the column of ones"
# scores: {design-matrix: 0}
# ---

# %% design-matrix
def design_matrix(x, degree):
    if degree < 0:
        raise ValueError("degree < 0")
    return np.column_stack([np.asarray(x, dtype=float) ** k for k in range(1, degree + 1)])
