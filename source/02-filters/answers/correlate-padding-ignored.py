# ---
# kind: mistake
# title: always pads with zeros
# scores: {correlate: 5}
# ---

# %% correlate
def correlate2d(image, kernel, padding="zero", stride=1):
    image, kernel = np.array(image, dtype=float), np.array(kernel, dtype=float)
    modes = {"zero": "constant", "reflect": "reflect", "edge": "edge"}
    if padding not in ("valid", *modes):
        raise ValueError("padding")
    kh, kw = kernel.shape
    if padding != "valid":
        image = np.pad(image, ((kh // 2, kh // 2), (kw // 2, kw // 2)), mode="constant")
    rows = range(0, image.shape[0] - kh + 1, stride)
    columns = range(0, image.shape[1] - kw + 1, stride)
    return np.array([[np.sum(image[y : y + kh, x : x + kw] * kernel) for x in columns] for y in rows])


def convolve2d(image, kernel, padding="zero", stride=1):
    return correlate2d(image, np.array(kernel)[::-1, ::-1], padding, stride)
