# ---
# kind: mistake
# title: 'y grows upward, as in mathematics'
# scores: {sobel: 4}
# ---

# %% sobel
def sobel_gradient(image):
    image = np.array(image, dtype=float)
    gx = ndi.sobel(image, axis=1, mode="nearest")
    gy = ndi.sobel(image, axis=0, mode="nearest")
    return np.hypot(gx, gy), np.degrees(np.arctan2(-gy, gx))
