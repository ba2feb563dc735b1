# ---
# kind: mistake
# title: keeps only what is largest among all eight neighbours
# scores: {canny-steps: 6}
# ---

# %% canny-steps
def thin_edges(magnitude, direction):
    magnitude = np.array(magnitude, dtype=float)
    h, w = magnitude.shape
    thin = np.zeros((h, w))
    for y in range(h):
        for x in range(w):
            largest = magnitude[y, x]
            for i, j in [(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1)]:
                if 0 <= i < h and 0 <= j < w:
                    largest = max(largest, magnitude[i, j])
            if magnitude[y, x] >= largest:
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
