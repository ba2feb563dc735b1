# ---
# kind: mistake
# title: 'adds uint8 values, which wrap round at 256'
# scores: {bgr-to-gray: 0}
# ---

# %% bgr-to-gray
def bgr_to_gray(picture):
    blue, green, red = picture[:, :, 0], picture[:, :, 1], picture[:, :, 2]
    return (red * np.uint8(3) + green * np.uint8(6) + blue) / 10
