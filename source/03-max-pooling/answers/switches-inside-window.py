# ---
# kind: mistake
# title: "numbers the places inside the window"
# scores: {switches: 0}
# ---

# %% switches
def max_pool_switches(x, kernel, stride):
    x = np.asarray(x)
    windows = sliding_window_view(x, (kernel, kernel))[::stride, ::stride]
    inside = windows.reshape(*windows.shape[:2], -1).argmax(axis=2)
    return windows.max(axis=(2, 3)), inside
