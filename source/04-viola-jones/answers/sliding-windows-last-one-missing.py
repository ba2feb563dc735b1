# ---
# kind: mistake
# title: "forgets windows that touch the edge"
# scores: {sliding-windows: 0}
# ---

# %% sliding-windows
def sliding_windows(width, height, smallest, factor, stride):
    if factor <= 1:
        raise ValueError("factor")
    boxes, exact = [], smallest
    while int(exact) <= min(width, height):
        side = int(exact)
        step = max(1, int(stride * side))
        for y in range(0, height - side, step):
            for x in range(0, width - side, step):
                boxes.append((x, y, side, side))
        exact *= factor
    return np.array(boxes).reshape(-1, 4)
