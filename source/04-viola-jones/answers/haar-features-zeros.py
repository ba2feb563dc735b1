# ---
# kind: mistake
# title: "returns zeros"
# scores: {haar-features: 0}
# ---

# %% haar-features
def haar_features(ii, table):
    return np.zeros((len(ii), len(table)))
