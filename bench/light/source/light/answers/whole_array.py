# ---
# kind: mistake
# title: standardises the array as a whole
# scores: {standardise: 1}
# ---

# %% standardise
def standardise(rows):
    return (rows - rows.mean()) / rows.std()
