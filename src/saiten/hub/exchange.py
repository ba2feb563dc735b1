"""The exchange and the course's folder as students find them: who can read, write or rename what.

In: a course. Out: findings, each with its next step, and on request folders with the modes that nbgrader needs and no
student can abuse. Nobody's submission is opened here.

    <exchange>              1777  everybody writes, as nbgrader asks; only its owner renames a course
    └── <course>            0755  the course account's
        ├── outbound        0755  what students fetch
        ├── inbound         3733  students put something there, nobody else lists, renames or removes it
        ├── inbound-of      0711  containers: one folder for each student, shown to that student alone as `inbound`
        └── feedback        0711  pages under names that only their student can compute
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from saiten.course import Course
from saiten.errors import CourseError

ROOT_MODE, FOLDER_MODE, INBOUND_MODE, HIDDEN_LIST_MODE = 0o1777, 0o755, 0o3733, 0o711
INBOUND_OF = "inbound-of"

_OTHERS_READ, _OTHERS_WRITE, _OTHERS_ENTER = stat.S_IROTH, stat.S_IWOTH, stat.S_IXOTH
_GROUP, _OTHERS = stat.S_IRWXG, stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that students could abuse, or that keeps them from handing in."""

    path: Path
    problem: str
    """one sentence, the path in it"""
    next_step: str
    """one sentence, mostly a command"""
    mode: int | None = None
    """the mode that mends it; None: a person has to decide"""


@dataclass(frozen=True, slots=True)
class ExchangeFolders:
    """Where the folders of one course are in the exchange."""

    root: Path
    course: Path

    @property
    def inbound(self) -> Path:
        """Where students with an account of their own hand in."""
        return self.course / "inbound"

    @property
    def inbound_of(self) -> Path:
        """Where the folders of students in containers are: as all containers run as one user, each sees its own."""
        return self.course / INBOUND_OF

    @property
    def outbound(self) -> Path:
        """What students fetch."""
        return self.course / "outbound"

    @property
    def feedback(self) -> Path:
        """What "Fetch Feedback" reads."""
        return self.course / "feedback"

    def inbounds(self) -> list[tuple[Path, str | None]]:
        """Return every folder in which hand-ins arrive, and whose they all are; None: their owner tells."""
        try:
            own = sorted(entry.name for entry in os.scandir(self.inbound_of) if entry.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            own = []
        return [(self.inbound, None), *((self.inbound_of / student, student) for student in own)]


def exchange_folders(course: Course) -> ExchangeFolders:
    """Find the exchange of a course, as nbgrader does.

    Raises:
        CourseError: the course has no id.
    """
    from nbgrader.exchange.default import Exchange

    if not course.coursedir.course_id:
        raise CourseError(
            f"The course {course.root} has no id, by which the exchange would know it.",
            'Set c.CourseDirectory.course_id = "..." in its nbgrader_config.py.',
        )
    root = Path(os.path.abspath(Exchange(coursedir=course.coursedir, config=course.config).root))
    return ExchangeFolders(root, root / course.coursedir.course_id)


def check_exchange(course: Course) -> list[Finding]:
    """Look for what a student could abuse, and for what keeps students from handing in.

    Returns:
        findings, the most important first; none: all is well.

    Raises:
        CourseError: the course has no id.
    """
    folders = exchange_folders(course)
    shared = bool(course.coursedir.groupshared)
    return [
        *_check_ways(folders.root),
        *_check_root(folders.root, shared),
        *_check_course(folders, shared),
        *_check_inbound(folders.inbound, shared),
        *_check_secrets(course),
    ]


def prepare_exchange(course: Course) -> list[str]:
    """Make what is missing in the exchange, and mend the modes of what is there.

    Returns:
        one sentence for each change; none: nothing had to be done.

    Raises:
        CourseError: this account may not change what has to be changed, or a person has to decide.
    """
    done = _make_missing(course)
    for finding in check_exchange(course):
        if finding.mode is None:
            raise CourseError(finding.problem, finding.next_step)
        _change(finding.path, finding.mode)
        done.append(f"Set the mode of {finding.path} to {finding.mode:04o}.")
    return done


def _make_missing(course: Course) -> list[str]:
    folders = exchange_folders(course)
    wanted = {
        folders.root: ROOT_MODE,
        folders.course: FOLDER_MODE,
        folders.outbound: FOLDER_MODE,
        folders.inbound: INBOUND_MODE,
        folders.inbound_of: HIDDEN_LIST_MODE,
        folders.feedback: HIDDEN_LIST_MODE,
    }
    done = []
    for path, mode in wanted.items():
        if not path.is_dir():
            _change(path, mode, make=True)
            done.append(f"Made {path} with mode {mode:04o}.")
    return done


def require_exchange(course: Course, *, mend: bool = False) -> list[str]:
    """Refuse to go on where students could abuse the exchange or the course's folder.

    What is only missing in an exchange that is there is made; nbgrader's release would, with modes of its own.

    Args:
        course: which.
        mend: make and change what this account may, instead of refusing.

    Returns:
        what was made or changed.

    Raises:
        CourseError: something is to be mended; all of it is named, with the commands.
    """
    if mend:
        return prepare_exchange(course)
    findings = check_exchange(course)
    if findings:
        raise CourseError(
            "\n".join(finding.problem for finding in findings),
            "\n".join(["Give --mend to have that done, or:", *(f"  {finding.next_step}" for finding in findings)]),
        )
    return _make_missing(course) if exchange_folders(course).root.is_dir() else []


def _change(path: Path, mode: int, *, make: bool = False) -> None:
    try:
        if make:
            path.mkdir(parents=True)
        path.chmod(mode)  # mkdir's own mode would be cut by the umask
    except OSError as error:
        what = "made" if make else "changed"
        command = f"mkdir -p {path} && chmod {mode:04o} {path}" if make else f"chmod {mode:04o} {path}"
        raise CourseError(
            f"{path} cannot be {what} by {_account(os.geteuid())}: {error.strerror}.", f"As root: {command}"
        ) from error


def _check_ways(root: Path) -> Iterator[Finding]:
    """Who can rename a folder above the exchange has the exchange."""
    for path in root.parents:
        if not path.is_dir():
            continue
        about = path.stat()
        if about.st_mode & _OTHERS_WRITE and not about.st_mode & stat.S_ISVTX:
            mode = stat.S_IMODE(about.st_mode) | stat.S_ISVTX
            yield Finding(
                path, f"Everybody can rename what is in {path}, above the exchange.", f"chmod {mode:04o} {path}", mode
            )


def _check_root(root: Path, shared: bool) -> Iterator[Finding]:
    if not root.is_dir():
        yield Finding(root, f"There is no exchange {root}.", f"mkdir -p {root} && chmod 1777 {root}", ROOT_MODE)
        return
    about = root.stat()
    mode = stat.S_IMODE(about.st_mode)
    if about.st_uid not in (0, os.geteuid()):
        yield Finding(
            root, f"The exchange {root} belongs to {_account(about.st_uid)}, who can rename every course in it.",
            f"chown root {root}",
        )  # fmt: skip
    if mode & _OTHERS_WRITE and not mode & stat.S_ISVTX:
        yield Finding(
            root, f"Every student can rename or remove a whole course: the exchange {root} has mode {mode:04o}.",
            f"chmod 1777 {root}", ROOT_MODE,
        )  # fmt: skip
    elif not shared and mode & 0o777 != 0o777:
        yield Finding(
            root, f"nbgrader lets nobody hand in where the exchange is not writable: {root} has mode {mode:04o}.",
            f"chmod 1777 {root}", ROOT_MODE,
        )  # fmt: skip


def _check_course(folders: ExchangeFolders, shared: bool) -> Iterator[Finding]:
    """The course's folders in the exchange: the account's own, and nobody else writes there."""
    modes = {
        folders.course: FOLDER_MODE,
        folders.outbound: FOLDER_MODE,
        folders.feedback: HIDDEN_LIST_MODE,
        folders.inbound_of: HIDDEN_LIST_MODE,
    }
    for path, wanted in modes.items():
        if not path.is_dir():
            continue  # nbgrader, or `prepare_exchange`, makes it as it has to be
        about = path.lstat()
        mode = stat.S_IMODE(about.st_mode)
        if stat.S_ISLNK(about.st_mode) or about.st_uid != os.geteuid():
            yield _not_ours(path, about.st_uid)
        elif _writable(mode, shared):
            yield Finding(path, f"Students can write in {path}.", f"chmod {wanted:04o} {path}", wanted)
        elif wanted == HIDDEN_LIST_MODE and mode & _OTHERS_READ:
            yield Finding(path, f"Students can list {path}.", f"chmod {wanted:04o} {path}", wanted)
    for path in _below(folders.outbound):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if not path.is_symlink() and _writable(mode, shared):
            less = mode & ~(_OTHERS_WRITE if shared else _OTHERS_WRITE | stat.S_IWGRP)
            yield Finding(path, f"Students can change {path}, which others fetch.", f"chmod {less:04o} {path}", less)


def _check_inbound(path: Path, shared: bool) -> Iterator[Finding]:
    if not path.is_dir():
        return
    about = path.lstat()
    mode = stat.S_IMODE(about.st_mode)
    wanted = INBOUND_MODE | (stat.S_IRGRP if shared else 0)
    step = f"chmod {wanted:04o} {path}"
    if stat.S_ISLNK(about.st_mode) or about.st_uid != os.geteuid():
        yield _not_ours(path, about.st_uid)
    elif mode & _OTHERS_READ or (mode & stat.S_IRGRP and not shared):
        yield Finding(path, f"Students can list {path}, and read what others handed in.", step, wanted)
    elif not mode & stat.S_ISVTX:
        yield Finding(path, f"A student who knows its name can move another's hand-in out of {path}.", step, wanted)
    elif mode & (_OTHERS_WRITE | _OTHERS_ENTER) != _OTHERS_WRITE | _OTHERS_ENTER:
        yield Finding(path, f"Students cannot hand in: {path} has mode {mode:04o}.", step, wanted)


def _check_secrets(course: Course) -> Iterator[Finding]:
    """The course's folder and its gradebook: closed at the top, so that nothing below has to be looked at."""
    places = [course.root]
    database = course.coursedir.db_url.removeprefix("sqlite:///")
    if database != course.coursedir.db_url and not Path(database).is_relative_to(course.root):
        places.append(Path(database))
    for path in places:
        if not path.exists():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        open_to = mode & _OTHERS
        if mode & _GROUP and not course.coursedir.groupshared and _others_in_group(path.stat()):
            open_to |= mode & _GROUP
        if open_to and all(parent.stat().st_mode & _OTHERS_ENTER for parent in path.parents):
            closed = mode & ~open_to
            what = "source, solutions, submissions and gradebook" if path == course.root else "the gradebook"
            yield Finding(
                path, f"Students can get at {what}: {path} has mode {mode:04o}.", f"chmod {closed:04o} {path}", closed
            )


def _others_in_group(about: os.stat_result) -> bool:
    """Tell whether anybody but the owner is in the group of a file."""
    try:
        members: Sequence[str] = grp.getgrgid(about.st_gid).gr_mem
    except KeyError:
        members = ()
    own = {_account(about.st_uid), "root"}
    primary = {each.pw_name for each in pwd.getpwall() if each.pw_gid == about.st_gid}
    return bool((set(members) | primary) - own)


def _writable(mode: int, shared: bool) -> bool:
    return bool(mode & (_OTHERS_WRITE if shared else _OTHERS_WRITE | stat.S_IWGRP))


def _not_ours(path: Path, owner: int) -> Finding:
    return Finding(
        path,
        f"{path} is not a folder of {_account(os.geteuid())}, but of {_account(owner)}: a student may have made it.",
        f"look at it, move it away, and have it made again: mv {path} {path}.strange",
    )


def _below(folder: Path) -> Iterator[Path]:
    for here, names, files in os.walk(folder):
        yield from (Path(here, name) for name in sorted((*names, *files)))


def _account(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
