# ---
# kind: mistake
# title: "divides by N - 1, as a sample deviation"
# scores: {window-std: 0}
# ---

# %% window-std
def window_std(ii, ii_squared, x, y, side):
    def mean_of(table):
        sums = table[y + side, x + side] - table[y, x + side] - table[y + side, x] + table[y, x]
        return sums / side**2

    square, mean = mean_of(ii_squared), mean_of(ii)
    variance = (square - mean**2) * side**2 / (side**2 - 1)
    return np.sqrt(np.maximum(variance, 0.01**2))
