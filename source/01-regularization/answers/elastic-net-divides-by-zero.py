# ---
# kind: mistake
# title: "divides by 0 for a column that never changes"
# scores: {elastic-net: 10}
# ---

# %% elastic-net
def elastic_net_fit(X, y, lam, l1_ratio=1.0, n_sweeps=200):
    n, d = X.shape
    A, r = X - X.mean(axis=0), y - y.mean()
    w = np.zeros(d)
    for _ in range(n_sweeps):
        old = w.copy()
        for j in range(d):
            s = A[:, j] @ A[:, j] / n
            c = A[:, j] @ r / n + s * w[j]
            new = np.sign(c) * max(abs(c) - lam * l1_ratio, 0) / (s + lam * (1 - l1_ratio))
            r = r - A[:, j] * (new - w[j])
            w[j] = new
        del old
    return w, y.mean() - X.mean(axis=0) @ w
