# ---
# kind: mistake
# title: "of equals takes the leftmost before the uppermost"
# scores: {switches: 6}
# ---

# %% switches
def max_pool_switches(x, kernel, stride):
    x = np.asarray(x)
    windows = sliding_window_view(x, (kernel, kernel))[::stride, ::stride]
    inside = windows.reshape(*windows.shape[:2], -1).argmax(axis=2)
    inside = windows.swapaxes(2, 3).reshape(*windows.shape[:2], -1).argmax(axis=2)
    column, row = np.indices(inside.shape)[::-1] * stride + np.divmod(inside, kernel)
    return windows.max(axis=(2, 3)), row * x.shape[1] + column
