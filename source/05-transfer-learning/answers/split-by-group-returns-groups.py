# ---
# kind: mistake
# title: returns the groups instead of the pictures
# scores: {split-by-group: 0}
# ---

# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    groups = np.random.default_rng(seed).permutation(np.unique(group))
    if n_val + n_test >= len(groups):
        raise ValueError("no group is left for training")
    return groups[n_val + n_test :], groups[:n_val], groups[n_val : n_val + n_test]
