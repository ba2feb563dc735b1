"""Code cells as IPython understands them: magics, `!commands`, `?help` and top-level await are no errors.

In: a cell's text. Out: its syntax tree, the first syntax problem, or the modules that it imports at top level.
Nothing is run and no module is imported: importable modules are looked up on the path only.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

_PYTHON_CELL_MAGICS = ("time", "timeit", "capture", "prun")
"""Cell magics whose body is Python that runs in the notebook's own namespace."""


@dataclass(frozen=True, slots=True)
class SyntaxProblem:
    """Why a cell cannot be compiled."""

    message: str
    line: int | None
    """line in the cell, from 1"""


def parse_cell(source: str) -> ast.Module:
    """Parse a code cell; the body of `%%time` and its like is parsed in place of the magic.

    Raises:
        SyntaxError: it is no Python, even for IPython. Its `lineno` counts from the cell's first line.
    """
    body, skipped = _body(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in a string is the author's to see, not an error
            tree = ast.parse(_transform(body))
            compile(tree, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        error.lineno = None if error.lineno is None else error.lineno + skipped
        raise
    except ValueError as error:  # NUL bytes, before Python 3.12
        raise SyntaxError(str(error)) from error
    except (RecursionError, MemoryError) as error:
        raise SyntaxError("too deeply nested") from error
    return tree


def find_syntax_problem(source: str) -> SyntaxProblem | None:
    """Return why a code cell cannot be compiled, or None."""
    try:
        parse_cell(source)
    except SyntaxError as error:
        return SyntaxProblem(error.msg or "invalid syntax", error.lineno)
    return None


def top_level_imports(source: str) -> list[str]:
    """List the modules that a cell imports outside functions and classes, dotted, in order.

    `from a.b import c` gives `a.b` and `a.b.c`, of which `c` may be a module or not: `importable` decides.
    A cell that cannot be parsed gives none.
    """
    try:
        tree = parse_cell(source)
    except SyntaxError:
        return []
    found: dict[str, None] = {}
    for node in _top_level(tree.body):
        if isinstance(node, ast.Import):
            found.update(dict.fromkeys(alias.name for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module and node.module != "__future__":
            found[node.module] = None
            found.update(dict.fromkeys(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*"))
    return list(found)


def importable(modules: Iterable[str], *, without: Iterable[Path] = ()) -> tuple[str, ...]:
    """Keep the modules that an import statement would find in this environment; none is imported.

    Args:
        modules: dotted names.
        without: folders that do not count although Python may find modules there (the course's own).

    Returns:
        the names found, sorted, each once.
    """
    ignored = {Path.cwd().resolve(), *(path.resolve() for path in without)}
    found = {_existing_part(name, ignored) for name in modules}
    return tuple(sorted(found - {""}))


def _existing_part(name: str, ignored: set[Path]) -> str:
    """Return the longest part of a dotted name that is a module; `os.path` gives `os`, an unknown name ""."""
    top, *rest = name.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # a finder that fails, or a module without a spec, such as __main__
        return ""
    if spec is None or not {Path(place).resolve() for place in _places(spec)}.isdisjoint(ignored):
        return ""
    # a folder without __init__.py is found, too, as a namespace: it counts only as a step to a module below it
    existing, so_far = (top if spec.origin is not None else ""), top
    for part in rest:
        if spec.submodule_search_locations is None:
            break
        so_far += f".{part}"
        spec = PathFinder.find_spec(so_far, list(spec.submodule_search_locations))
        if spec is None:
            break
        existing = so_far if spec.origin is not None else existing
    return existing


def _places(spec: ModuleSpec) -> list[str]:
    """Folders of `sys.path` that a top-level module was found in."""
    if spec.submodule_search_locations is not None:
        return [str(Path(place).parent) for place in spec.submodule_search_locations]
    return [str(Path(spec.origin).parent)] if spec.has_location and spec.origin else []


def _top_level(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in statements:
        yield statement
        if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for block in ("body", "orelse", "finalbody"):
                yield from _top_level(getattr(statement, block, []))
            for handler in getattr(statement, "handlers", []):
                yield from _top_level(handler.body)


def _body(source: str) -> tuple[str, int]:
    """Cut off the cell magics whose body is Python; return the rest and how many lines were cut."""
    lines = source.split("\n")
    cut = 0
    while cut < len(lines):
        line = lines[cut].strip()
        if line and not (line.startswith("%%") and line[2:].split(" ")[0] in _PYTHON_CELL_MAGICS):
            break
        cut += 1
    return "\n".join(lines[cut:]), cut


def _transform(source: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    transformed: str = TransformerManager().transform_cell(source)
    return transformed
