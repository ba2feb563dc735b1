# ---
# kind: mistake
# title: "pseudo-inverse of the normal equations: right rank, lost digits"
# scores: {least-squares: 3}
# ---

# %% least-squares
def least_squares(X, y):
    return np.linalg.pinv(X.T @ X) @ (X.T @ y)
