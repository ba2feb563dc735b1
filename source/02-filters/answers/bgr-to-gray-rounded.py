# ---
# kind: mistake
# title: 'as uint8, cut off to whole numbers'
# scores: {bgr-to-gray: 0}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    return np.dot(picture, [0.114, 0.587, 0.299]).astype(np.uint8)
