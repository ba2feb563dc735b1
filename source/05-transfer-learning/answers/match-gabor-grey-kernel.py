# ---
# kind: mistake
# title: "turns the kernel grey first, so that its colours no longer count"
# scores: {match-gabor: 0}
# ---

# %% match-gabor
def match_gabor(kernels, bank):
    grey = kernels.mean(axis=1).reshape(len(kernels), -1)
    filters = bank.reshape(len(bank), -1)
    r = np.abs(np.corrcoef(grey, filters)[: len(grey), len(grey) :])
    return r.argmax(axis=1), r.max(axis=1)
