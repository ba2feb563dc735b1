# ---
# kind: mistake
# title: "least squares without an intercept"
# scores: {error-by-size: 3}
# ---

# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for n in sizes:
        model = LinearRegression(fit_intercept=False) if lam == 0 else Ridge(alpha=lam)
        model.fit(X_train[:n], Y_train[:n])
        errors.append(rmse(model.predict(X_test), Y_test))
    return np.array(errors)
