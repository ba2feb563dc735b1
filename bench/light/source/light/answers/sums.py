# ---
# kind: mistake
# title: sums instead of means
# scores: {smooth: 0}
# ---

# %% smooth
def smooth(signal):
    return signal[:-2] + signal[1:-1] + signal[2:]
