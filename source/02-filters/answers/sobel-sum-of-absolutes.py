# ---
# kind: mistake
# title: adds absolute values
# scores: {sobel: 3}
# ---

# %% sobel
def sobel_gradient(image):
    image = np.array(image, dtype=float)
    gx = ndi.sobel(image, axis=1, mode="nearest")
    gy = ndi.sobel(image, axis=0, mode="nearest")
    return np.abs(gx) + np.abs(gy), np.degrees(np.arctan2(gy, gx))
