# ---
# kind: right
# title: right values in other types - float32, lists, tensors, parameters with a gradient
# scores: {}
# ---

# %% design-matrix
def design_matrix(x, degree):
    if degree < 0:
        raise ValueError
    return [[float(value) ** k for k in range(degree + 1)] for value in x]


# %% least-squares
def least_squares(X, y):
    return torch.linalg.lstsq(torch.tensor(X), torch.tensor(y), driver="gelsd").solution


# %% choose-degree
def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    train, val, test = (np.empty(max_degree, dtype=np.float32) for _ in range(3))
    for degree in range(1, max_degree + 1):
        curve = np.polynomial.Chebyshev.fit(x_train, y_train, degree)
        train[degree - 1] = rmse(curve(x_train), y_train)
        val[degree - 1] = rmse(curve(x_val), y_val)
        test[degree - 1] = rmse(curve(x_test), y_test)
    best = np.argmin(val)
    return {
        "degree": np.int32(best + 1),
        "train": tuple(train),
        "val": val,
        "test": test[best],
        "note": "more than asked",
    }


# %% ridge-fit
def ridge_fit(X, y, lam):
    A = X - X.mean(axis=0)
    # the dual form: n equations instead of d
    dual = np.linalg.solve(A @ A.T + lam * np.eye(len(X)), y - y.mean(axis=0))
    w = A.T @ dual
    return [w.astype(np.float32), np.float32(y.mean(axis=0) - X.mean(axis=0) @ w)]


# %% thresholds
def soft_threshold(z, lam):
    if np.ndim(z) == 0:
        return float(np.sign(z) * max(abs(z) - lam, 0))
    return [soft_threshold(part, lam) for part in z]


def hard_threshold(z, lam):
    if np.ndim(z) == 0:
        return float(z) if z * z > 2 * lam else 0
    return [hard_threshold(part, lam) for part in z]


# %% elastic-net
def elastic_net_fit(X, y, lam, l1_ratio=1.0, n_sweeps=200):
    n, d = X.shape
    X_centred = X - X.mean(0)
    gram, moment = X_centred.T @ X_centred / n, X_centred.T @ (y - y.mean()) / n
    w = np.zeros(d)
    for _ in range(n_sweeps):
        for j in range(d):
            if gram[j, j] > 0:
                c = moment[j] - gram[j] @ w + gram[j, j] * w[j]
                w[j] = np.sign(c) * max(abs(c) - lam * l1_ratio, 0) / (gram[j, j] + lam * (1 - l1_ratio))
    return w.tolist(), np.array(y.mean() - X.mean(0) @ w, dtype=np.float32)


# %% train-linear
def train_linear(X, y, lam, penalty="l2"):
    if penalty not in {"l1", "l2"}:
        raise ValueError
    w = torch.nn.Parameter(torch.randn(X.shape[1]) * 0.1)
    b = torch.nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.SGD([w, b], lr=0.1, momentum=0.5)
    for step in range(300):
        if step == 200:
            optimizer.param_groups[0]["lr"] = 0.02
        optimizer.zero_grad()
        (torch.mean((y - X @ w - b) ** 2) + lam * torch.sum(w.abs() if penalty == "l1" else w * w)).backward()
        optimizer.step()
    return w, b


# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    where = {who: number for number, who in enumerate(np.unique(person))}
    fold = np.array([where[who] % n_folds for who in person])
    errors = torch.zeros(len(lams), dtype=torch.float64)
    for index, lam in enumerate(lams):
        for k in range(n_folds):
            model = Ridge(alpha=lam, solver="svd").fit(X[fold != k], Y[fold != k])
            errors[index] += rmse(model.predict(X[fold == k]), Y[fold == k])
    errors /= n_folds
    return np.float64(lams[int(errors.argmin())]), errors


# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    def fit(n):
        return (Ridge(lam, solver="svd") if lam > 0 else LinearRegression()).fit(X_train[0:n], Y_train[0:n])

    return tuple(np.float32(rmse(fit(n).predict(X_test), Y_test)) for n in sizes)
