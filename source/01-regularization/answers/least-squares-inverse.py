# ---
# kind: mistake
# title: "normal equations with inv"
# scores: {least-squares: 3}
# ---

# %% least-squares
def least_squares(X, y):
    return np.linalg.inv(X.T @ X) @ X.T @ y
