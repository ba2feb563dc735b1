# ---
# kind: mistake
# title: "returns all four things of lstsq"
# scores: {least-squares: 0}
# ---

# %% least-squares
def least_squares(X, y):
    return np.linalg.lstsq(X, y, rcond=None)
