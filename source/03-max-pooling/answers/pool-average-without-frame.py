# ---
# kind: mistake
# title: "divides by the numbers inside the picture, without the frame"
# scores: {pool: 9}
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
    if mode == "sum":
        return total
    inside = sliding_window_view(np.pad(np.ones_like(x), frame), (kernel, kernel), axis=(-2, -1))
    return total / inside[..., ::stride, ::stride, :, :].sum(axis=(-2, -1))
