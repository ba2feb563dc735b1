# ---
# kind: mistake
# title: "draws the rows at random"
# scores: {error-by-size: 0}
# ---

# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for n in sizes:
        model = LinearRegression() if lam == 0 else Ridge(alpha=lam)
        model.fit(
            *(lambda rows: (X_train[rows], Y_train[rows]))(np.random.default_rng(0).permutation(len(X_train))[:n])
        )
        errors.append(rmse(model.predict(X_test), Y_test))
    return np.array(errors)
