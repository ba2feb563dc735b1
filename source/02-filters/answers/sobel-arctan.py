# ---
# kind: mistake
# title: 'arctan(gy / gx): left and right look the same'
# scores: {sobel: 4}
# ---

# %% sobel
def sobel_gradient(image):
    image = np.array(image, dtype=float)
    gx = ndi.sobel(image, axis=1, mode="nearest")
    gy = ndi.sobel(image, axis=0, mode="nearest")
    return np.hypot(gx, gy), np.degrees(np.arctan(gy / (gx + 1e-12)))
