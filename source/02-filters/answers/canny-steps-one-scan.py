# ---
# kind: mistake
# title: a single scan from the top left to the bottom right
# scores: {canny-steps: 6}
# ---

# %% canny-steps
def thin_edges(magnitude, direction):
    magnitude = np.array(magnitude, dtype=float)
    h, w = magnitude.shape
    thin = np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            angle = round(direction[y][x] / 45) % 4 * 45
            down, right = {0: (0, 1), 45: (1, 1), 90: (1, 0), 135: (1, -1)}[angle]
            largest = magnitude[y, x]
            for i, j in [(y + down, x + right), (y - down, x - right)]:
                if 0 <= i < h and 0 <= j < w:
                    largest = max(largest, magnitude[i, j])
            if magnitude[y, x] >= largest:
                thin[y, x] = magnitude[y, x]
    return thin


def hysteresis(thin, low, high):
    thin = np.array(thin)
    edges = thin >= high
    h, w = thin.shape
    for y in range(h):
        for x in range(w):
            if thin[y, x] >= low and edges[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any():
                edges[y, x] = True
    return edges
