# ---
# kind: mistake
# title: "moves by lambda without stopping at 0"
# scores: {thresholds: 4}
# ---

# %% thresholds
def soft_threshold(z, lam):
    return z - lam * np.sign(z)


def hard_threshold(z, lam):
    return np.where(np.abs(z) > np.sqrt(2 * lam), z, 0.0)
