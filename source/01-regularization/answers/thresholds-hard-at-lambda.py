# ---
# kind: mistake
# title: "cuts at lambda instead of sqrt(2 lambda)"
# scores: {thresholds: 4}
# ---

# %% thresholds
def soft_threshold(z, lam):
    z = np.asarray(z, dtype=float)
    return np.sign(z) * np.maximum(np.abs(z) - lam, 0)


def hard_threshold(z, lam):
    return np.where(np.abs(z) > lam, z, 0.0)
