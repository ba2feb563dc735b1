# ---
# kind: mistake
# title: "one root over all folds instead of the mean of their roots"
# scores: {choose-lambda: 4}
# ---

# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    fold = np.unique(person, return_inverse=True)[1] % n_folds
    errors = np.zeros(len(lams))
    for index, lam in enumerate(lams):
        prediction = np.empty_like(Y)
        for k in range(n_folds):
            prediction[fold == k] = Ridge(alpha=lam).fit(X[fold != k], Y[fold != k]).predict(X[fold == k])
        errors[index] = rmse(prediction, Y)
    return lams[int(np.argmin(errors))], errors
