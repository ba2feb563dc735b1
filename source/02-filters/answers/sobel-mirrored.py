# ---
# kind: mistake
# title: mirrors without repeating the outermost pixel (OpenCV's default)
# scores: {sobel: 0}
# ---

# %% sobel
def sobel_gradient(image):
    image = np.array(image, dtype=float)
    gx = ndi.sobel(image, axis=1, mode="mirror")
    gy = ndi.sobel(image, axis=0, mode="mirror")
    return np.hypot(gx, gy), np.degrees(np.arctan2(gy, gx))
