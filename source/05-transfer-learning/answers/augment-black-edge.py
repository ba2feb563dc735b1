# ---
# kind: mistake
# title: fills with black
# scores: {augment: 3}
# ---

# %% augment
def augment(images, max_shift, seed):
    rng = np.random.default_rng(seed)
    h, w = images.shape[1:]
    changed = []
    for image in images:
        mirror, dy, dx = rng.integers([2, 2 * max_shift + 1, 2 * max_shift + 1])
        image = image.astype(float)
        padded = np.pad(image, max_shift)[dy : dy + h, dx : dx + w]
        changed.append(padded[:, ::-1] if mirror else padded)
    return np.stack(changed)
