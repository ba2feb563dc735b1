"""An Otter Assign notebook, taken apart: the configuration, questions with their blocks, everything else.

In: a `.ipynb` in Otter's raw-cell format (or with the same lines fenced as ```otter in markdown). Out: `Master`.
Otter itself is not needed. A notebook that Otter Assign would refuse is a `SourceError` that names the cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from saiten.errors import SourceError

_FENCE = "```otter"
_IGNORED = re.compile(r"(##\s*ignore\s*##\s*|#\s*ignore\s*)", re.IGNORECASE)
_CONFIG = re.compile(r"#\s+assignment\s+config\s*", re.IGNORECASE)
_BOUNDARY = re.compile(r"#\s+(begin|end)\s+(question|prompt|solution|tests)\s*", re.IGNORECASE)
_GUIDE = "Otter Assign's guide says which raw cells open and close a block."


class Block(StrEnum):
    """What a cell of a question belongs to."""

    TEXT = "text"
    """the question itself"""
    PROMPT = "prompt"
    """what students get in place of an answer"""
    SOLUTION = "solution"
    TESTS = "tests"


@dataclass(frozen=True, slots=True)
class MasterCell:
    """One cell of the master notebook."""

    number: int
    """its place, from 1"""
    kind: str
    """"code", "markdown" or "raw\""""
    source: str
    shown: str = ""
    """what it printed and returned when it was saved, as text"""
    printed: bool = False
    """whether something of it was printed, not returned"""
    tags: tuple[str, ...] = ()
    attachments: dict[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """How messages call it."""
        return f"cell {self.number}"


@dataclass(slots=True)
class Question:
    """A question block."""

    number: int
    """place of its first cell"""
    config: dict[str, Any]
    parts: list[tuple[Block, MasterCell]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name in Otter."""
        return str(self.config["name"])


@dataclass(slots=True)
class Master:
    """A whole master notebook."""

    config: dict[str, Any]
    """all assignment configuration cells, the later over the earlier"""
    parts: list[MasterCell | Question]
    ignored: list[MasterCell]
    """cells that Otter leaves out of everything"""
    config_cell: int = 0
    """place of the last configuration cell; 0 if there is none"""


def read_master(path: Path) -> Master:
    """Read an Otter Assign notebook.

    Raises:
        SourceError: it cannot be read, is not in Python, or its blocks are not as Otter Assign wants them.
    """
    if path.suffix != ".ipynb":
        raise SourceError(f"{path} is no .ipynb.", "R Markdown and Quarto masters cannot be imported.")
    notebook = _notebook(path)
    kernel = notebook.metadata.get("kernelspec", {})
    language = str(kernel.get("language", notebook.metadata.get("language_info", {}).get("name", "python"))).lower()
    if language != "python":
        raise SourceError(f"{path} is a notebook in {language}.", "Saiten builds and marks Python notebooks only.")
    master = _assemble(path, [part for cell in _cells(notebook) for part in _unfenced(cell, path)])
    if not any(isinstance(part, Question) for part in master.parts):
        raise SourceError(
            f"{path} has no question: no raw cell begins with `# BEGIN QUESTION`.",
            "This command takes the master notebook that `otter assign` takes, not what students get.",
        )
    return master


def load_yaml(text: str, where: str) -> dict[str, Any]:
    """Read a configuration of Otter's; comments alone are an empty one.

    Raises:
        SourceError: it is not YAML, or no mapping.
    """
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SourceError(f"{where}: this is not YAML ({' '.join(str(error).split())}).", _GUIDE) from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SourceError(f"{where}: the configuration has to be `key: value` lines.", _GUIDE)
    return value


def _notebook(path: Path) -> NotebookNode:
    import nbformat
    from nbformat import reader

    try:
        notebook: NotebookNode = nbformat.convert(reader.reads(path.read_text(encoding="utf-8-sig")), 4)
    except Exception as error:  # nbformat raises KeyError, AttributeError and others on damaged files
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise SourceError(
            f"{path} cannot be read as a notebook ({reason}).", "Open and save it in JupyterLab."
        ) from error
    return notebook


def _cells(notebook: NotebookNode) -> Iterator[MasterCell]:
    for number, cell in enumerate(notebook.cells, 1):
        source = cell.source.replace("\r\n", "\n")
        tags = tuple(tag for tag in cell.metadata.get("tags", ()) if isinstance(tag, str))
        shown = "".join(_shown(output) for output in cell.get("outputs", ()))
        printed = any(output.get("text") for output in cell.get("outputs", ()))
        yield MasterCell(number, cell.cell_type, source, shown, printed, tags, dict(cell.get("attachments", {})))


def _shown(output: NotebookNode) -> str:
    """What Otter takes for the expected output: streams and the plain text of results, one behind the other."""
    text = output.get("text", "")
    data = output.get("data", {}).get("text/plain", "")
    return ("".join(text) if isinstance(text, list) else text) + ("".join(data) if isinstance(data, list) else data)


def _unfenced(cell: MasterCell, path: Path) -> Iterator[MasterCell]:
    """Split a markdown cell with ```otter blocks into raw cells and the text between them."""
    lines = cell.source.split("\n")
    if cell.kind != "markdown" or not any(line.strip() == _FENCE for line in lines):
        yield cell
        return
    text: list[str] = []
    fenced: list[str] | None = None
    for line in lines:
        if fenced is None and line.strip() == _FENCE:
            if any(each.strip() for each in text):
                yield MasterCell(
                    cell.number, "markdown", "\n".join(text).strip("\n"), "", False, cell.tags, cell.attachments
                )
            text, fenced = [], []
        elif fenced is not None and line.strip() == "```":
            yield MasterCell(cell.number, "raw", "\n".join(fenced))
            fenced = None
        elif fenced is not None:
            fenced.append(line)
        else:
            text.append(line)
    if fenced is not None:
        raise SourceError(f"{path}: {cell.where}: a block ```otter is not closed.", "End it with a line ```.")
    if any(each.strip() for each in text):
        yield MasterCell(cell.number, "markdown", "\n".join(text).strip("\n"), "", False, cell.tags, cell.attachments)


def _assemble(path: Path, cells: list[MasterCell]) -> Master:
    """Put cells into blocks, as Otter Assign does, with its rules about what may stand in what."""
    master = Master({}, [], [])
    question: Question | None = None
    block: Block | None = None
    for cell in cells:
        where = f"{path}: {cell.where}"
        boundary = _BOUNDARY.match(cell.source) if cell.kind == "raw" else None
        if _IGNORED.match(cell.source):
            master.ignored.append(cell)
        elif cell.kind == "raw" and _CONFIG.match(cell.source):
            master.config |= _configuration(path, cell)
            master.config_cell = cell.number
        elif boundary is None:
            if question is None:
                master.parts.append(cell)
            elif block is Block.TESTS and cell.kind != "code":
                raise SourceError(f"{where}: a {cell.kind} cell stands among the tests of {question.name}.", _GUIDE)
            else:
                question.parts.append((block or Block.TEXT, cell))
        elif boundary[2].lower() == "question":
            if (boundary[1].lower() == "begin") is (question is not None) or block is not None:
                raise SourceError(f"{where}: a question begins or ends where none can.", _GUIDE)
            question = _question(cell, where) if question is None else None
            if question is not None:
                master.parts.append(question)
        else:
            block = _next_block(boundary, block, question, where)
    if question is not None:
        raise SourceError(f"{path}: {question.name} is not closed by a raw cell `# END QUESTION`.", _GUIDE)
    return master


def _next_block(boundary: re.Match[str], block: Block | None, question: Question | None, where: str) -> Block | None:
    wanted = Block(boundary[2].lower())
    if question is None:
        raise SourceError(f"{where}: a {wanted} block stands outside of a question.", _GUIDE)
    if boundary[1].lower() == "begin":
        if block is not None:
            raise SourceError(f"{where}: a {wanted} block begins within a {block} block.", _GUIDE)
        if wanted is Block.PROMPT and any(each is Block.SOLUTION for each, _ in question.parts):
            raise SourceError(f"{where}: the prompt of {question.name} stands behind its solution.", _GUIDE)
        return wanted
    if block is not wanted:
        raise SourceError(f"{where}: a {wanted} block ends that is not open.", _GUIDE)
    return None


def _question(cell: MasterCell, where: str) -> Question:
    config = load_yaml(cell.source, where)
    if not config.get("name") and config.get("name") != 0:
        raise SourceError(f"{where}: the question has no `name`.", _GUIDE)
    return Question(cell.number, config)


def _configuration(path: Path, cell: MasterCell) -> dict[str, Any]:
    where = f"{path}: {cell.where}"
    config = load_yaml(cell.source, where)
    name = config.get("config_file")
    if not name:
        return config
    try:
        text = (path.parent / str(name)).read_text(encoding="utf-8")
    except OSError as error:
        raise SourceError(f"{where}: {name} cannot be read: {error.strerror}.", "It is `config_file` there.") from error
    return load_yaml(text, str(name)) | config
