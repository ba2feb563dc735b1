# ---
# kind: mistake
# title: splits by picture
# scores: {split-by-group: 3}
# ---

# %% split-by-group
def split_by_group(group, n_val, n_test, seed):
    if n_val + n_test >= len(np.unique(group)):
        raise ValueError("no group is left for training")
    order = np.random.default_rng(seed).permutation(len(group))
    return order[n_val + n_test :], order[:n_val], order[n_val : n_val + n_test]
