# ---
# kind: mistake
# title: "cuts between equal values after sorting"
# scores: {best-stump: 8}
# ---

# %% best-stump
def best_stump(F, y, w):
    order = np.argsort(F, axis=0)
    values = np.take_along_axis(F, order, axis=0)
    above = w[y < 0].sum() + np.cumsum((w * y)[order], axis=0)[:-1]
    errors = np.stack([above, 1 - above], axis=-1).swapaxes(0, 1)
    feature, cut, flipped = np.unravel_index(np.argmin(errors), errors.shape)
    return (
        feature,
        (values[cut, feature] + values[cut + 1, feature]) / 2,
        1 - 2 * flipped,
        errors[feature, cut, flipped],
    )
