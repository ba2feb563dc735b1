# ---
# kind: mistake
# title: forgets to square the trace
# scores: {harris: 4}
# ---

# %% harris
def harris_response(image, sigma, k):
    image = np.array(image, dtype=float)
    ix = ndi.sobel(image, axis=1, mode="nearest")
    iy = ndi.sobel(image, axis=0, mode="nearest")
    A = ndi.gaussian_filter(ix**2, sigma, mode="nearest")
    B = ndi.gaussian_filter(ix * iy, sigma, mode="nearest")
    C = ndi.gaussian_filter(iy**2, sigma, mode="nearest")
    return (A * C - B**2) - k * (A + C)


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
