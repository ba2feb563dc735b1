# ---
# kind: mistake
# title: "mean squared error without the root"
# scores: {error-by-size: 0}
# ---

# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for n in sizes:
        model = LinearRegression() if lam == 0 else Ridge(alpha=lam)
        model.fit(X_train[:n], Y_train[:n])
        errors.append(np.mean((model.predict(X_test) - Y_test) ** 2))
    return np.array(errors)
