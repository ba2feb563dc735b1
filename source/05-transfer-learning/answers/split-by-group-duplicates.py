# ---
# kind: mistake
# title: shuffles the groups without np.unique
# scores: {split-by-group: 3}
# ---

# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    if n_val + n_test >= len(np.unique(group)):
        raise ValueError("no group is left for training")
    groups = np.random.default_rng(seed).permutation(group)
    val = np.isin(group, groups[:n_val])
    test = np.isin(group, groups[n_val : n_val + n_test])
    return np.flatnonzero(~val & ~test), np.flatnonzero(val), np.flatnonzero(test)
