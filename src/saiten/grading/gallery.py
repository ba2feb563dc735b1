"""The gallery: pictures that public tests attach to their failure, taken before any test runs.

In: a submission whose cells have run, processes to ask. Out: `Picture`s in the records of those tests, within bounds.
What a picture shows comes from the student's process and goes to the student: one that had been asked a hidden question
could show that. So the public parts of such tests run once more, before all tests, in a copy of the judge, which asks
copies of the student's process: nothing of it reaches the judge, or any process that tests will ask.
"""

from __future__ import annotations

import os
import re
import signal
import time
import traceback
from dataclasses import dataclass, replace

from saiten import pictures
from saiten.grading import linux
from saiten.grading.channel import Channel, ChannelClosed, ChannelTimeout, pair
from saiten.grading.names import Names
from saiten.grading.progress import Progress
from saiten.grading.rebuild import Plan, Step
from saiten.grading.remote import GRACE, Link
from saiten.grading.seats import SLACK, Seats, Teller, is_test
from saiten.grading.shell import CaptureShell
from saiten.results import Picture

SECONDS = 5.0
"""Wall time for all pictures of a notebook, which the tests do not lose; what is not there by then is not shown."""
SECONDS_EACH = 1.0
"""Wall time for what one test cell asks of the student's process."""
MOST_PICTURES = 36
"""of one notebook"""
MOST_BYTES = 400_000
"""of one notebook, Base64"""

_CALL = re.compile(rf"\b{pictures.attach_pictures.__name__}\b")
_NO_ROOM = {"en": "left out: there are too many pictures", "ja": "画像が多すぎるので省きました"}


@dataclass(frozen=True, slots=True)
class Sitters:
    """Who is asked, and by what; only copies of them are."""

    plan: Plan
    names: Names
    seats: Seats
    shell: CaptureShell


def attaches(step: Step) -> bool:
    """Whether the public part of a test cell attaches pictures; one that runs with the student's code attaches none."""
    cell = step.cell
    return cell is not None and is_test(step) and not cell.in_student and bool(_CALL.search(cell.release_source))


def take_pictures(sitters: Sitters, progress: Progress, tell: Teller) -> None:
    """Fill in the records' pictures; never raises for what a submission does, and ends in time.

    Args:
        sitters: names and processes as they are when all cells and no tests have run.
        progress: whose records are filled in. What went wrong is noted there, for staff; it costs no points, and none
            of the time that tests have.
        tell: see `Seats`.
    """
    steps = enumerate(sitters.plan.steps)
    wanted = [index for index, step in steps if attaches(step) and progress.records[index].status is None]
    if progress.pictured or not wanted:
        return
    progress.pictured = True  # whatever becomes of this judge: another one has asked tests already
    began = time.monotonic()
    links: dict[int, Link] = {}
    for stop in sorted({sitters.seats.stops[index] for index in wanted}):
        progress.busy = None
        tell(progress, SECONDS + GRACE + SLACK)
        link = sitters.seats.spare(stop, time.monotonic() + SECONDS)
        if link is None:
            break  # no copies, or a process that does not answer: the tests will see
        links[stop] = link
    progress.busy = None
    tell(progress, SECONDS + GRACE + SLACK)
    _collect(sitters, progress, wanted, links)
    progress.end += time.monotonic() - began


def _collect(sitters: Sitters, progress: Progress, wanted: list[int], links: dict[int, Link]) -> None:
    """Have a copy of this process take the pictures, and wait for what it sends."""
    end = time.monotonic() + SECONDS
    ours, theirs = pair()
    with theirs:
        pid = os.fork()
        if pid == 0:
            ours.close()
            _sit(sitters, wanted, links, end, Channel(theirs))
    for link in links.values():
        link.close()
    channel = Channel(ours)
    try:
        while True:
            (index, what), _ = channel.receive_object(end)
            if index is None:
                progress.notes.append(f"Pictures of tests could not be taken: {what}")
            else:
                progress.records[index].pictures = what
    except ChannelTimeout:
        progress.notes.append(f"Pictures of tests took longer than {SECONDS:g} seconds; the rest was left out.")
    except ChannelClosed:
        pass  # it has ended: all that there is has come
    finally:
        channel.close()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _sit(sitters: Sitters, wanted: list[int], links: dict[int, Link], end: float, report: Channel) -> None:
    """Run the public parts, send what they attach, and exit."""
    try:
        linux.die_with_parent()
        room = _Room()
        entered: Link | None = None
        for index in wanted:
            stop = sitters.seats.stops[index]
            link = links.get(stop)
            if link is None or link.gone is not None:
                continue
            if link is not entered:
                link.take_turn()
                sitters.names.enter(stop, link)
                entered = link
            link.watch = sitters.seats.watched(index)
            link.deadline = min(end, time.monotonic() + SECONDS_EACH)
            taken: list[Picture] = []
            with pictures.sent_to(taken.append):
                _run(sitters.shell, sitters.plan.steps[index], index)
            if taken:
                report.send_object((index, room.keep(taken)))
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        report.send_object((None, f"{type(error).__name__} in {where.name}, line {where.lineno}"))
    finally:
        os._exit(0)


def _run(shell: CaptureShell, step: Step, index: int) -> None:
    cell = step.cell
    if cell is not None:
        shell.run(cell.release_source, f"test {cell.grade_id}", index + 1, 1 << 16)


class _Room:
    """How many pictures a notebook may still have."""

    def __init__(self) -> None:
        self._pictures, self._bytes = MOST_PICTURES, MOST_BYTES

    def keep(self, taken: list[Picture]) -> tuple[Picture, ...]:
        """The pictures, without those that there is no room for: of these the words remain, then nothing."""
        kept = []
        for picture in taken[: self._pictures]:
            fits = len(picture.png) <= self._bytes
            kept.append(picture if fits else replace(picture, png="", said=_NO_ROOM))
            self._bytes -= len(kept[-1].png)
        self._pictures -= len(kept)
        return tuple(kept)
