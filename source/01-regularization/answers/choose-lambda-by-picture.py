# ---
# kind: mistake
# title: "splits by picture: the same person on both sides"
# scores: {choose-lambda: 0}
# ---

# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    fold = np.arange(len(X)) % n_folds
    errors = np.zeros(len(lams))
    for index, lam in enumerate(lams):
        for k in range(n_folds):
            model = Ridge(alpha=lam).fit(X[fold != k], Y[fold != k])
            errors[index] += rmse(model.predict(X[fold == k]), Y[fold == k]) / n_folds
    return lams[int(np.argmin(errors))], errors
