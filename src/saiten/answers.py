"""Planted answers: other right ways and typical mistakes, each with the exact scores it must get.

In: `source/<assignment>/answers/*.py`, jupytext percent with a YAML header. Out: `Answer` objects, and what each must
score on a bundle. A cell `# %% <grade_id>` replaces that solution cell; cells not given hold the reference solution.

    # ---
    # kind: mistake                  right | mistake
    # title: penalises the bias
    # scores: {ridge_fit: 4}         the questions that lose points, and what they still get
    # ---

    # %% ridge_fit
    def ridge_fit(X, y, strength): ...
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from saiten.bundle import Bundle, BundleCell, Role, questions
from saiten.errors import SourceError

_HEADER_KEYS = {"kind", "title", "scores"}
_WRITABLE = {Role.SOLUTION, Role.MANUAL, Role.TASK}
_FORMAT = "See the top of saiten/answers.py, or the guide on writing an exercise, for the format."


class Kind(StrEnum):
    """What an answer is planted for."""

    RIGHT = "right"
    """another right way: has to get full marks"""
    MISTAKE = "mistake"
    """a typical mistake: has to lose exactly what `scores` says"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One planted answer."""

    name: str
    """file name without `.py`"""
    kind: Kind
    title: str
    cells: Mapping[str, str]
    """key of a cell (see `cell_keys`) to the text that replaces it"""
    scores: Mapping[str, float] = field(default_factory=dict)
    """key of a question to its points, for those that lose some"""

    def expected(self, bundle: Bundle) -> dict[str, float]:
        """Say what every automatically marked question must get, full marks where the answer says nothing.

        Returns:
            key of the question (see `question_keys`) to points.

        Raises:
            SourceError: the answer names a cell or question that the assignment does not have, or points that
                the question cannot lose.
        """
        self._check_cells(bundle)
        full = {key: points for key, points, _ in automatic_questions(bundle)}
        for question, points in self.scores.items():
            if question not in full:
                raise self._wrong(f"scores names {question!r}, which is no automatically marked question", full)
            if not 0 <= points < full[question]:
                raise self._wrong(f"{question} has to lose points: 0 up to (not including) {full[question]:g}", ())
        return {**full, **self.scores}

    def _check_cells(self, bundle: Bundle) -> None:
        writable = [key for key, cell in cell_keys(bundle) if cell.role in _WRITABLE]
        for key in self.cells:
            if key not in writable:
                raise self._wrong(f"there is no solution cell {key!r}", writable)

    def _wrong(self, what: str, choice: Mapping[str, float] | list[str] | tuple[str, ...]) -> SourceError:
        return SourceError(f"Answer {self.name}.py: {what}.", f"There are: {', '.join(choice)}." if choice else "")


def cell_keys(bundle: Bundle) -> Iterator[tuple[str, BundleCell]]:
    """Yield each cell that has a grade_id with its key: the grade_id, or `notebook/grade_id` where it is not unique."""
    ids = Counter(cell.grade_id for notebook in bundle.notebooks for cell in notebook.cells if cell.grade_id)
    for notebook in bundle.notebooks:
        for cell in notebook.cells:
            if cell.grade_id:
                yield (cell.grade_id if ids[cell.grade_id] == 1 else f"{notebook.name}/{cell.grade_id}"), cell


def question_keys(bundle: Bundle) -> dict[tuple[str, str], str]:
    """Map (notebook, question) to the question's key: its name, or `notebook/name` where several notebooks have it."""
    pairs = [(notebook.name, name) for notebook in bundle.notebooks for name, _ in questions(notebook)]
    names = Counter(name for _, name in pairs)
    return {pair: pair[1] if names[pair[1]] == 1 else "/".join(pair) for pair in pairs}


def automatic_questions(bundle: Bundle) -> list[tuple[str, float, list[BundleCell]]]:
    """List key, points and test cells of the questions that need no person to mark them, in order."""
    keys = question_keys(bundle)
    return [
        (keys[notebook.name, name], sum(cell.points for cell in cells), cells)
        for notebook in bundle.notebooks
        for name, cells in questions(notebook)
        if all(cell.role is Role.TEST for cell in cells)
    ]


def read_answers(folder: Path) -> list[Answer]:
    """Read every planted answer of a folder, by name; an empty list if there are none.

    Args:
        folder: `source/<assignment>/answers`; need not exist.

    Raises:
        SourceError: a file that is no planted answer; the message names it.
    """
    return [read_answer(path) for path in sorted(folder.glob("*.py"))]


def read_answer(path: Path) -> Answer:
    """Read one planted answer.

    Raises:
        SourceError: it cannot be read, its header or a cell is not as it has to be; the message names file and place.
    """
    import jupytext

    try:
        document = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise SourceError(f"{path} cannot be read ({error}).", _FORMAT) from error
    cells = list(document.cells)
    if not cells or cells[0].cell_type != "raw" or not cells[0].source.startswith("---"):
        raise SourceError(f"{path} does not begin with a YAML header (`# ---`, `# kind: ...`, `# ---`).", _FORMAT)
    header = _header(path, "\n".join(cells[0].source.strip().splitlines()[1:-1]))
    kind, title = _kind(path, header), header.get("title")
    if not isinstance(title, str) or not title.strip():
        raise SourceError(f"{path}: the header needs a `title` in words: what is other, or wrong, here.", _FORMAT)
    return Answer(path.stem, kind, title.strip(), _cells(path, cells[1:]), _scores(path, header, kind))


def _header(path: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        header = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SourceError(f"{path}: the header is not YAML ({' '.join(str(error).split())}).", _FORMAT) from error
    if not isinstance(header, dict):
        raise SourceError(f"{path}: the header has to hold `kind`, `title` and, for a mistake, `scores`.", _FORMAT)
    unknown = sorted(str(key) for key in header.keys() - _HEADER_KEYS)
    if unknown:
        raise SourceError(f"{path}: the header has keys that nothing reads: {', '.join(unknown)}.", _FORMAT)
    return header


def _kind(path: Path, header: dict[str, Any]) -> Kind:
    try:
        return Kind(header.get("kind", ""))
    except ValueError as error:
        raise SourceError(f"{path}: `kind` has to be right or mistake.", _FORMAT) from error


def _scores(path: Path, header: dict[str, Any], kind: Kind) -> dict[str, float]:
    scores = header.get("scores") or {}
    if not isinstance(scores, dict):
        raise SourceError(f"{path}: `scores` has to map a question to its points.", _FORMAT)
    if kind is Kind.RIGHT and scores:
        raise SourceError(f"{path}: a right way gets full marks, so it has no `scores`.", _FORMAT)
    if kind is Kind.MISTAKE and not scores:
        raise SourceError(f"{path}: a mistake needs `scores`: the questions that lose points.", _FORMAT)
    for question, points in scores.items():
        if not isinstance(question, str) or isinstance(points, bool) or not isinstance(points, int | float):
            raise SourceError(f"{path}: `scores` has to map a question to a number, not {question!r}: {points!r}.")
    return {question: float(points) for question, points in scores.items()}


def _cells(path: Path, cells: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for cell in cells:
        key = cell.metadata.get("title")
        if not key:
            raise SourceError(
                f"{path}: a cell does not say which solution cell it replaces.", "Write `# %% <grade_id>`."
            )
        if key in found:
            raise SourceError(f"{path}: the cell {key!r} stands there twice.", "Keep one of them.")
        found[key] = cell.source
    if not found:
        raise SourceError(f"{path} replaces no cell.", _FORMAT)
    return found
