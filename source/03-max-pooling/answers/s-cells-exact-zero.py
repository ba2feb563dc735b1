# ---
# kind: mistake
# title: "looks for a standard deviation of exactly 0, which rounding hides"
# scores: {s-and-c-cells: 5}
# ---

# %% s-and-c-cells
def s_cells(image, template):
    windows = sliding_window_view(np.asarray(image, dtype=float), template.shape)
    covariance = (windows * (template - template.mean())).mean(axis=(2, 3))
    deviation = windows.std(axis=(2, 3))
    result = np.zeros_like(covariance)
    np.divide(covariance, deviation * template.std(), out=result, where=deviation != 0)
    return result


def c_cell(s_map, row, column, radius, mode):
    field = s_map[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1]
    return field.max() if mode == "max" else field.sum()
