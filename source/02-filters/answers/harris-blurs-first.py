# ---
# kind: mistake
# title: 'blurs the gradients, then multiplies: the determinant is always 0'
# scores: {harris: 4}
# ---

# %% harris
def harris_response(image, sigma, k):
    image = np.array(image, dtype=float)
    ix = ndi.sobel(image, axis=1, mode="nearest")
    iy = ndi.sobel(image, axis=0, mode="nearest")
    ix, iy = (ndi.gaussian_filter(part, sigma, mode="nearest") for part in (ix, iy))
    A, B, C = ix**2, ix * iy, iy**2
    return (A * C - B**2) - k * (A + C) ** 2


def find_corners(response, threshold, radius):
    response = np.array(response)
    h, w = response.shape
    corners = []
    for y in range(h):
        for x in range(w):
            around = response[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
            if response[y, x] > threshold and response[y, x] == around.max():
                corners.append((y, x))
    corners.sort(key=lambda place: -response[place])
    return corners
