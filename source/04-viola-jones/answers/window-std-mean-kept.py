# ---
# kind: mistake
# title: "forgets to subtract the square of the mean"
# scores: {window-std: 0}
# ---

# %% window-std
def window_std(ii, ii_squared, x, y, side):
    def mean_of(table):
        sums = table[y + side, x + side] - table[y, x + side] - table[y + side, x] + table[y, x]
        return sums / side**2

    square = mean_of(ii_squared)
    return np.maximum(np.sqrt(square), 0.01)
