"""Does every mutation operator make the mistakes that it is for, and leave alone what would be no mistake?"""

from __future__ import annotations

import pytest

from saiten.mutate import OPERATORS, Operator, mutants

MADE = [
    # operator, before, after
    ("arithmetic", "a @ b", "a * b"),
    ("arithmetic", "n // 2", "n / 2"),
    ("arithmetic", "a / n", "a // n"),
    ("arithmetic", "x**2", "x*2"),
    ("arithmetic", "a - b * c", "a + b * c"),
    ("arithmetic", "a * b + c", "a / b + c"),
    ("arithmetic", "a + b * c", "a + b / c"),
    ("arithmetic", "x + (  # 中心\n    y\n)", "x - (  # 中心\n    y\n)"),
    ("operand", "loss = error + lam * size", "loss = error + size"),
    ("operand", "a - b", "a"),
    ("operand", "(a + b) * c", "a + b"),
    ("operand", "f((a + b).T)", "f(a.T)"),
    ("swapped-operands", "X.T @ X", "X @ X.T"),
    ("swapped-operands", "a / b", "b / a"),
    ("swapped-operands", "a - (b - c)", "b - c - a"),
    ("sign", "x[~mask]", "x[mask]"),
    ("sign", "f(not a)", "f(a)"),
    ("comparison", "x > 0", "x <= 0"),
    ("comparison", "x is None", "x is not None"),
    ("comparison", "x not in xs", "x in xs"),
    ("comparison", "0 < x < 1", "0 < x <= 1"),
    ("boolean", "a and b", "a"),
    ("condition", "x = a if c else b", "x = b"),
    ("condition", "if a:\n    f()\nelse:\n    g()", "if True:\n    f()\nelse:\n    g()"),
    ("constant", "x = 0.5", "x = 1.0"),
    ("constant", "x = x[0] + 1", "x = x[0] + 2"),
    ("constant", "np.std(x, ddof=1)", "np.std(x, ddof=0)"),
    ("constant", "SGD(p, lr=0.1)", "SGD(p, lr=0.001)"),
    ("constant", "x / (n + 1e-8)", "x / (n + 0.0)"),
    ("constant", "p.requires_grad = False", "p.requires_grad = True"),
    ("choice", "convolve(a, b, mode='same')", "convolve(a, b, mode='valid')"),
    ("choice", 'MSELoss(reduction="mean")', 'MSELoss(reduction="sum")'),
    ("choice", "if penalty == 'l1':\n    f()", "if penalty == 'l2':\n    f()"),
    ("axis", "x.mean(axis=0)", "x.mean()"),
    ("axis", "x.sum(axis=(1, 2), keepdims=True)", "x.sum(axis=1, keepdims=True)"),
    ("axis", "torch.softmax(x, dim=1)", "torch.softmax(x, dim=0)"),
    ("axis", "F.softmax(x, 1)", "F.softmax(x, 0)"),
    ("slice", "x[:n]", "x[n:]"),
    ("slice", "x[::-1]", "x[:]"),
    ("slice", "x[1::2]", "x[0::2]"),
    ("slice", "x[::2]", "x[::3]"),
    ("slice", "x[1:, 1:]", "x[0:, 1:]"),
    ("slice", "x[:-1]", "x[:]"),
    ("index", "image[..., np.newaxis]", "image[np.newaxis, ...]"),
    ("index", "x[-1]", "x[0]"),
    ("newaxis", "x[:, None]", "x[:]"),
    ("range", "for i in range(1, n + 1):\n    f(i)", "for i in range(2, n + 1):\n    f(i)"),
    ("range", "for i in range(0, n, 2):\n    f(i)", "for i in range(0, n):\n    f(i)"),
    ("range", "for i in range(n):\n    f(i)", "for i in range(n + 1):\n    f(i)"),
    ("transpose", "X.T @ y", "X @ y"),
    ("shape", "np.zeros((h, w, 3))", "np.zeros((w, h, 3))"),
    ("shape", "x.reshape(a, b)", "x.reshape(b, a)"),
    ("dtype", "x.astype(float)", "x.astype(int)"),
    ("dtype", "x.to(torch.float32)", "x.to(torch.uint8)"),
    ("function", "y = x.sum()", "y = x.mean()"),
    ("function", "math.floor(x)", "math.ceil(x)"),
    ("function", "max(0, x)", "min(0, x)"),
    ("function", "out = np.zeros(3)\nout[0] += 1", "out = np.ones(3)\nout[0] += 1"),
    ("call", "y = x.copy()", "y = x"),
    ("call", "y = np.sqrt(a + b) * c", "y = (a + b) * c"),
    ("call", "y = np.clip(x, 0, 1)", "y = x"),
    ("call", "y = np.maximum(a, b)", "y = b"),
    ("call", "y = np.asarray(x, dtype=float)[0]", "y = x[0]"),
    ("call", "w = model.weight.detach().squeeze(0)", "w = model.weight.squeeze(0)"),
    ("where", "np.where(c, a, b)", "a"),
    ("keyword", "Ridge(alpha=lam).fit(X)", "Ridge().fit(X)"),
    ("keyword", "np.pad(x, 1, mode=m)", "np.pad(x, 1)"),
    ("infinity", "best = np.inf", "best = 0"),
    ("statement", "def f(x):\n    x = x - 1\n    return x", "def f(x):\n    pass\n    return x"),
    ("statement", "optimizer.zero_grad()", "pass"),
    ("swapped-operands", "d = a - b\ny = d + 1", "d = b - a\ny = d + 1"),
    ("reversed", "kernel = [-1, 0, 1]", "kernel = [1, 0, -1]"),
    ("arguments", "f(x, g(y))", "f(g(y), x)"),
    ("result", "def f(xs):\n    out = []\n    return out", "def f(xs):\n    out = []\n    return out[:-1]"),
    ("loop", "for x in xs: f(x)", "for x in xs: f(x); break"),
    ("loop", "for x in g():\n    f(x)  # 一つずつ", "for x in g():\n    f(x)  # 一つずつ\n    break"),
    ("variable", "def f(tp, fp, fn):\n    return tp / (tp + fn)", "def f(tp, fp, fn):\n    return tp / (tp + fp)"),
    ("variable", "x1, x2 = f()\ny = x1", "x1, x2 = f()\ny = x2"),
    ("order", "w, _, _ = f(X)", "_, w, _ = f(X)"),
    ("mode", "with torch.no_grad():\n    f()", "with torch.enable_grad():\n    f()"),
    ("mode", "@torch.no_grad()\ndef f(x):\n    return g(x)", "@torch.enable_grad()\ndef f(x):\n    return g(x)"),
    ("parameters", "SGD(model.parameters())", "SGD(list(model.parameters())[-1:])"),
    ("element", "Compose([a, b, c])", "Compose([a, c])"),
    ("element", "nn.Sequential(a, nn.ReLU(),  # 発火\n    b)", "nn.Sequential(nn.ReLU(),  # 発火\n    b)"),
    ("solver", "w = np.linalg.lstsq(X, y)[0]", "w = (np.linalg.inv(X.T @ X) @ (X.T @ y), 0, 0, 0)[0]"),
]

NOT_MADE = [
    # an operator that must make nothing of this at all
    ("arithmetic", "x * 1"),
    ("arithmetic", "y = x + 0"),
    ("arithmetic", "names = names + ['a']"),
    ("operand", "x - 0"),
    ("swapped-operands", "a + b"),
    ("swapped-operands", "(a - b) ** 2"),
    ("swapped-operands", "np.abs(a - b)"),
    ("swapped-operands", "d = a - b\ny = np.sum(d**2)"),
    ("swapped-operands", "x / 2"),
    ("swapped-operands", "v @ w"),
    ("broadcast", "def f(n, k):\n    return n - k"),
    ("sign", "x[-1]"),
    ("sign", "x = -1"),
    ("overwrite", "x = 1"),
    ("comparison", "assert f(x), x < 1"),
    ("boolean", "a & b"),
    ("condition", "if x > 0:\n    y = 1"),
    ("constant", "x[0]"),
    ("constant", "np.random.default_rng(3)"),
    ("constant", "DataLoader(x, num_workers=2)"),
    ("choice", "d['train']"),
    ("choice", "name = 'taro'"),
    ("keys", "{'a': x}"),
    ("axis", "np.sum(x, axis=None)"),
    ("slice", "x[:]"),
    ("index", "x[i]"),
    ("newaxis", "x[:, 0]"),
    ("range", "range(*bounds)"),
    ("transpose", "x.t"),
    ("shape", "np.zeros((n, n))"),
    ("dtype", "x.astype(dtype)"),
    ("dtype", "y = float(x)"),
    ("function", "out = np.zeros(3)\nfor i in range(3):\n    out[i] = f(i)"),
    ("function", "k = int(np.ravel(x))"),
    ("function", "best = np.max"),
    ("call", "x = x.to(device)"),
    ("call", "y = x.item()"),
    ("call", "x = np.asarray(x)"),
    ("call", "def f():\n    out = []\n    return np.array(out)"),
    ("where", "np.where(c)"),
    ("keyword", "np.linalg.lstsq(X, y, rcond=None)"),
    ("keyword", "f(x, axis=0, keepdims=True, random_state=0)"),
    ("enumerate", "enumerate(xs, 1)"),
    ("solver", "np.linalg.solve(A, b)"),
    ("infinity", "np.nan"),
    ("statement", "x = 3"),
    ("statement", "print(x)"),
    ("statement", "torch.manual_seed(0)"),
    ("statement", "super().__init__()"),
    ("statement", "def f(x):\n    return x"),
    ("statement", "import numpy as np"),
    ("statement", "def f(x):\n    with g():\n        return x"),
    ("statement", "left.set(xlabel='x')"),
    ("statement", "pass"),
    ("raise", "error = ValueError(n)"),
    ("loop", "def f():\n    for x in g():\n        return x"),
    ("filter", "[x for x in xs]"),
    ("variable", "def f(x):\n    return x"),
    ("variable", "y = f(x_train)"),
    ("arguments", "np.minimum(a, b)"),
    ("arguments", "rmse(a, b)"),
    ("arguments", "np.tile(a, (2, 1))"),
    ("arguments", "cv2.Sobel(x, cv2.CV_64F)"),
    ("arguments", "for a, b in zip(xs, ys):\n    rmse(a, b)"),
    ("order", "a, b = b, a"),
    ("result", "def f(x):\n    return None"),
    ("in-place", "def f(n):\n    m = n - 1\n    return m"),
    ("indentation", "for x in xs:\n    f(x)\ny = g()"),
    ("indentation", "for x in xs:\n    f(x)\n    print(x)"),
    ("twice", "f(x)"),
    ("reversed", "sorted(xs, reverse=True)"),
    ("reversed", "[1, 2, 1]"),
    ("reversed", "np.argsort(x)[::-1]"),
    ("mode", "model.evaluate()"),
    ("layer", "nn.Linear(2, 3)"),
    ("parameters", "model.parameters"),
    ("element", "nn.Sequential(a)"),
]


def made(operator: str, source: str) -> list[str]:
    """Return what an operator makes of a cell."""
    return [each.source for each in mutants(source) if each.operator == operator]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda each: f"{each.name}-{each.changes.__name__}")
def test_an_operator_does_what_its_example_says(operator: Operator) -> None:
    """Is the example of the documents one of the mutants?"""
    assert operator.after in made(operator.name, operator.before)


@pytest.mark.parametrize(("operator", "before", "after"), MADE)
def test_a_mistake_is_made(operator: str, before: str, after: str) -> None:
    """Is this wrong solution among the mutants, letter by letter?"""
    assert after in made(operator, before)


@pytest.mark.parametrize(("operator", "source"), NOT_MADE)
def test_what_is_no_mistake_is_not_made(operator: str, source: str) -> None:
    """Does the operator leave alone what would change nothing, or what everybody notices?"""
    assert made(operator, source) == []


def test_every_operator_has_a_case_that_it_leaves_alone() -> None:
    """Is no operator without its limits?"""
    assert {each.name for each in OPERATORS} == {operator for operator, _ in NOT_MADE}


def test_nothing_indeterminate_is_made() -> None:
    """Is there no mutant whose result depends on what memory held before?"""
    assert not [each for each in mutants("x = np.zeros((3, 3))\ny = torch.ones(2)") if "empty" in each.source]
