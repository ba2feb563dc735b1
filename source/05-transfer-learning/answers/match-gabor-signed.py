# ---
# kind: mistake
# title: "takes the largest correlation, not the largest absolute value"
# scores: {match-gabor: 0}
# ---

# %% match-gabor
def match_gabor(kernels, bank):
    grey = np.repeat(bank[:, None], kernels.shape[1], axis=1)
    r = np.corrcoef(kernels.reshape(len(kernels), -1), grey.reshape(len(bank), -1))[: len(kernels), len(kernels) :]
    return r.argmax(axis=1), r.max(axis=1)
