"""Who handed in which file, by its name: as Moodle and Canvas name what one downloads, or by a pattern.

In: paths. Out: for each a `Claim`, or none. A claim is what the name says, and not yet a student of the course.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from saiten.errors import CourseError

PATTERNS = {
    # Full Name_12345_assignsubmission_file_/work.ipynb, or ..._file_work.ipynb where folders are off
    "moodle": re.compile(
        r"^(?:.*/)?(?P<name>[^/]+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)(?:_?/|_)(?P<file>.+)$"
    ),
    # lastnamefirstname_LATE_4711_815_work-2.ipynb
    "canvas": re.compile(r"^(?:.*/)?(?P<name>[^/_]+)_(?:LATE_)?(?P<number>\d+)_\d+_(?P<file>[^/]+)$"),
    # student-017/work.ipynb
    "folders": re.compile(r"^(?:.*/)?(?P<student>[^/]+)/(?P<file>[^/]+)$"),
}
_BEHIND = re.compile(r"(?:\s*のコピー|\s*-\s*コピー|\s*-\s*Copy|\s*\(\d+\)|-Copy\d+|-\d{1,2})$")
_BEFORE = re.compile(r"^(?:Copy of |コピー\s*[~〜～]\s*)")
"""what copying, downloading twice and handing in again add to a file's name, in Colab, Jupyter, Windows and Canvas"""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file's name says."""

    path: str
    file: str
    """name of the file itself, as the student had it"""
    student: str = ""
    """id, where the name says it"""
    number: str = ""
    """the other system's number of a person, or of a participant"""
    name: str = ""
    """full name, or what is left of it"""

    @property
    def who(self) -> str:
        """What tells one person from another within one archive."""
        return self.student or self.number or self.name


def pattern_of(text: str) -> re.Pattern[str]:
    """A pattern by name, or a regular expression with a group `student` (and perhaps `file`).

    Raises:
        CourseError: it is neither.
    """
    if text in PATTERNS:
        return PATTERNS[text]
    try:
        pattern = re.compile(unicodedata.normalize("NFC", text))
    except re.error as error:
        raise CourseError(f"The pattern {text} is no regular expression: {error}.", _EXAMPLE) from error
    if "student" not in pattern.groupindex:
        raise CourseError(f"The pattern {text} has no group (?P<student>...).", _EXAMPLE)
    return pattern


_EXAMPLE = f"Give one of {', '.join(PATTERNS)}, or for 2022_0114<number>.ipynb: '2022_0114(?P<student>\\d+)'"


def claims(paths: Iterable[str], pattern: re.Pattern[str] | None) -> tuple[list[Claim], str]:
    """Read claims off paths.

    Args:
        paths: of all files, in NFC.
        pattern: how they are named; None: whichever known way fits most files, and it must fit half of them.

    Returns:
        claims of the files that fit; the name of the way that was taken, "" for a pattern of one's own.
    """
    paths = list(paths)
    if pattern is not None:
        name = next((key for key, known in PATTERNS.items() if known is pattern), "")
        return [claim for path in paths if (claim := _claim(path, pattern)) is not None], name
    best: tuple[list[Claim], str] = ([], "")
    for name, known in PATTERNS.items():
        found = [claim for path in paths if (claim := _claim(path, known)) is not None]
        if len(found) > len(best[0]):
            best = found, name
    return best if 2 * len(best[0]) >= len(paths) else ([], "")


def _claim(path: str, pattern: re.Pattern[str]) -> Claim | None:
    own = pattern not in PATTERNS.values()
    match = pattern.search(path.rsplit("/", 1)[-1]) if own else pattern.match(path)
    if match is None and own:
        match = pattern.search(path)
    if match is None:
        return None
    groups = {name: value or "" for name, value in match.groupdict().items()}
    file = groups.get("file") or path.rsplit("/", 1)[-1]
    return Claim(
        path, file, groups.get("student", "").strip(), groups.get("number", ""), groups.get("name", "").strip()
    )


def plain_stem(file: str) -> str:
    """A notebook's name without its suffix and without what copying added: "work のコピー (1).ipynb" is "work"."""
    stem = file.removesuffix(".ipynb").strip()
    while (shorter := _BEFORE.sub("", _BEHIND.sub("", stem)).strip()) != stem and shorter:
        stem = shorter
    return stem
