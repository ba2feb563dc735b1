# ---
# kind: mistake
# title: "repeats the border outside the map"
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
    wide = np.pad(s_map, radius, mode="edge")
    field = wide[row : row + 2 * radius + 1, column : column + 2 * radius + 1]
    return field.max() if mode == "max" else field.sum()
