# ---
# kind: mistake
# title: "counts down the columns: c * H + r"
# scores: {switches: 0}
# ---

# %% switches
def max_pool_switches(x, kernel, stride):
    x = np.asarray(x)
    windows = sliding_window_view(x, (kernel, kernel))[::stride, ::stride]
    inside = windows.reshape(*windows.shape[:2], -1).argmax(axis=2)
    row, column = np.indices(inside.shape) * stride + np.divmod(inside, kernel)
    return windows.max(axis=(2, 3)), column * x.shape[0] + row
