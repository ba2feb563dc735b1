# ---
# kind: right
# title: everything from a library (NumPy, SciPy, scikit-learn, PyTorch)
# scores: {}
# ---

# %% design-matrix
def design_matrix(x, degree):
    if degree < 0:
        raise ValueError("negative degree")
    return np.polynomial.polynomial.polyvander(np.asarray(x, dtype=float), degree)


# %% least-squares
import scipy.linalg


def least_squares(X, y):
    return scipy.linalg.lstsq(X, y)[0]


# %% choose-degree
from sklearn.metrics import root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures


def choose_degree(x_train, y_train, x_val, y_val, x_test, y_test, max_degree):
    models = [
        make_pipeline(PolynomialFeatures(degree), LinearRegression()).fit(x_train[:, None], y_train)
        for degree in range(1, max_degree + 1)
    ]

    def errors(x, y):
        return [root_mean_squared_error(y, model.predict(x[:, None])) for model in models]

    val = errors(x_val, y_val)
    best = int(np.argmin(val))
    return {"degree": best + 1, "train": errors(x_train, y_train), "val": val, "test": errors(x_test, y_test)[best]}


# %% ridge-fit
def ridge_fit(X, y, lam):
    model = Ridge(alpha=lam).fit(X, y)
    return model.coef_.T, model.intercept_


# %% thresholds
def soft_threshold(z, lam):
    tensor = torch.as_tensor(z, dtype=torch.float64)
    return torch.nn.functional.softshrink(tensor, lam).numpy()


def hard_threshold(z, lam):
    tensor = torch.as_tensor(z, dtype=torch.float64)
    return torch.nn.functional.hardshrink(tensor, (2 * lam) ** 0.5).numpy()


# %% elastic-net
from sklearn.linear_model import ElasticNet


def elastic_net_fit(X, y, lam, l1_ratio=1.0, n_sweeps=200):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ElasticNet(alpha=lam, l1_ratio=l1_ratio, max_iter=20_000, tol=1e-8).fit(X, y)
    return model.coef_, float(model.intercept_)


# %% train-linear
def train_linear(X, y, lam, penalty="l2"):
    sizes = {"l2": lambda w: w.pow(2).sum(), "l1": lambda w: w.norm(p=1)}
    if penalty not in sizes:
        raise ValueError(f"unknown penalty {penalty}")
    model = torch.nn.Linear(X.shape[1], 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 400)
    for _ in range(400):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(X).flatten(), y) + lam * sizes[penalty](model.weight)
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.weight.data.flatten(), model.bias.data.squeeze()


# %% choose-lambda
from sklearn.model_selection import PredefinedSplit, cross_val_score


def choose_lambda(X, Y, person, lams, n_folds=5):
    fold = np.unique(person, return_inverse=True)[1] % n_folds
    errors = [
        -cross_val_score(Ridge(alpha=lam), X, Y, cv=PredefinedSplit(fold), scoring="neg_root_mean_squared_error").mean()
        for lam in lams
    ]
    if Y.ndim > 1 and Y.shape[1] > 1:
        # scikit-learn takes the root for each column; here it is one RMSE over all of them
        errors = [
            np.mean(
                [
                    np.sqrt(np.mean((Ridge(alpha=lam).fit(X[a], Y[a]).predict(X[b]) - Y[b]) ** 2))
                    for a, b in PredefinedSplit(fold).split()
                ]
            )
            for lam in lams
        ]
    return lams[int(np.argmin(errors))], np.array(errors)


# %% error-by-size
from sklearn.metrics import mean_squared_error


def error_by_size(X_train, Y_train, X_test, Y_test, sizes, lam):
    model = Ridge(alpha=lam) if lam else LinearRegression()
    return [mean_squared_error(Y_test, model.fit(X_train[:n], Y_train[:n]).predict(X_test)) ** 0.5 for n in sizes]
