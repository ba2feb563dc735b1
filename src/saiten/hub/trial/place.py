"""The trial's folder: a copy of the course, an exchange, made-up people and their passwords, the hub's own folder.

In: a course (only read) and an empty folder. Out: a `Place`, and the settings for the hub's configuration file.
The copy has its own gradebook and exchange whatever the original's configuration says, and due dates to come.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from saiten.build import source_hash
from saiten.bundle import Bundle
from saiten.config import CONFIG_NAME
from saiten.course import Assignment, Course
from saiten.errors import CourseError
from saiten.hub.exchange import exchange_folders, prepare_exchange
from saiten.hub.trial.ports import HOST, Ports
from saiten.sample import copy_course
from saiten.settings import FILE_NAME as SETTINGS_NAME

CONFIG_FILE = Path(__file__).parents[1] / "jupyterhub_config.py"
"""JupyterHub's configuration, the same for every shape"""

_DAYS = 14
"""that a class of the trial has for an exercise whose due date is past"""
_PASSWORD_BYTES = 9
_STUDENT, _STAFF, _INSTRUCTOR = "student", "assistant", "instructor"
_OWN_EXCHANGE = """
# Added by `saiten hub`: this copy has its own exchange.
c.CourseDirectory.course_id = {course!r}
c.Exchange.root = {root!r}
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up."""

    name: str
    role: str
    """"student", "assistant" or "instructor\""""
    password: str


@dataclass(frozen=True, slots=True)
class Place:
    """The trial's folder and who is in it."""

    folder: Path
    course: Course
    """the copy"""
    exchange: Path
    people: tuple[Person, ...]

    @property
    def state(self) -> Path:
        """The hub's own folder."""
        return self.folder / "hub"

    @property
    def log(self) -> Path:
        """What hub, proxy and services say."""
        return self.folder / "hub.log"

    def ready(self) -> list[str]:
        """Names of the assignments that are built as their source is, so that they can be released."""
        return [each.name for each in self.course.assignments() if _is_fresh(self.course, each)]

    def environment(self, ports: Ports, proxy: Sequence[str], outside: Mapping[str, str]) -> dict[str, str]:
        """Return the hub's environment: settings for its configuration, and what of the outside is no business of it.

        Args:
            ports: where its parts listen.
            proxy: the proxy's command.
            outside: this process's environment; what another hub or Jupyter has put there is left out.
        """
        kept = {name: value for name, value in outside.items() if not re.match(r"SAITEN_|JUPYTER|CONFIGPROXY_", name)}
        path = os.pathsep.join([str(Path(sys.executable).parent), outside.get("PATH", os.defpath)])
        numbers = (ports.hub, ports.proxy, ports.marking, ports.formgrader)
        names = {role: [each.name for each in self.people if each.role == role] for role in (_STAFF, _INSTRUCTOR)}
        return {
            **kept,
            "PATH": path,
            "SAITEN_COURSE": self.course.coursedir.course_id,
            "SAITEN_COURSE_DIR": str(self.course.root),
            "SAITEN_EXCHANGE": str(self.exchange),
            "SAITEN_SPAWNER": "trial",
            "SAITEN_AUTH": "shared",
            "SAITEN_PASSWORDS": str(self.folder / "passwords.json"),
            "SAITEN_STUDENTS": ",".join(each.name for each in self.people if each.role == _STUDENT),
            "SAITEN_STAFF": ",".join(names[_STAFF]),
            "SAITEN_INSTRUCTORS": ",".join(names[_INSTRUCTOR]),
            "SAITEN_HUB_STATE": str(self.state),
            "SAITEN_BIND": f"http://{HOST}:{ports.public}",
            "SAITEN_PORTS": ",".join(map(str, numbers)),
            "SAITEN_PROXY": shlex.join(proxy),
            "SAITEN_ANNOUNCEMENT": "試用 / a trial: all servers are one Unix user, no wall between students",
        }


def prepare(course: Course, folder: Path, students: int, now: datetime | None = None) -> Place:
    """Fill an empty folder with all that a trial needs.

    Args:
        course: the original.
        folder: empty, and closed to others.
        students: how many.
        now: the moment from which due dates are reckoned.

    Raises:
        CourseError: the course has no assignment, or its configuration forces another exchange.
    """
    assignments = course.assignments()
    if not assignments:
        raise CourseError(
            f"The course {course.root} has no assignment.", "Write one: docs/how-to/write-an-exercise.md says how."
        )
    root, exchange = folder / "course", folder / "exchange"
    for assignment in assignments:
        copy_course(course, assignment, root)
    root.chmod(0o700)
    with (root / f"{CONFIG_NAME}.py").open("a", encoding="utf-8") as file:
        file.write(_OWN_EXCHANGE.format(course=course.coursedir.course_id or "trial", root=str(exchange)))
    copy = Course.find(root)
    if exchange_folders(copy).root != exchange:
        raise CourseError(
            f"{course.root / CONFIG_NAME}.json sets Exchange.root, over which a trial cannot go.",
            f"Set it in {CONFIG_NAME}.py instead.",
        )
    for assignment in copy.assignments():
        _put_due_dates_ahead(assignment, now or datetime.now(UTC))
    copy = Course.find(root)
    prepare_exchange(copy)
    people = tuple(_people(students))
    _write_passwords(folder / "passwords.json", people)
    return Place(folder, copy, exchange, people)


def _is_fresh(course: Course, assignment: Assignment) -> bool:
    try:
        return Bundle.read(course.autograder_dir(assignment.name)).source_hash == source_hash(assignment)
    except CourseError:
        return False  # not built, or by another version


def _people(students: int) -> Iterator[Person]:
    """As JupyterHub's shared-password login has it, all students have one password, and so on."""
    password = {role: secrets.token_urlsafe(_PASSWORD_BYTES) for role in (_STUDENT, _STAFF, _INSTRUCTOR)}
    for number in range(1, students + 1):
        yield Person(f"student-{number:03d}", _STUDENT, password[_STUDENT])
    yield Person("assistant", _STAFF, password[_STAFF])
    yield Person("instructor", _INSTRUCTOR, password[_INSTRUCTOR])


def _write_passwords(path: Path, people: Sequence[Person]) -> None:
    of = {person.role: person.password for person in people}
    path.touch(0o600)
    keys = {"students": of[_STUDENT], "staff": of[_STAFF], "instructors": of[_INSTRUCTOR]}
    path.write_text(json.dumps(keys), encoding="utf-8")


def _put_due_dates_ahead(assignment: Assignment, now: datetime) -> None:
    """In the copy, give an exercise whose due date is past a new one: else all that is handed in would be late."""
    due = assignment.settings.due
    if due is None or due > now:
        return
    path = assignment.folder / SETTINGS_NAME
    head, bracket, tables = _split_at_first_table(path.read_text(encoding="utf-8"))
    released, until = (moment.replace(microsecond=0).isoformat() for moment in (now, now + timedelta(days=_DAYS)))
    head = re.sub(r"^release\s*=.*$", f"release = {released}", head, flags=re.MULTILINE)
    head = re.sub(r"^due\s*=.*$", f"due = {until}", head, flags=re.MULTILINE)
    path.write_text(head + bracket + tables, encoding="utf-8")


def _split_at_first_table(text: str) -> tuple[str, str, str]:
    head, bracket, rest = text.partition("\n[")
    return head, bracket, rest
