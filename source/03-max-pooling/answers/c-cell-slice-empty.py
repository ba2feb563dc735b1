# ---
# kind: mistake
# title: "a negative start of the slice leaves nothing, or the wrong end"
# scores: {s-and-c-cells: 6}
# ---

# %% s-and-c-cells
def s_cells(image, template):
    windows = sliding_window_view(np.asarray(image, dtype=float), template.shape)
    windows = windows - windows.mean(axis=(2, 3), keepdims=True)
    t = template - template.mean()
    lengths = np.sqrt((windows**2).sum(axis=(2, 3)) * (t**2).sum())
    flat = windows.std(axis=(2, 3)) < 1e-6
    return np.where(flat, 0, (windows * t).sum(axis=(2, 3)) / np.where(flat, 1, lengths))


def c_cell(s_map, row, column, radius, mode):
    field = s_map[row - radius : row + radius + 1, column - radius : column + radius + 1]
    return field.max() if mode == "max" else field.sum()
