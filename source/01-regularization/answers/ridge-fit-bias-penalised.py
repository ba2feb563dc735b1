# ---
# kind: mistake
# title: "penalises the intercept, too"
# scores: {ridge-fit: 4}
# ---

# %% ridge-fit
def ridge_fit(X, y, lam):
    A = np.column_stack([np.ones(len(X)), X])
    w = np.linalg.solve(A.T @ A + lam * np.eye(A.shape[1]), A.T @ y)
    return w[1:], w[0]
