# ---
# kind: mistake
# title: looks for the best kernel of each filter
# scores: {match-gabor: 0}
# ---

# %% match-gabor
def match_gabor(kernels, bank):
    grey = np.repeat(bank[:, None], kernels.shape[1], axis=1)
    r = np.corrcoef(kernels.reshape(len(kernels), -1), grey.reshape(len(bank), -1))[: len(kernels), len(kernels) :]
    return np.abs(r).argmax(axis=0), np.abs(r).max(axis=0)
