# ---
# kind: mistake
# title: does not mind an empty training set
# scores: {split-by-group: 5}
# ---

# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    groups = np.random.default_rng(seed).permutation(np.unique(group))
    val = np.isin(group, groups[:n_val])
    test = np.isin(group, groups[n_val : n_val + n_test])
    return np.flatnonzero(~val & ~test), np.flatnonzero(val), np.flatnonzero(test)
