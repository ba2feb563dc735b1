# ---
# kind: mistake
# title: "takes the mean of y for the intercept"
# scores: {ridge-fit: 4}
# ---

# %% ridge-fit
def ridge_fit(X, y, lam):
    A = X - X.mean(axis=0)
    w = np.linalg.solve(A.T @ A + lam * np.eye(X.shape[1]), A.T @ y)
    return w, y.mean(axis=0)
