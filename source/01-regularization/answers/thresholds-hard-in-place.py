# ---
# kind: mistake
# title: "writes the zeros into the caller's array"
# scores: {thresholds: 4}
# ---

# %% thresholds
def soft_threshold(z, lam):
    z = np.asarray(z, dtype=float)
    return np.sign(z) * np.maximum(np.abs(z) - lam, 0)


def hard_threshold(z, lam):
    z = np.asarray(z)
    z[np.abs(z) <= np.sqrt(2 * lam)] = 0
    return z
