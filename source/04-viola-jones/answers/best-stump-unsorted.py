# ---
# kind: mistake
# title: "adds the weights up in the order of the examples"
# scores: {best-stump: 0}
# ---

# %% best-stump
def best_stump(F, y, w):
    values = np.sort(F, axis=0)
    above = w[y < 0].sum() + np.cumsum(w * y)[:-1, np.newaxis] + np.zeros((1, F.shape[1]))
    errors = np.stack([above, 1 - above], axis=-1)
    errors[values[1:] == values[:-1]] = np.inf
    errors = errors.swapaxes(0, 1)
    feature, cut, flipped = np.unravel_index(np.argmin(errors), errors.shape)
    return (
        feature,
        (values[cut, feature] + values[cut + 1, feature]) / 2,
        1 - 2 * flipped,
        errors[feature, cut, flipped],
    )
