"""Are mutants what they promise: one change each, named for good, in the lines that may change, and nothing silly?"""

from __future__ import annotations

import ast
import difflib
import re
from functools import cache
from pathlib import Path

import pytest

from saiten.errors import EngineError
from saiten.mutate import OPERATORS, Mutant, Operator, mutants
from saiten.mutate.cell import Cell
from saiten.notebook import DEFAULT_DELIMITERS, SOLUTION_ROLES, grade_id_of, marked_lines, read_source, role_of

ROOT = Path(__file__).parent.parent
NOTEBOOK = ROOT / "source" / "01-regularization" / "01-regularization.py"
AVERAGE = '''\
def average(values, weights=None):
    """重み付き平均 / weighted mean."""
    # 平均：重みがなければ、ただの平均
    if weights is None:
        return sum(values) / len(values)  # 合計 ÷ 個数
    total = 0.0
    for 値, weight in zip(values, weights):
        total += 値 * weight  # 値に重みをかける
    return total / sum(weights)
'''


@cache
def cells() -> dict[str, tuple[str, tuple[tuple[int, int], ...]]]:
    """Return the solution cells of the first exercise, by grade_id: their text, and the lines of the solution."""
    found = {}
    for cell in read_source(NOTEBOOK).cells:
        grade_id = grade_id_of(cell)
        if cell.cell_type != "code" or role_of(cell) not in SOLUTION_ROLES or grade_id is None:
            continue
        marks, _ = marked_lines(cell.source, DEFAULT_DELIMITERS[0])
        numbers = [number for number, marked in enumerate(marks, 1) if marked]
        starts = [number for number in numbers if number - 1 not in numbers]
        ends = [number for number in numbers if number + 1 not in numbers]
        found[grade_id] = (cell.source, tuple(zip(starts, ends, strict=True)))
    return found


@cache
def of_cell(grade_id: str) -> tuple[Mutant, ...]:
    """Return the mutants of a cell of the first exercise."""
    text, lines = cells()[grade_id]
    return tuple(mutants(text, only=lines))


GRADE_IDS = sorted(cells())


@pytest.mark.parametrize("grade_id", GRADE_IDS)
def test_every_mutant_compiles_and_means_something_else(grade_id: str) -> None:
    """Does every mutant compile, and do no two, nor the original, mean the same to Python?"""
    trees = [ast.parse(cells()[grade_id][0])]
    for each in of_cell(grade_id):
        tree = ast.parse(each.source)
        compile(tree, "<cell>", "exec")
        trees.append(tree)
    dumps = [ast.dump(tree) for tree in trees]
    assert len(set(dumps)) == len(dumps)


@pytest.mark.parametrize("grade_id", GRADE_IDS)
def test_names_are_unique_and_the_order_is_that_of_the_text(grade_id: str) -> None:
    """Is a name one mutant's, made of the operator and eight digits, and do lines only go up?"""
    found = of_cell(grade_id)
    assert len({each.name for each in found}) == len(found)
    assert all(re.fullmatch(rf"{each.operator}-[0-9a-f]{{8}}", each.name) for each in found)
    assert [each.line for each in found] == sorted(each.line for each in found)


@pytest.mark.parametrize("grade_id", GRADE_IDS)
def test_the_same_text_gives_the_same_mutants(grade_id: str) -> None:
    """Are mutants the same, one by one, when they are made again?"""
    text, lines = cells()[grade_id]
    assert tuple(mutants(text, only=lines)) == of_cell(grade_id)


@pytest.mark.parametrize("grade_id", GRADE_IDS)
def test_exactly_the_lines_that_are_named_have_changed(grade_id: str) -> None:
    """Is a mutant the original but for `before`, which stands at `line`, within the solution, and is now `after`?"""
    text, ranges = cells()[grade_id]
    original = text.split("\n")
    for each in of_cell(grade_id):
        before, after = each.before.split("\n"), each.after.split("\n")
        first, last = each.line, each.line + len(before) - 1
        assert before != after
        assert original[first - 1 : last] == before
        assert [*original[: first - 1], *after, *original[last:]] == each.source.split("\n")
        assert any(low <= first and last <= high for low, high in ranges)


@pytest.mark.parametrize("grade_id", GRADE_IDS)
def test_names_outlive_lines_added_above(grade_id: str) -> None:
    """Do names stay as they are when lines are added above the function, so that waivers stay valid?"""
    text, ranges = cells()[grade_id]
    moved = mutants("import os\n\n" + text, only=[(first + 2, last + 2) for first, last in ranges])
    assert [each.name for each in moved] == [each.name for each in of_cell(grade_id)]


def test_names_outlive_an_edit_of_another_statement() -> None:
    """Does an edit change the names of its own statement's mutants only?"""
    before = {each.name: each for each in mutants(AVERAGE)}
    edited = mutants(AVERAGE.replace("total += 値 * weight", "total += weight * 値 * 1.5"))
    lost = before.keys() - {each.name for each in edited}
    assert lost
    assert {before[name].line for name in lost} == {8}


def test_equal_statements_are_told_apart() -> None:
    """Do two equal lines give mutants of their own, and do functions keep theirs apart?"""
    lines = "def f(x):\n    x = x + g\n    print(x)\n    x = x + g\n    return h\n"
    found = [each for each in mutants(lines + lines.replace("f(", "k(")) if each.operator == "arithmetic"]
    assert [each.line for each in found] == [2, 4, 7, 9]
    assert len({each.name for each in found}) == 4
    alone = [each for each in mutants(lines) if each.operator == "arithmetic"]
    assert [each.name for each in alone] == [each.name for each in found[:2]]


@pytest.mark.parametrize(
    "source",
    [
        """
def ridge(X, y, lam):
    x_mean, y_mean = X.mean(axis=0), y.mean(axis=0)
    X_centred = X - x_mean
    w = np.linalg.solve(X_centred.T @ X_centred + lam * np.eye(X.shape[1]), X_centred.T @ (y - y_mean))
    return w, y_mean - x_mean @ w
""",
        """
def train(X, y, lam):
    model = torch.nn.Linear(X.shape[1], 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        loss = torch.mean((model(X).squeeze(1) - y) ** 2) + lam * model.weight.abs().sum()
        loss.backward()
        optimizer.step()
    return model.weight.detach().squeeze(0), model.bias.detach()
""",
        """
def median_filter(image, size):
    out = np.zeros(image.shape)
    padded = np.pad(image, size // 2, mode="reflect")
    for i in range(image.shape[0]):
        for j in range(image.shape[1]):
            out[i, j] = np.median(padded[i : i + size, j : j + size])
    return out
""",
    ],
)
def test_a_solution_gives_plenty_and_not_too_many(source: str) -> None:
    """Do solutions of five to nine lines give the number of mutants that a proof can work with?"""
    assert 35 <= len(mutants(source)) <= 90


def test_a_diff_shows_the_line_as_it_was_written() -> None:
    """Is the diff the change of the author's own lines, comments and Japanese included?"""
    found = {each.after: each for each in mutants(AVERAGE)}
    mutant = found["        total += 値 / weight  # 値に重みをかける"]
    assert mutant.before == "        total += 値 * weight  # 値に重みをかける"
    assert mutant.diff(context=1).split("\n") == [
        "@@ -7,3 +7,3 @@",
        "     for 値, weight in zip(values, weights):",
        "-        total += 値 * weight  # 値に重みをかける",
        "+        total += 値 / weight  # 値に重みをかける",
        "     return total / sum(weights)",
    ]


def test_the_diff_is_that_of_the_original() -> None:
    """Does the diff, which is made without the original, equal the one made with it, also where lines are added?"""
    found = mutants(AVERAGE)
    assert any(each.after.count("\n") > each.before.count("\n") for each in found)
    for each in found:
        lines = difflib.unified_diff(AVERAGE.split("\n"), each.source.split("\n"), n=2, lineterm="")
        assert each.diff() == "\n".join(list(lines)[2:])


def test_only_the_lines_given_are_changed() -> None:
    """Do ranges of lines keep everything else as it is?"""
    assert {each.line for each in mutants(AVERAGE, only=[(8, 8)])} == {8}
    assert {each.line for each in mutants(AVERAGE, only=[(4, 5), (9, 9)])} == {4, 5, 9}
    assert mutants(AVERAGE, only=[(2, 3)]) == []
    assert mutants(AVERAGE, only=[]) == []


def test_what_decides_nothing_stays() -> None:
    """Do docstrings, annotations, messages, prints, plots, f-strings and imports stay as they are?"""
    source = '''\
"""1 + 2"""
import math, sys
def f(x: "a + 1", other: list[1] = g) -> "b + 2":
    """train 3 + 4"""
    z: "c + 5" = g
    if x is h:
        raise ValueError("constant", 6 + 7)
    assert z, "reflect %d" % (8 + 9)
    print(z + 10)
    plt.plot(z[1:], color="edge")
    ax[0].set_title("same")
    "a string on its own"
    return f"{z + 11} {z!r}"
'''
    assert [(each.operator, each.line, each.after.strip()) for each in mutants(source)] == [
        ("comparison", 6, "if x is not h:"),
        ("raise", 7, "pass"),
        ("raise", 7, 'raise RuntimeError("constant", 6 + 7)'),
        ("statement", 8, "pass"),
        ("result", 13, "return x"),
    ]


@pytest.mark.parametrize(
    "source",
    ["%matplotlib inline\nx = 1", "!ls\nx = 1 + 2", "x = 1 +", "x = 1\0", "return 1 +\n", "", "# 注\n", "pass"],
)
def test_what_is_no_plain_python_has_no_mutants(source: str) -> None:
    """Do magics, shell lines, broken and empty cells give none, and no error?"""
    assert mutants(source) == []


def test_top_level_await_is_plain_python() -> None:
    """Does a cell that IPython runs, with `await` outside of a function, have mutants?"""
    assert [each.source for each in mutants("x = await f(1)")] == ["x = await f(2)", "x = await f(0)"]


def test_line_ends_of_windows_are_kept() -> None:
    """Is a cell with CRLF changed in the right place, and its line ends kept?"""
    found = mutants("# 一\r\ny = (a +\r\n     b)\r\n")
    assert "# 一\r\ny = (a -\r\n     b)\r\n" in [each.source for each in found]
    assert all(each.source.count("\r\n") >= 2 for each in found)


def test_what_python_warns_of_is_no_error() -> None:
    """Is a cell with an escape that Python does not know changed like any other?"""
    assert [each.source for each in mutants('pattern = "\\d"; n = a - b') if each.operator == "arithmetic"] == [
        'pattern = "\\d"; n = a + b'
    ]


def test_an_operator_that_writes_nonsense_is_told() -> None:
    """Is a change that cannot be written down our error, and not passed over?"""
    cell = Cell("f(*xs)")
    starred = next(node for node in ast.walk(cell.tree) if isinstance(node, ast.Starred))
    with pytest.raises(EngineError, match="cannot be written"):
        cell.replace(starred, ast.BinOp(starred, ast.Add(), ast.Constant(1)))


@pytest.mark.parametrize("path", ["src/facelab/plots.py", "src/saiten/mutate/arrays.py"])
def test_any_code_can_be_mutated(path: str) -> None:
    """Does code of another style give mutants without an error?"""
    lines = (ROOT / path).read_text(encoding="utf-8").split("\n")
    counts = [
        len(mutants("\n".join(lines[node.lineno - 1 : node.end_lineno])))
        for node in ast.parse("\n".join(lines)).body
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno < 15
    ]
    assert counts
    assert min(counts) > 0


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda each: f"{each.name}-{each.changes.__name__}")
def test_the_page_shows_every_operator(operator: Operator) -> None:
    """Does docs/reference/mutants.md show each operator's sentence and example, as the table has them?"""
    page = (ROOT / "docs" / "reference" / "mutants.md").read_text(encoding="utf-8")
    sentence = " ".join((operator.changes.__doc__ or "").split()).rstrip(".")
    row = f"| `{operator.name}` | {sentence} | {example(operator.before)} | {example(operator.after)} |"
    assert row in page.split("\n"), f"put this row into its table of the page:\n{row}"


def example(source: str) -> str:
    """Return an example as the page shows it: on one line, `⏎` for the end of a line."""
    return f"`{source.replace('|', chr(92) + '|').replace(chr(10), ' ⏎ ')}`"
