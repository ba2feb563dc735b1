# ---
# kind: mistake
# title: "integers stay integers and overflow"
# scores: {design-matrix: 3}
# ---

# %% design-matrix
def design_matrix(x, degree):
    if degree < 0:
        raise ValueError("degree < 0")
    return np.vander(x, degree + 1, increasing=True)
