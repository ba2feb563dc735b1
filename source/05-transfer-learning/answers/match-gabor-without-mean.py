# ---
# kind: mistake
# title: forgets to subtract the means
# scores: {match-gabor: 0}
# ---

# %% match-gabor
def match_gabor(kernels, bank):
    grey = np.stack([bank] * kernels.shape[1], axis=1)
    similarity = np.abs(unit(kernels.reshape(len(kernels), -1)) @ unit(grey.reshape(len(bank), -1)).T)
    return similarity.argmax(axis=1), similarity.max(axis=1)
