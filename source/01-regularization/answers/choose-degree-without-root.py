# ---
# kind: mistake
# title: "mean squared error without the root"
# scores: {choose-degree: 0}
# ---

# %% choose-degree
def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    train, val, test = [], [], []
    for degree in range(1, max_degree + 1):
        curve = np.polynomial.Polynomial.fit(x_train, y_train, degree)
        train.append(np.mean((curve(x_train) - y_train) ** 2))
        val.append(np.mean((curve(x_val) - y_val) ** 2))
        test.append(np.mean((curve(x_test) - y_test) ** 2))
    best = int(np.argmin(val))
    return {"degree": best + 1, "train": train, "val": val, "test": test[best]}
