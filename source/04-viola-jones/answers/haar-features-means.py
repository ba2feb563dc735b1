# ---
# kind: mistake
# title: "means of the cells instead of sums"
# scores: {haar-features: 0}
# ---

# %% haar-features
def haar_features(ii, table):
    values = np.zeros((len(ii), len(table)))
    for kind, weights in enumerate(KINDS):
        of_kind = table[:, 0] == kind
        x, y, w, h = table[of_kind, 1:].T
        w, h = w // weights.shape[1], h // weights.shape[0]
        for (row, column), weight in np.ndenumerate(weights):
            left, top = x + column * w, y + row * h
            right, bottom = left + w, top + h
            total = ii[:, bottom, right] - ii[:, top, right] - ii[:, bottom, left] + ii[:, top, left]
            values[:, of_kind] += weight * total / (w * h)
    return values
