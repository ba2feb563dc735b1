# ---
# kind: mistake
# title: "lambda goes with the mean of the errors"
# scores: {ridge-fit: 0}
# ---

# %% ridge-fit
def ridge_fit(X, y, lam):
    n, d = X.shape
    A, t = X - X.mean(axis=0), y - y.mean(axis=0)
    w = np.linalg.solve(A.T @ A / n + lam * np.eye(d), A.T @ t / n)
    return w, y.mean(axis=0) - X.mean(axis=0) @ w
