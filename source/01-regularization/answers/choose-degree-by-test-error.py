# ---
# kind: mistake
# title: "chooses by the test error"
# scores: {choose-degree: 5}
# ---

# %% choose-degree
def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    train, val, test = [], [], []
    for degree in range(1, max_degree + 1):
        curve = np.polynomial.Polynomial.fit(x_train, y_train, degree)
        train.append(rmse(curve(x_train), y_train))
        val.append(rmse(curve(x_val), y_val))
        test.append(rmse(curve(x_test), y_test))
    best = int(np.argmin(test))
    return {"degree": best + 1, "train": train, "val": val, "test": test[best]}
