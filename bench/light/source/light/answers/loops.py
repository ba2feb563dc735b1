# ---
# kind: right
# title: by loops over the rows and elements
# ---

# %% standardise
def standardise(rows):
    return np.array([(row - row.mean()) / row.std() for row in rows])


# %% distances
def distances(left, right):
    result = np.zeros((len(left), len(right)))
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            result[i, j] = np.sum((one - other) ** 2)
    return result


# %% smooth
def smooth(signal):
    return np.array([signal[i : i + 3].mean() for i in range(len(signal) - 2)])
