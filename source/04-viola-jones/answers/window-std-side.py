# ---
# kind: mistake
# title: "divides by the side, not by the number of pixels"
# scores: {window-std: 0}
# ---

# %% window-std
def window_std(ii, ii_squared, x, y, side):
    def mean_of(table):
        sums = table[y + side, x + side] - table[y, x + side] - table[y + side, x] + table[y, x]
        return sums / side

    square, mean = mean_of(ii_squared), mean_of(ii)
    return np.sqrt(np.maximum(square - mean**2, 0.01**2))
