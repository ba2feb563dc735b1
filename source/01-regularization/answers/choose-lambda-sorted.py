# ---
# kind: mistake
# title: "sorts the lambdas, so that errors are in another order"
# scores: {choose-lambda: 4}
# ---

# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    fold = np.unique(person, return_inverse=True)[1] % n_folds
    lams = sorted(lams)
    errors = np.zeros(len(lams))
    for index, lam in enumerate(lams):
        for k in range(n_folds):
            model = Ridge(alpha=lam).fit(X[fold != k], Y[fold != k])
            errors[index] += rmse(model.predict(X[fold == k]), Y[fold == k]) / n_folds
    return lams[int(np.argmin(errors))], errors
