# ---
# kind: mistake
# title: ignores the seed
# scores: {split-by-group: 5}
# ---

# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    groups = np.random.default_rng().permutation(np.unique(group))
    if n_val + n_test >= len(groups):
        raise ValueError("no group is left for training")
    val = np.isin(group, groups[:n_val])
    test = np.isin(group, groups[n_val : n_val + n_test])
    return np.flatnonzero(~val & ~test), np.flatnonzero(val), np.flatnonzero(test)
