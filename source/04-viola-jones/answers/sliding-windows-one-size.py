# ---
# kind: mistake
# title: "only the smallest windows"
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
        break
    return np.array(boxes).reshape(-1, 4)
