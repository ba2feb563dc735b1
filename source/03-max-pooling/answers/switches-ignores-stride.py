# ---
# kind: mistake
# title: "windows always stand side by side"
# scores: {switches: 6}
# ---

# %% switches
def max_pool_switches(x, kernel, stride):
    x = np.asarray(x)
    stride = kernel
    windows = sliding_window_view(x, (kernel, kernel))[::stride, ::stride]
    inside = windows.reshape(*windows.shape[:2], -1).argmax(axis=2)
    row, column = np.indices(inside.shape) * stride + np.divmod(inside, kernel)
    return windows.max(axis=(2, 3)), row * x.shape[1] + column
