# ---
# kind: mistake
# title: "Ridge(alpha=0) for least squares: any solution where columns depend on each other"
# scores: {error-by-size: 3}
# ---

# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for n in sizes:
        model = Ridge(alpha=lam).fit(X_train[:n], Y_train[:n])
        errors.append(rmse(model.predict(X_test), Y_test))
    return np.array(errors)
