# ---
# kind: mistake
# title: "chooses by the error on the training folds"
# scores: {choose-lambda: 7}
# ---

# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    fold = np.unique(person, return_inverse=True)[1] % n_folds
    seen = np.zeros(len(lams))
    errors = np.zeros(len(lams))
    for index, lam in enumerate(lams):
        for k in range(n_folds):
            model = Ridge(alpha=lam).fit(X[fold != k], Y[fold != k])
            errors[index] += rmse(model.predict(X[fold == k]), Y[fold == k]) / n_folds
            seen[index] += rmse(model.predict(X[fold != k]), Y[fold != k])
    return lams[int(np.argmin(seen))], errors
