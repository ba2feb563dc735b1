# ---
# kind: mistake
# title: lets what goes out on one side come in on the other
# scores: {augment: 3}
# ---

# %% augment
def augment(images, max_shift, seed):
    rng = np.random.default_rng(seed)
    changed = []
    for image in images:
        mirror, dy, dx = rng.integers([2, 2 * max_shift + 1, 2 * max_shift + 1])
        image = image.astype(float)
        padded = np.roll(image, (dy - max_shift, dx - max_shift), axis=(0, 1))
        changed.append(padded[:, ::-1] if mirror else padded)
    return np.stack(changed)
