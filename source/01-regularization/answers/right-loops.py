# ---
# kind: right
# title: plain Python loops, one number at a time
# scores: {}
# ---

# %% design-matrix
def design_matrix(x, degree):
    if degree < 0:
        raise ValueError("degree")
    rows = []
    for value in x:
        row = [1.0]
        for _ in range(degree):
            row.append(row[-1] * float(value))
        rows.append(row)
    return np.array(rows)


# %% least-squares
def least_squares(X, y):
    # one singular direction at a time
    U, s, Vt = np.linalg.svd(np.array(X, dtype=float), full_matrices=False)
    w = np.zeros(Vt.shape[1])
    for k in range(len(s)):
        if s[k] > 1e-12 * s[0]:
            score = 0.0
            for i in range(len(y)):
                score += U[i, k] * y[i]
            for j in range(len(w)):
                w[j] += Vt[k, j] * score / s[k]
    return w


# %% choose-degree
def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    def error(curve, x, y):
        total = 0.0
        for xi, yi in zip(x, y, strict=True):
            total += (curve(xi) - yi) ** 2
        return (total / len(x)) ** 0.5

    best, train, val, test = None, [], [], None
    for degree in range(1, max_degree + 1):
        curve = np.polynomial.Polynomial.fit(x_train, y_train, degree)
        train.append(error(curve, x_train, y_train))
        val.append(error(curve, x_val, y_val))
        if best is None or val[-1] < val[best - 1]:
            best, test = degree, error(curve, x_test, y_test)
    return {"degree": best, "train": train, "val": val, "test": test}


# %% ridge-fit
def ridge_fit(X, y, lam):
    n, d = X.shape
    x_mean = [sum(X[i, j] for i in range(n)) / n for j in range(d)]
    Y = y.reshape(n, -1)
    columns = []
    intercepts = []
    A = np.zeros((d, d))
    for j in range(d):
        for k in range(d):
            for i in range(n):
                A[j, k] += (X[i, j] - x_mean[j]) * (X[i, k] - x_mean[k])
        A[j, j] += lam
    for t in range(Y.shape[1]):
        y_mean = sum(Y[:, t]) / n
        right = np.zeros(d)
        for j in range(d):
            for i in range(n):
                right[j] += (X[i, j] - x_mean[j]) * (Y[i, t] - y_mean)
        w = np.linalg.solve(A, right)
        columns.append(w)
        intercepts.append(y_mean - sum(w[j] * x_mean[j] for j in range(d)))
    if y.ndim == 1:
        return columns[0], intercepts[0]
    return np.array(columns).T, np.array(intercepts)


# %% thresholds
def soft_threshold(z, lam):
    result = np.array(z, dtype=float)
    for index in np.ndindex(result.shape):
        value = result[index]
        if value > lam:
            result[index] = value - lam
        elif value < -lam:
            result[index] = value + lam
        else:
            result[index] = 0.0
    return result


def hard_threshold(z, lam):
    result = np.array(z, dtype=float)
    for index in np.ndindex(result.shape):
        if abs(result[index]) <= (2 * lam) ** 0.5:
            result[index] = 0.0
    return result


# %% elastic-net
def elastic_net_fit(X, y, lam, l1_ratio=1.0, n_sweeps=200):
    n, d = X.shape
    centred = [[float(X[i, j]) - float(X[:, j].mean()) for i in range(n)] for j in range(d)]
    y_mean = float(y.mean())
    r = [float(value) - y_mean for value in y]
    w = [0.0] * d
    for _ in range(n_sweeps):
        moved = 0.0
        for j in range(d):
            s = sum(value * value for value in centred[j]) / n
            if s == 0:
                continue
            c = sum(a * b for a, b in zip(centred[j], r, strict=True)) / n + s * w[j]
            if c > lam * l1_ratio:
                new = c - lam * l1_ratio
            elif c < -lam * l1_ratio:
                new = c + lam * l1_ratio
            else:
                new = 0.0
            new /= s + lam * (1 - l1_ratio)
            step = new - w[j]
            if step:
                for i in range(n):
                    r[i] -= centred[j][i] * step
            w[j] = new
            moved = max(moved, abs(step))
        if moved < 1e-9:
            break
    b = y_mean - sum(w[j] * float(X[:, j].mean()) for j in range(d))
    return w, b


# %% train-linear
def train_linear(X, y, lam, penalty="l2"):
    if penalty not in ("l1", "l2"):
        raise ValueError("penalty")
    w = torch.zeros(X.shape[1], requires_grad=True)
    b = torch.zeros((), requires_grad=True)
    for _ in range(200):
        loss = ((X @ w + b - y) ** 2).mean()
        for weight in w:
            loss = loss + lam * (weight**2 if penalty == "l2" else weight.abs())
        loss.backward()
        with torch.no_grad():
            w -= 0.1 * w.grad
            b -= 0.1 * b.grad
        w.grad = None
        b.grad = None
    return w, b


# %% choose-lambda
def choose_lambda(X, Y, person, lams, n_folds=5):
    people = sorted(set(np.asarray(person).tolist()))
    fold_of = {who: number % n_folds for number, who in enumerate(people)}
    errors = []
    for lam in lams:
        total = 0.0
        for k in range(n_folds):
            inside = [i for i, who in enumerate(person) if fold_of[int(who)] != k]
            outside = [i for i, who in enumerate(person) if fold_of[int(who)] == k]
            model = Ridge(alpha=lam).fit(X[inside], Y[inside])
            total += np.sqrt(((model.predict(X[outside]) - Y[outside]) ** 2).mean())
        errors.append(total / n_folds)
    best = 0
    for index in range(len(lams)):
        if errors[index] < errors[best]:
            best = index
    return lams[best], errors


# %% error-by-size
def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    errors = []
    for n in sizes:
        model = Ridge(alpha=lam) if lam > 0 else LinearRegression()
        model.fit(X_train[:n], Y_train[:n])
        total, count = 0.0, 0
        for prediction, truth in zip(model.predict(X_test), Y_test, strict=True):
            total += np.sum((prediction - truth) ** 2)
            count += np.size(truth)
        errors.append((total / count) ** 0.5)
    return errors
