# ---
# kind: mistake
# title: "flat windows get 1 instead of 0.01"
# scores: {window-std: 4}
# ---

# %% window-std
def window_std(ii, ii_squared, x, y, side):
    def mean_of(table):
        sums = table[y + side, x + side] - table[y, x + side] - table[y + side, x] + table[y, x]
        return sums / side**2

    square, mean = mean_of(ii_squared), mean_of(ii)
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    return np.where(deviation < 0.01, 1.0, deviation)
