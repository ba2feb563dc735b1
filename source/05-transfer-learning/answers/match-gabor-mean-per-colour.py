# ---
# kind: mistake
# title: subtracts a mean for each colour
# scores: {match-gabor: 0}
# ---

# %% match-gabor
def match_gabor(kernels, bank):
    grey = np.stack([bank] * kernels.shape[1], axis=1)
    rows = []
    for stack in (kernels, grey):
        rows.append(unit((stack - stack.mean(axis=(2, 3), keepdims=True)).reshape(len(stack), -1)))
    similarity = np.abs(rows[0] @ rows[1].T)
    return similarity.argmax(axis=1), similarity.max(axis=1)
