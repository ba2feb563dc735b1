# ---
# kind: mistake
# title: "derives the L2 part without its 1/2"
# scores: {elastic-net: 8}
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
            c = A[:, j] @ r / n + s * w[j]
            new = np.sign(c) * max(abs(c) - lam * l1_ratio, 0) / (s + 2 * lam * (1 - l1_ratio))
            r = r - A[:, j] * (new - w[j])
            w[j] = new
        del old
    return w, y.mean() - X.mean(axis=0) @ w
