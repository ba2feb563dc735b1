# ---
# kind: mistake
# title: centres the rows and forgets to divide
# scores: {standardise: 1}
# ---

# %% standardise
def standardise(rows):
    return rows - rows.mean(axis=1, keepdims=True)
