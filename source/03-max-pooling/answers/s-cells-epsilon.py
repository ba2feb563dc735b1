# ---
# kind: mistake
# title: "adds a large epsilon to the lengths"
# scores: {s-and-c-cells: 5}
# ---

# %% s-and-c-cells
def s_cells(image, template):
    windows = sliding_window_view(np.asarray(image, dtype=float), template.shape)
    windows = windows - windows.mean(axis=(2, 3), keepdims=True)
    t = template - template.mean()
    lengths = np.sqrt((windows**2).sum(axis=(2, 3)) * (t**2).sum())
    flat = windows.std(axis=(2, 3)) < 1e-6
    return np.where(flat, 0, (windows * t).sum(axis=(2, 3)) / (lengths + 1e-3))


def c_cell(s_map, row, column, radius, mode):
    field = s_map[max(row - radius, 0) : row + radius + 1, max(column - radius, 0) : column + radius + 1]
    return field.max() if mode == "max" else field.sum()
