# ---
# kind: mistake
# title: one change for the whole batch
# scores: {augment: 4}
# ---

# %% augment
def augment(images, max_shift, seed):
    h, w = images.shape[1:]
    mirror, dy, dx = np.random.default_rng(seed).integers([2, 2 * max_shift + 1, 2 * max_shift + 1])
    padded = np.pad(images, ((0, 0), (max_shift, max_shift), (max_shift, max_shift)), mode="edge")
    padded = padded[:, dy : dy + h, dx : dx + w]
    return padded[:, :, ::-1] if mirror else padded
