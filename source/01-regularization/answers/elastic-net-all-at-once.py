# ---
# kind: mistake
# title: "mends the residual only after a whole sweep"
# scores: {elastic-net: 2}
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
            if s == 0:
                continue
            c = A[:, j] @ r / n + s * old[j]
            new = np.sign(c) * max(abs(c) - lam * l1_ratio, 0) / (s + lam * (1 - l1_ratio))
            # the residual is not mended here
            w[j] = new
        r = y - y.mean() - A @ w
    return w, y.mean() - X.mean(axis=0) @ w
