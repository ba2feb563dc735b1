# ---
# kind: mistake
# title: "takes w and h for the size of one cell"
# scores: {haar-features: 0}
# ---

# %% haar-features
def haar_features(ii, table):
    values = np.zeros((len(ii), len(table)))
    for kind, weights in enumerate(KINDS):
        of_kind = table[:, 0] == kind
        x, y, w, h = table[of_kind, 1:].T
        # w and h as they are
        for (row, column), weight in np.ndenumerate(weights):
            left, top = x + column * w, y + row * h
            right, bottom = np.minimum(left + w, ii.shape[2] - 1), np.minimum(top + h, ii.shape[1] - 1)
            left, top = np.minimum(left, right), np.minimum(top, bottom)
            total = ii[:, bottom, right] - ii[:, top, right] - ii[:, bottom, left] + ii[:, top, left]
            values[:, of_kind] += weight * total
    return values
