# ---
# kind: mistake
# title: "reports the error on the training data"
# scores: {error-by-size: 0}
# ---

# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for n in sizes:
        model = LinearRegression() if lam == 0 else Ridge(alpha=lam)
        model.fit(X_train[:n], Y_train[:n])
        errors.append(rmse(model.predict(X_train[:n]), Y_train[:n]))
    return np.array(errors)
