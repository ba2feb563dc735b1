"""`saiten hub`: try a course out on a JupyterHub of one's own, with a made-up class, until Ctrl-C.

In: a course, which is copied into a temporary folder. Out: a hub on 127.0.0.1, a table of names, passwords and
addresses; after Ctrl-C nothing runs any more, and the folder is gone unless it is to be kept.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from saiten.cli.options import course_option

if TYPE_CHECKING:
    from rich.console import Console

    from saiten.hub.trial import RunningHub


@click.command(name="hub")
@course_option
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="What browsers use; 0: a free one."
)
@click.option("-n", "--students", type=click.IntRange(1, 100), default=2, show_default=True, help="How many students.")
@click.option("--keep", is_flag=True, help="Leave the folder with the class's work, the gradebook and the log.")
def command(course_dir: Path | None, port: int, students: int, keep: bool) -> None:
    """Start a JupyterHub with a made-up class, to try a course out: students, an assistant, an instructor.

    The course is copied into a temporary folder; the original is only read. The hub, its proxy, the marking service
    and formgrader run as you, on 127.0.0.1, until Ctrl-C. No root is needed. Once, npm fetches JupyterHub's proxy.

    All servers of this trial are one Unix user: whoever may open one can read everybody's work and the solutions. It
    shows how a course works and is no wall between students. docs/tutorial/your-course-on-jupyterhub.md has the real
    thing.

    \b
    Examples:
      saiten hub
      saiten hub --course ~/my-nbgrader-course --port 9000 --students 5
    """
    from rich.console import Console

    console = Console(stderr=True)
    with _interruptible(), _folder(keep, console) as folder:
        running = _start(course_dir, folder, port, students, console)
        try:
            _show(running, Console())
            running.wait()
        except KeyboardInterrupt:
            console.print("Stopping ...")
        finally:
            running.stop()
    console.print("Stopped: nothing of it runs any more.")


def _start(course_dir: Path | None, folder: Path, port: int, students: int, console: Console) -> RunningHub:
    from saiten.course import Course
    from saiten.hub.trial import choose_ports, prepare, proxy_command, start

    with console.status("Looking for the course") as status:
        ports = choose_ports(port)  # first: it is what most often goes wrong
        course = Course.find(course_dir)
        status.update("Looking for JupyterHub's proxy (the first time, npm fetches it)")
        proxy = proxy_command()
        status.update("Copying the course")
        place = prepare(course, folder, students)
        return start(place, ports, proxy, status.update)


def _show(running: RunningHub, console: Console) -> None:
    from rich.table import Table

    place = running.place
    table = Table("name", "who", "password")
    for person in place.people:
        table.add_row(person.name, person.role, person.password)
    marking, formgrader = running.service("marking"), f"{running.service(place.course.coursedir.course_id)}formgrader"
    ready = place.ready()
    first = f"release {ready[0]}" if ready else "build and release an exercise"
    console.print(table)
    for line in (
        f"JupyterLab, for everybody   {running.address}",
        f"marks and feedback          {marking}",
        f"formgrader, for staff       {formgrader}",
        "",
        f"1. As instructor: {first} on the page of marks.",
        "2. As a student: fetch it (JupyterLab: Nbgrader > Assignment List), solve it, submit it.",
        "3. As a student: read the feedback on the page of marks.",
        "One browser is one person: log out in between, or open a private window.",
        "",
        f"Everything lies in {place.folder}. Ctrl-C stops the hub.",
    ):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    console.print(
        "This is a trial: all servers are one Unix user, so it is no wall between students.", style="bold yellow"
    )


@contextmanager
def _folder(keep: bool, console: Console) -> Iterator[Path]:
    """Make the trial's folder, closed to others, and remove it in the end."""
    folder = Path(tempfile.mkdtemp(prefix="saiten-hub-"))
    try:
        yield folder
    finally:
        if keep:
            console.print(f"Kept: {folder}", highlight=False, markup=False)
        else:
            shutil.rmtree(folder)


@contextmanager
def _interruptible() -> Iterator[None]:
    """SIGTERM and a closed terminal are Ctrl-C; and Ctrl-C works where a shell started us in the background."""
    from types import FrameType

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
