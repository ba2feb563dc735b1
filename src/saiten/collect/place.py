"""Putting what was found where nbgrader's own collect puts it.

In: a course's assignment, an archive, who is who. Out: `submitted/<student>/<assignment>/`, each folder written whole
or not at all; what became of everybody. The same archive a second time changes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

from saiten.build.staging import staged
from saiten.collect.archive import Archive, Found
from saiten.collect.naming import Claim, claims, plain_stem
from saiten.collect.people import People
from saiten.course import Assignment
from saiten.errors import CourseError
from saiten.gradebook import parse_moment
from saiten.intake import readable

_TIME_FILE = "timestamp.txt"
_TIME = "%Y-%m-%d %H:%M:%S.%f %Z"
"""nbgrader's own format"""


@dataclass(slots=True)
class Collected:
    """What became of an archive."""

    way: str = ""
    """name of the pattern that fitted; empty: one's own"""
    written: list[str] = field(default_factory=list)
    """students whose hand-in is new, or another one than before"""
    same: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """students whose hand-in in the course is newer"""
    left_out: dict[str, str] = field(default_factory=dict)
    """file to the reason"""
    notes: list[str] = field(default_factory=list)

    @property
    def students(self) -> int:
        """How many have a hand-in now that was in the archive."""
        return len(self.written) + len(self.same) + len(self.kept)


def collect(
    assignment: Assignment,
    archive: Archive,
    pattern: re.Pattern[str] | None,
    people: People,
    *,
    times: bool = False,
    dry: bool = False,
) -> Collected:
    """Bring the files of an archive into the course.

    Args:
        assignment: what was handed in.
        archive: from `read_archive`.
        pattern: how files are named; None: found out.
        people: who is who.
        times: the archive's times are those of handing in: they decide lateness, and no newer hand-in is replaced.
        dry: write nothing, and say what would be.

    Raises:
        CourseError: no way of naming files fits.
    """
    found, way = claims([each.path for each in archive.files], pattern)
    if not found:
        some = ", ".join(readable(each.path) for each in archive.files[:3])
        raise CourseError(
            f"No file's name says who handed it in ({some or 'there is none'}).",
            "Say how they are named with --pattern: moodle, canvas, folders, or a regular expression.",
        )
    report = Collected(way, left_out=dict(archive.left_out))
    claimed = {claim.path for claim in found}
    for each in archive.files:
        if each.path not in claimed:
            report.left_out[each.path] = "its name does not say whose it is"
    by_path = {each.path: each for each in archive.files}
    owned: defaultdict[str, list[tuple[Claim, Found]]] = defaultdict(list)
    for claim in found:
        student, reason = people.student(claim)
        reason = reason or _objection(student)
        if reason:
            report.left_out[claim.path] = reason
        else:
            owned[student].append((claim, by_path[claim.path]))
    for student in sorted(owned):
        _bring_in(assignment, student, owned[student], report, times=times, dry=dry)
    return report


def _objection(student: str) -> str:
    if student in ("", ".", "..") or "/" in student or "\0" in student or student.startswith("."):
        return f"{readable(student)} can be no student's id"
    return ""


def _bring_in(
    assignment: Assignment,
    student: str,
    own: Sequence[tuple[Claim, Found]],
    report: Collected,
    *,
    times: bool,
    dry: bool,
) -> None:
    files = _files(tuple(assignment.notebooks), own, student, report)
    last = max(each.modified for _, each in own)
    folder = assignment.course.submitted_dir(assignment.name, student)
    before = _there(folder)
    claimed = before.pop(_TIME_FILE, None)
    if times and claimed is not None:
        moment, _ = parse_moment(claimed.decode("utf-8", "replace"))
        if moment is not None and moment > last.astimezone(UTC).replace(tzinfo=None):
            report.kept.append(student)
            return
    if times:
        files[_TIME_FILE] = last.strftime(_TIME).encode()
    if {**before, **({_TIME_FILE: claimed} if claimed is not None else {})} == files:
        report.same.append(student)
        return
    report.written.append(student)
    if dry:
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with staged([folder]) as (stage,):
        for name, content in sorted(files.items()):
            (stage / name).write_bytes(content)


def _files(
    expected: tuple[str, ...], own: Sequence[tuple[Claim, Found]], student: str, report: Collected
) -> dict[str, bytes]:
    """A student's files by the names that the course knows; of several for one name, the newest."""
    ordered = sorted(own, key=lambda pair: (pair[1].modified, pair[0].path))
    named = {id(claim): _target(claim.file, expected) for claim, _ in ordered}
    notebooks = [claim for claim, _ in ordered if claim.file.endswith(".ipynb")]
    alone = len(expected) == 1 and not any(named[id(claim)] == f"{expected[0]}.ipynb" for claim in notebooks)
    files: dict[str, bytes] = {}
    sources: defaultdict[str, list[str]] = defaultdict(list)
    for claim, found in ordered:
        name = f"{expected[0]}.ipynb" if alone and claim in notebooks else named[id(claim)]
        files[name] = found.content
        sources[name].append(claim.path)
    for name, paths in sources.items():
        if len(paths) > 1:
            report.notes.append(f"{student}: of {len(paths)} files for {name}, {readable(paths[-1])} was taken.")
    return files


def _target(file: str, expected: tuple[str, ...]) -> str:
    name = file.rsplit("/", 1)[-1]
    if not name.endswith(".ipynb"):
        return name
    stem = next((stem for stem in (name.removesuffix(".ipynb"), plain_stem(name)) if stem in expected), None)
    return name if stem is None else f"{stem}.ipynb"


def _there(folder: Path) -> dict[str, bytes]:
    """What lies in a hand-in's folder; {} if there is none."""
    if not folder.is_dir():
        return {}
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file() and not path.is_symlink()}
