# ---
# kind: mistake
# title: "every row is that of the first window"
# scores: {haar-features: 5}
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
            total = ii[0, bottom, right] - ii[0, top, right] - ii[0, bottom, left] + ii[0, top, left]
            values[:, of_kind] += weight * total
    return values
