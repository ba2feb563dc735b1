# ---
# kind: mistake
# title: drops pixels that are equal to a neighbour
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
            largest = 0.0
            for i, j in [(y + down, x + right), (y - down, x - right)]:
                if 0 <= i < h and 0 <= j < w:
                    largest = max(largest, magnitude[i, j])
            if magnitude[y, x] > largest:
                thin[y, x] = magnitude[y, x]
    return thin


def hysteresis(thin, low, high):
    thin = np.array(thin)
    edges = thin >= high
    changed = True
    while changed:
        grown = ndi.binary_dilation(edges, structure=np.ones((3, 3))) & (thin >= low)
        changed = (grown != edges).any()
        edges = grown
    return edges
