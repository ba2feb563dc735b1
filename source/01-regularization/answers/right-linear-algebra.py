# ---
# kind: right
# title: other mathematics - cumulative products, pseudo-inverse, augmented systems, ISTA, momentum
# scores: {}
# ---

# %% design-matrix
def design_matrix(x, degree):
    if degree < 0:
        raise ValueError("degree must be 0 or more")
    x = np.array(x, dtype=np.float64)
    factors = np.hstack([np.ones((x.size, 1)), np.tile(x[:, None], (1, degree))])
    return np.cumprod(factors, axis=1)


# %% least-squares
def least_squares(X, y):
    return np.linalg.pinv(X) @ y


# %% choose-degree
def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    def powers(x, degree):
        return np.asarray(x)[:, None] ** np.arange(degree + 1)

    weights = [np.linalg.lstsq(powers(x_train, degree), y_train, rcond=None)[0] for degree in range(1, max_degree + 1)]

    def errors(x, y):
        return np.array([np.linalg.norm(powers(x, len(w) - 1) @ w - y) / np.sqrt(len(y)) for w in weights])

    val = errors(x_val, y_val)
    best = val.argmin()
    return {
        "degree": np.int64(best + 1),
        "train": errors(x_train, y_train),
        "val": val,
        "test": errors(x_test, y_test)[best],
    }


# %% ridge-fit
def ridge_fit(X, y, lam):
    # ridge is least squares with sqrt(lam) * I below X; the column of ones has a 0 there
    n, d = X.shape
    top = np.hstack([X, np.ones((n, 1))])
    bottom = np.hstack([np.sqrt(lam) * np.eye(d), np.zeros((d, 1))])
    right = np.concatenate([y, np.zeros((d, *y.shape[1:]))])
    solution = np.linalg.lstsq(np.vstack([top, bottom]), right, rcond=None)[0]
    return solution[:d], solution[d]


# %% thresholds
def soft_threshold(z, lam):
    return z - np.clip(z, -lam, lam)


def hard_threshold(z, lam):
    return z * (np.abs(z) > np.sqrt(2 * lam))


# %% elastic-net
def elastic_net_fit(X, y, lam, l1_ratio=1.0, n_sweeps=200):
    # ISTA: a gradient step for the smooth part, then the soft threshold, accelerated (FISTA, with restarts)
    n, d = X.shape
    A, target = X - X.mean(axis=0), y - y.mean()
    smooth = lam * (1 - l1_ratio)
    step = 1 / (np.linalg.norm(A, 2) ** 2 / n + smooth)
    w, ahead, t = np.zeros(d), np.zeros(d), 1.0
    for _ in range(50 * n_sweeps):
        gradient = A.T @ (A @ ahead - target) / n + smooth * ahead
        moved = ahead - step * gradient
        new = np.sign(moved) * np.maximum(np.abs(moved) - step * lam * l1_ratio, 0)
        if (ahead - new) @ (new - w) > 0:
            t = 1.0
        t_new = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead = new + (t - 1) / t_new * (new - w)
        if np.abs(new - w).max() < 1e-12 and t > 1:
            break
        w, t = new, t_new
    return w, y.mean() - X.mean(axis=0) @ w


# %% train-linear
def train_linear(X, y, lam, penalty="l2"):
    if penalty == "l2":
        power = 2
    elif penalty == "l1":
        power = 1
    else:
        raise ValueError(penalty)
    # accelerated gradient descent with steps that shrink, gradients from torch.autograd.grad
    w, b = torch.zeros(X.shape[1], requires_grad=True), torch.zeros(1, requires_grad=True)
    speed = [torch.zeros_like(w), torch.zeros_like(b)]
    for step in range(400):
        loss = torch.nn.functional.mse_loss(X @ w[:, None] + b, y[:, None]) + lam * (w.abs() ** power).sum()
        with torch.no_grad():
            for value, gradient, pace in zip((w, b), torch.autograd.grad(loss, (w, b)), speed, strict=True):
                pace.mul_(0.5).add_(gradient)
                value.sub_(0.1 * (1 - step / 400) * pace)
    return w.detach(), b.detach()[0]


# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    _, number = np.unique(person, return_inverse=True)
    Y2 = Y.reshape(len(Y), -1)
    errors = np.empty((n_folds, len(lams)))
    for k in range(n_folds):
        val = number % n_folds == k
        x_mean, y_mean = X[~val].mean(axis=0), Y2[~val].mean(axis=0)
        # one singular value decomposition serves all lambdas
        U, s, Vt = np.linalg.svd(X[~val] - x_mean, full_matrices=False)
        scores = U.T @ (Y2[~val] - y_mean)
        for index, lam in enumerate(lams):
            w = Vt.T @ ((s / (s**2 + lam))[:, None] * scores)
            errors[k, index] = np.sqrt(np.mean(((X[val] - x_mean) @ w + y_mean - Y2[val]) ** 2))
    mean = errors.mean(axis=0)
    return lams[mean.argmin()], mean


# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    result = np.empty(len(sizes))
    for index, n in enumerate(sizes):
        x_mean, y_mean = X_train[:n].mean(axis=0), Y_train[:n].mean(axis=0)
        U, s, Vt = np.linalg.svd(X_train[:n] - x_mean, full_matrices=False)
        keep = s > 1e-10 * s[0]
        U, s, Vt = U[:, keep], s[keep], Vt[keep]
        w = Vt.T @ np.diag(s / (s**2 + lam)) @ U.T @ (Y_train[:n] - y_mean)
        result[index] = np.sqrt(np.mean(((X_test - x_mean) @ w + y_mean - Y_test) ** 2))
    return result
