# ---
# kind: mistake
# title: the ends stay in
# scores: {smooth: 0}
# ---

# %% smooth
def smooth(signal):
    return np.convolve(signal, np.ones(3) / 3, mode="same")
