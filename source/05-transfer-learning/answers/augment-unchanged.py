# ---
# kind: mistake
# title: returns the pictures as they are
# scores: {augment: 4}
# ---

# %% augment
def augment(images, max_shift, seed):
    return images.copy()
