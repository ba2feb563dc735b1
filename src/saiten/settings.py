"""Settings of one assignment: the optional assignment.toml beside its notebook.

In: the file's text. Out: a frozen `Settings`; a course that nbgrader alone made has no such file and gets the defaults.
An unknown key or a value of the wrong type is a `CourseError` that names it.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from saiten.bundle import Limits
from saiten.errors import CourseError
from saiten.zones import on_clock

FILE_NAME = "assignment.toml"
GPU_CHOICES = ("none", "optional", "required")
FEEDBACK_CHOICES = ("off", "public", "questions", "total", "full")


@dataclass(frozen=True, slots=True)
class InstantFeedback:
    """What a student may learn from marking before the deadline."""

    show: str = "public"
    """"off", "public" (public tests only), "questions" (a score for each question), "total" (one number) or "full" (all
    that `saiten feedback` writes)"""
    per_day: int = 0
    """how many hand-ins of a student are answered in 24 hours; 0 is no limit"""
    quiet_hours: float = 0.0
    """hours before the due date in which no hand-in is answered"""


@dataclass(frozen=True, slots=True)
class Schedule:
    """What `saiten schedule` does by itself."""

    release: bool = True
    """give the assignment to students at its release date"""
    collect: bool = True
    """bring in what was handed in when the due date has passed, and when an extension ends"""
    grade: bool = False
    """mark what was collected"""
    feedback: bool = False
    """hand feedback out when it is marked"""
    late_until: datetime | None = None
    """when what came late is collected, too, with its offset from UTC; None: only by `saiten collect`"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What belongs to one assignment and not to its notebook."""

    title: Mapping[str, str] = field(default_factory=dict)
    """language code to title"""
    release: datetime | None = None
    """when students get it, with its offset from UTC"""
    due: datetime | None = None
    """until when they hand it in, with its offset from UTC"""
    gpu: str = "none"
    """"none", "optional" or "required\""""
    hidden_files: tuple[str, ...] = ()
    """globs of data files, relative to the assignment's folder, that only the judge sees"""
    allow_files: tuple[str, ...] = ()
    """globs of a submission's own files that its process may see"""
    shared_code: tuple[str, ...] = ()
    """globs of public files whose lines may also stand in a solution or a hidden test: the leak check skips them"""
    otter_check: bool = False
    """whether students get a cell after which `grader.check("question")` of Otter's runs the public tests"""
    limits: Limits = field(default_factory=Limits)
    instant_feedback: InstantFeedback = field(default_factory=InstantFeedback)
    schedule: Schedule = field(default_factory=Schedule)
    hints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """question (grade_id of its solution cell) to language code to what to try next; `saiten feedback` shows it where
    points are missing"""


def read_settings(folder: Path, zone: tzinfo | None = None) -> Settings:
    """Read assignment.toml of an assignment's folder.

    Args:
        folder: the assignment's source folder.
        zone: what dates without an offset are in (`c.Saiten.timezone`); None: they must have one.

    Returns:
        the settings; the defaults if there is no such file.

    Raises:
        CourseError: the file cannot be read, has an unknown key, or a value of the wrong type.
    """
    path = folder / FILE_NAME
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}.", "It is a TOML file; docs show an example.") from error
    _known(path, raw, [item.name for item in fields(Settings)], "")
    limits = _table(path, raw, "limits")
    _known(path, limits, [item.name for item in fields(Limits)], "limits.")
    feedback = _table(path, raw, "instant_feedback")
    _known(path, feedback, [item.name for item in fields(InstantFeedback)], "instant_feedback.")
    hints = _table(path, raw, "hints")
    schedule = _table(path, raw, "schedule")
    _known(path, schedule, [item.name for item in fields(Schedule)], "schedule.")
    settings = Settings(
        title={key: _text(path, f"title.{key}", value) for key, value in _table(path, raw, "title").items()},
        release=_moment(path, "release", raw.get("release"), zone),
        due=_moment(path, "due", raw.get("due"), zone),
        gpu=_choice(path, "gpu", raw.get("gpu", "none"), GPU_CHOICES),
        hidden_files=_globs(path, raw, "hidden_files"),
        allow_files=_globs(path, raw, "allow_files"),
        shared_code=_globs(path, raw, "shared_code"),
        otter_check=_switch(path, "otter_check", raw.get("otter_check", False)),
        limits=_limits(path, limits),
        instant_feedback=InstantFeedback(
            show=_choice(path, "instant_feedback.show", feedback.get("show", "public"), FEEDBACK_CHOICES),
            per_day=_whole(path, "instant_feedback.per_day", feedback.get("per_day", 0), least=0),
            quiet_hours=_hours(path, "instant_feedback.quiet_hours", feedback.get("quiet_hours", 0)),
        ),
        schedule=_schedule(path, schedule, zone),
        hints={
            name: {code: _text(path, f"hints.{name}.{code}", text) for code, text in _table(path, hints, name).items()}
            for name in hints
        },
    )
    if settings.release and settings.due and settings.due <= settings.release:
        raise CourseError(f"{path}: `due` is not after `release`.", "Mend one of the two dates.")
    _check_schedule(path, settings)
    return settings


def _check_schedule(path: Path, settings: Settings) -> None:
    """Refuse what would never come about."""
    wanted = settings.schedule
    if wanted.feedback and not wanted.grade:
        raise CourseError(
            f"{path}: `schedule.feedback` is on and `schedule.grade` is off.", "Feedback needs marks: switch both on."
        )
    if wanted.late_until is not None and (settings.due is None or wanted.late_until <= settings.due):
        raise CourseError(f"{path}: `schedule.late_until` is not after `due`.", "Mend one of the two dates.")


def _known(path: Path, table: Mapping[str, Any], names: list[str], prefix: str) -> None:
    for key in table:
        if key not in names:
            close = difflib.get_close_matches(key, names, 1)
            hint = f"Did you mean `{prefix}{close[0]}`?" if close else f"Known are: {', '.join(names)}."
            raise CourseError(f"{path}: unknown key `{prefix}{key}`.", hint)


def _wrong(path: Path, key: str, wanted: str, value: object) -> CourseError:
    return CourseError(f"{path}: `{key}` must be {wanted}, not {value!r}.", "Mend this line.")


def _table(path: Path, raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = raw.get(key, {})
    if not isinstance(value, dict):
        raise _wrong(path, key, f"a table, written [{key}]", value)
    return value


def _text(path: Path, key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(path, key, "text in quotes", value)
    return value


def _choice(path: Path, key: str, value: object, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise _wrong(path, key, " or ".join(f'"{choice}"' for choice in choices), value)
    return value


def _whole(path: Path, key: str, value: object, *, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _wrong(path, key, f"a whole number, {least} or more", value)
    return value


def _hours(path: Path, key: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < float("inf"):
        raise _wrong(path, key, "a number of hours, 0 or more", value)
    return float(value)


def _globs(path: Path, raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise _wrong(path, key, "a list of file globs in quotes", value)
    return tuple(value)


def _switch(path: Path, key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _wrong(path, key, "true or false", value)
    return value


def _schedule(path: Path, table: Mapping[str, Any], zone: tzinfo | None) -> Schedule:
    switches = {
        item.name: _switch(path, f"schedule.{item.name}", table.get(item.name, item.default))
        for item in fields(Schedule)
        if isinstance(item.default, bool)
    }
    return Schedule(**switches, late_until=_moment(path, "schedule.late_until", table.get("late_until"), zone))


def _moment(path: Path, key: str, value: object, zone: tzinfo | None) -> datetime | None:
    if value is None:
        return None
    wanted = "a date and time with its offset, such as 2026-04-10T23:59:00+09:00"
    if not isinstance(value, datetime) or (value.tzinfo is None and zone is None):
        raise _wrong(path, key, f"{wanted} (without one where c.Saiten.timezone is set)", value)
    try:
        return on_clock(value, zone)
    except ValueError as error:
        raise CourseError(f"{path}: `{key}`: {error}.", f"Write {wanted}.") from error


def _limits(path: Path, table: Mapping[str, Any]) -> Limits:
    values: dict[str, Any] = {}
    for item in fields(Limits):
        value = table.get(item.name)
        if value is None:
            continue
        if isinstance(item.default, float):
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
                raise _wrong(path, f"limits.{item.name}", "a number of seconds above 0", value)
            values[item.name] = float(value)
        else:
            values[item.name] = _whole(path, f"limits.{item.name}", value, least=1)
    return Limits(**values)
