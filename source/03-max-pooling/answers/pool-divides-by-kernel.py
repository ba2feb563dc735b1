# ---
# kind: mistake
# title: "the mean divides by k, not by k * k"
# scores: {pool: 5}
# ---

# %% pool
def pool(x, kernel, stride=None, padding=0, mode="max"):
    if mode not in ("max", "average", "sum"):
        raise ValueError(mode)
    if 2 * padding > kernel:
        raise ValueError("padding")
    stride = kernel if stride is None else stride
    x = np.asarray(x, dtype=float)
    frame = [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2
    padded = np.pad(x, frame, constant_values=-np.inf if mode == "max" else 0)
    windows = sliding_window_view(padded, (kernel, kernel), axis=(-2, -1))[..., ::stride, ::stride, :, :]
    if mode == "max":
        return windows.max(axis=(-2, -1))
    total = windows.sum(axis=(-2, -1))
    return total if mode == "sum" else total / kernel
