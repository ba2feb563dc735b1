# ---
# kind: mistake
# title: never shifts by +s
# scores: {augment: 4}
# ---

# %% augment
def augment(images, max_shift, seed):
    rng = np.random.default_rng(seed)
    h, w = images.shape[1:]
    changed = []
    for image in images:
        dy, dx = rng.integers(-max_shift, max_shift, size=2) if max_shift else (0, 0)
        padded = np.pad(image, max_shift, mode="edge")
        piece = padded[max_shift + dy : max_shift + dy + h, max_shift + dx : max_shift + dx + w]
        changed.append(piece[:, ::-1] if rng.random() < 0.5 else piece)
    return np.stack(changed)
