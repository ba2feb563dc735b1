# ---
# kind: mistake
# title: the mean of the three colours
# scores: {bgr-to-gray: 0}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    return np.mean(picture, axis=2)
