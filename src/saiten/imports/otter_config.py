"""The assignment configuration of an Otter Assign notebook, as assignment.toml and the files that come along.

In: the configuration's keys. Out: text of assignment.toml, files to copy, and a remark for each key that Saiten has
no counterpart for. A key that holds Otter's own default says nothing, and nothing is said about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from saiten.errors import SourceError
from saiten.imports.remarks import Remark

_DEFAULTS: Mapping[str, Any] = {
    "check_all_cell": False, "environment": None, "export_cell": True, "ignore_modules": [], "plugins": [],
    "python_version": None, "requirements": None, "save_environment": False, "seed": None, "template_pdf": False,
    "runs_on": "default",
}  # fmt: skip
_OTHERWISE: Mapping[str, str] = {
    "channel_priority_strict": "marking uses the environment that Saiten is installed in",
    "export_cell": "students hand the notebook in itself, not a zip made of it",
    "init_cell": "public tests stand in the notebook; `otter_check` in assignment.toml adds Otter's cell",
    "overwrite_requirements": "marking uses the environment that Saiten is installed in",
    "run_tests": "`saiten build` always runs the reference against its tests",
    "solutions_pdf": "`saiten build` writes the executed solutions as a notebook",
    "suppress_no_tests_warning": "there is no such warning",
}
"""keys whose purpose is met in another way"""
_LOST: Mapping[str, str] = {
    "check_all_cell": "there is no cell that checks everything",
    "environment": "install these packages where Saiten is installed",
    "ignore_modules": "there is no log of students' environments",
    "plugins": "Otter's plugins have no counterpart",
    "python_version": "marking uses the Python that Saiten is installed in",
    "requirements": "install these packages where Saiten is installed",
    "save_environment": "there is no log of students' environments",
    "seed": "Otter seeds each cell when it marks; Saiten does not: seed in the notebook",
    "show_question_points": "write the points into the question's text",
    "template_pdf": "there is no template for Gradescope",
}
_USED = {"autograder_files", "config_file", "files", "name", "strip_solutions_from_all_cells", "student_files", "tests"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What becomes of the configuration."""

    toml: str
    """text of assignment.toml; empty if there is nothing to say"""
    files: Mapping[str, Path]
    """relative path in the assignment's folder to the file to copy"""
    remarks: tuple[Remark, ...]


def convert_config(config: Mapping[str, Any], folder: Path, cell: int) -> Settings:
    """Convert a configuration.

    Args:
        config: all keys of the assignment's configuration.
        folder: of the master notebook; files are looked for there.
        cell: place of the configuration, for remarks; 0 if there is none.

    Raises:
        SourceError: a file lies outside of the folder.
    """
    where = f"cell {cell}"
    remarks: list[Remark] = []
    public = dict(_files(config.get("files"), folder, where, remarks))
    hidden = dict(_files(config.get("autograder_files"), folder, where, remarks))
    remarks += _said(config, where)
    lines = []
    if hidden:
        lines.append(f"hidden_files = {json.dumps(sorted(hidden.keys() - public.keys()), ensure_ascii=False)}")
    if config.get("student_files"):
        lines.append(f"allow_files = {json.dumps([str(each) for each in config['student_files']], ensure_ascii=False)}")
    if config.get("runs_on") == "colab":
        lines.append("otter_check = true")
    if config.get("name"):
        lines += ["", "[title]", f"en = {json.dumps(str(config['name']), ensure_ascii=False)}"]
    return Settings("\n".join(lines).lstrip("\n") + "\n" if lines else "", {**hidden, **public}, tuple(remarks))


def _files(names: Any, folder: Path, where: str, remarks: list[Remark]) -> Iterator[tuple[str, Path]]:
    for name in names or []:
        relative = PurePosixPath(str(name).removeprefix("./"))
        if relative.is_absolute() or ".." in relative.parts:
            raise SourceError(
                f"{where}: the file {name} lies outside of the notebook's folder.", "Move it there; Otter asks so, too."
            )
        path = folder / relative
        found = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        if not path.exists():
            remarks.append(Remark(where, f"the file {name} is not there: it was not copied", lost=True))
            continue
        for each in found:
            yield each.relative_to(folder).as_posix(), each


def _said(config: Mapping[str, Any], where: str) -> Iterator[Remark]:
    """Say of each key what becomes of it."""
    for key, value in config.items():
        if key in _USED or (key in _DEFAULTS and value == _DEFAULTS[key]):
            continue
        if key == "runs_on":
            if value != "colab":
                yield Remark(where, f"runs_on: {value} has no counterpart", lost=True)
        elif key == "generate":
            yield from _generate(value, where)
        elif key == "init_cell" and value is not False:
            continue
        elif key in _OTHERWISE:
            yield Remark(where, f"{key}: {_OTHERWISE[key]}")
        elif key in _LOST and value is not False:
            yield Remark(where, f"{key}: {_LOST[key]}", lost=True)
        elif key not in _LOST:
            yield Remark(where, f"{key}: Saiten does not know this key", lost=True)
    tests = config.get("tests")
    if isinstance(tests, dict) and tests.get("url_prefix"):
        yield Remark(where, "tests.url_prefix: tests are not fetched from an address", lost=True)


def _generate(value: Any, where: str) -> Iterator[Remark]:
    if not isinstance(value, dict):
        yield Remark(where, "generate: `saiten build` always writes an Otter zip for Gradescope")
        return
    for key in value:
        yield Remark(where, f"generate.{key}: set it in otter_config.json of the zip; Saiten has no such option", True)
