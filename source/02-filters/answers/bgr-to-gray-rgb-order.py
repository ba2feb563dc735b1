# ---
# kind: mistake
# title: 'takes blue, green, red for red, green, blue'
# scores: {bgr-to-gray: 0}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    return 0.299 * picture[:, :, 0] + 0.587 * picture[:, :, 1] + 0.114 * picture[:, :, 2]
