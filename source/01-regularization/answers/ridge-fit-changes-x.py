# ---
# kind: mistake
# title: "centres the caller's X in place"
# scores: {ridge-fit: 6}
# ---

# %% ridge-fit
def ridge_fit(X, y, lam):
    x_mean = X.mean(axis=0)
    X -= x_mean
    w = np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1]), X.T @ (y - y.mean(axis=0)))
    return w, y.mean(axis=0) - x_mean @ w
