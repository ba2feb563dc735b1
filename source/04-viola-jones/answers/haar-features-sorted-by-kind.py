# ---
# kind: mistake
# title: "puts the columns in order of kind, not of the table"
# scores: {haar-features: 5}
# ---

# %% haar-features
def haar_features(ii, table):
    values = []
    for kind, weights in enumerate(KINDS):
        of_kind = table[:, 0] == kind
        x, y, w, h = table[of_kind, 1:].T
        w, h = w // weights.shape[1], h // weights.shape[0]
        part = np.zeros((len(ii), len(x)))
        values.append(part)
        for (row, column), weight in np.ndenumerate(weights):
            left, top = x + column * w, y + row * h
            right, bottom = left + w, top + h
            total = ii[:, bottom, right] - ii[:, top, right] - ii[:, bottom, left] + ii[:, top, left]
            part += weight * total
    return np.concatenate(values, axis=1)
