# ---
# kind: mistake
# title: "forgets negative values"
# scores: {thresholds: 4}
# ---

# %% thresholds
def soft_threshold(z, lam):
    return np.maximum(np.asarray(z) - lam, 0)


def hard_threshold(z, lam):
    return np.where(np.abs(z) > np.sqrt(2 * lam), z, 0.0)
