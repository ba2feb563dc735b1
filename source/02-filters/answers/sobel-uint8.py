# ---
# kind: mistake
# title: 'keeps uint8: negative values are lost'
# scores: {sobel: 0}
# ---

# %% sobel
def sobel_gradient(image):
    image = np.array(image).astype(np.uint8)
    gx = cv2.Sobel(image, -1, 1, 0, borderType=cv2.BORDER_REPLICATE).astype(float)
    gy = cv2.Sobel(image, -1, 0, 1, borderType=cv2.BORDER_REPLICATE).astype(float)
    return np.hypot(gx, gy), np.degrees(np.arctan2(gy, gx))
