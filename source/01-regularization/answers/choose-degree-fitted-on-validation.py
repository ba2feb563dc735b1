# ---
# kind: mistake
# title: "fits on training and validation data together"
# scores: {choose-degree: 0}
# ---

# %% choose-degree
def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    train, val, test = [], [], []
    for degree in range(1, max_degree + 1):
        curve = np.polynomial.Polynomial.fit(np.r_[x_train, x_val], np.r_[y_train, y_val], degree)
        train.append(rmse(curve(x_train), y_train))
        val.append(rmse(curve(x_val), y_val))
        test.append(rmse(curve(x_test), y_test))
    best = int(np.argmin(val))
    return {"degree": best + 1, "train": train, "val": val, "test": test[best]}
