# ---
# kind: mistake
# title: takes rows for x and columns for y
# scores: {sobel: 4}
# ---

# %% sobel
def sobel_gradient(image):
    image = np.array(image, dtype=float)
    gx = ndi.sobel(image, axis=0, mode="nearest")
    gy = ndi.sobel(image, axis=1, mode="nearest")
    return np.hypot(gx, gy), np.degrees(np.arctan2(gy, gx))
