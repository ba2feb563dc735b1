# ---
# kind: mistake
# title: "returns the index of the best lambda"
# scores: {choose-lambda: 7}
# ---

# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    fold = np.unique(person, return_inverse=True)[1] % n_folds
    errors = np.zeros(len(lams))
    for index, lam in enumerate(lams):
        for k in range(n_folds):
            model = Ridge(alpha=lam).fit(X[fold != k], Y[fold != k])
            errors[index] += rmse(model.predict(X[fold == k]), Y[fold == k]) / n_folds
    return int(np.argmin(errors)), errors
