# ---
# kind: mistake
# title: "sizes grow by steps of the same size"
# scores: {sliding-windows: 4}
# ---

# %% sliding-windows
def sliding_windows(width, height, smallest, factor, stride):
    if factor <= 1:
        raise ValueError("factor")
    boxes, exact = [], smallest
    while int(exact) <= min(width, height):
        side = int(exact)
        step = max(1, int(stride * side))
        for y in range(0, height - side + 1, step):
            for x in range(0, width - side + 1, step):
                boxes.append((x, y, side, side))
        exact += smallest * (factor - 1)
    return np.array(boxes).reshape(-1, 4)
