# ---
# kind: mistake
# title: "trains on all rows every time"
# scores: {error-by-size: 0}
# ---

# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for _ in sizes:
        model = LinearRegression() if lam == 0 else Ridge(alpha=lam)
        model.fit(X_train, Y_train)
        errors.append(rmse(model.predict(X_test), Y_test))
    return np.array(errors)
