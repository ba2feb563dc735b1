# ---
# kind: mistake
# title: writes into its argument
# scores: {augment: 3}
# ---

# %% augment
def augment(images, max_shift, seed):
    rng = np.random.default_rng(seed)
    h, w = images.shape[1:]
    for number, image in enumerate(images):
        mirror, dy, dx = rng.integers([2, 2 * max_shift + 1, 2 * max_shift + 1])
        padded = np.pad(image, max_shift, mode="edge")[dy : dy + h, dx : dx + w]
        images[number] = padded[:, ::-1] if mirror else padded
    return images
