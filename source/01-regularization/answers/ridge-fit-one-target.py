# ---
# kind: mistake
# title: "works for one target only"
# scores: {ridge-fit: 8}
# ---

# %% ridge-fit
def ridge_fit(X, y, lam):
    A = X - X.mean(axis=0)
    w = np.linalg.solve(A.T @ A + lam * np.eye(X.shape[1]), A.T @ (y - y.mean()))
    return w, float(y.mean() - X.mean(axis=0) @ w)
