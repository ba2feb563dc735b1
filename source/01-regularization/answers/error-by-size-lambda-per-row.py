# ---
# kind: mistake
# title: "divides the strength of the ridge by n"
# scores: {error-by-size: 4}
# ---

# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for n in sizes:
        model = LinearRegression() if lam == 0 else Ridge(alpha=lam / n)
        model.fit(X_train[:n], Y_train[:n])
        errors.append(rmse(model.predict(X_test), Y_test))
    return np.array(errors)
