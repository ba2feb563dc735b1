"""How long students wait for the marking service, alone and in a rush, and what it holds in memory meanwhile.

In: a built course and how many students. Out: seconds from Submit to the answer, each and in all; one JSON object.
Students hand in by nbgrader's own exchange; each answer is the reference solution of the exercise.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from saiten.build import build_assignment
from saiten.bundle import Bundle, Role
from saiten.course import Course
from saiten.hub.desk import MarkingDesk
from saiten.hub.exchange import prepare_exchange
from saiten.hub.model import HandIn, State
from saiten.hub.processes import memory

_PATIENCE_SECONDS = 600.0
COURSE_ID = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--course", type=Path, default=Path("bench/light"), help="a course; it is copied")
    parser.add_argument("--assignment", default="", help="one of its assignments; the first without it")
    parser.add_argument("--alone", type=int, default=10, help="hand-ins one after the other")
    parser.add_argument("--rush", type=int, default=20, help="hand-ins within --within seconds")
    parser.add_argument("--within", type=float, default=10.0, help="seconds")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="saiten-bench-hub-") as folder:
        print(json.dumps(measure(Path(folder), options), indent=1))


def measure(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Run the service on a copy of a course, and hand in."""
    course = copied_course(options.course, root)
    name = options.assignment or course.assignments()[0].name
    build_assignment(course.assignment(name))
    answer = reference_answer(Bundle.read(course.autograder_dir(name)))
    with MarkingDesk.open(course, workers=options.workers) as desk:
        begin = time.monotonic()
        _hand_in(root, name, "first", answer)
        _settled(desk, 1)
        cold = time.monotonic() - begin
        _hand_in(root, name, "second", answer)
        _settled(desk, 2)
        alone = [_one(desk, root, name, number, answer) for number in range(options.alone)]
        before = _memory(desk)
        begin = time.monotonic()
        for number in range(options.rush):
            time.sleep(max(0.0, begin + number * options.within / options.rush - time.monotonic()))
            _hand_in(root, name, f"rush-{number:03d}", answer)
        handed_in = time.monotonic() - begin
        found = _settled(desk, 2 + options.alone + options.rush)
        rush = [each.seconds or 0.0 for each in found if each.student.startswith("rush-")]
        marked = {each.state.value for each in found}
        return {
            "assignment": name,
            "workers": options.workers,
            "states": sorted(marked),
            "cold_seconds": round(cold, 2),
            "alone_median_seconds": round(statistics.median(alone), 2),
            "alone_most_seconds": round(max(alone), 2),
            "rush": options.rush,
            "rush_handed_in_seconds": round(handed_in, 2),
            "rush_all_done_seconds": round(time.monotonic() - begin, 2),
            "rush_median_seconds": round(statistics.median(rush), 2),
            "rush_most_seconds": round(max(rush), 2),
            "memory_mb_before": before,
            "memory_mb_after": _memory(desk),
        }


def copied_course(source: Path, root: Path) -> Course:
    """Copy a course, with an exchange of its own in which every assignment's name is released."""
    folder = root / "course"
    folder.mkdir(mode=0o700)
    shutil.copytree(source / "source", folder / "source")
    for path in source.glob("*.py"):
        shutil.copy(path, folder)
    with (folder / "nbgrader_config.py").open("a") as config:
        config.write("\nc = get_config()\n")
        config.write(f"c.CourseDirectory.course_id = {COURSE_ID!r}\nc.Exchange.root = {str(root / 'exchange')!r}\n")
    course = Course.find(folder)
    prepare_exchange(course)
    for assignment in course.assignments():
        (root / "exchange" / COURSE_ID / "outbound" / assignment.name).mkdir()
    return course


def reference_answer(bundle: Bundle) -> dict[str, str]:
    """Notebooks with the reference solution, as students would hand them in."""
    found = {}
    for notebook in bundle.notebooks:
        cells = []
        for cell in notebook.cells:
            own = cell.role in (Role.SOLUTION, Role.MANUAL)
            raw = {
                "cell_type": cell.cell_type,
                "id": cell.id,
                "metadata": dict(cell.metadata),
                "source": cell.source if own else cell.release_source,
            }
            cells.append({**raw, "outputs": [], "execution_count": None} if cell.cell_type == "code" else raw)
        found[notebook.name] = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return found


def _hand_in(root: Path, name: str, student: str, answer: dict[str, str]) -> None:
    from nbgrader.auth import Authenticator
    from nbgrader.coursedir import CourseDirectory
    from nbgrader.exchange.default import ExchangeSubmit
    from traitlets.config import Config

    home = root / "homes" / student
    (home / name).mkdir(parents=True)
    for notebook, text in answer.items():
        (home / name / f"{notebook}.ipynb").write_text(text)
    config = Config()
    config.Exchange.root, config.Exchange.cache = str(root / "exchange"), str(home / "cache")
    config.Exchange.assignment_dir = str(home)
    directory = CourseDirectory(config=config)
    directory.course_id, directory.assignment_id, directory.student_id = COURSE_ID, name, student
    ExchangeSubmit(coursedir=directory, authenticator=Authenticator(config=config), config=config).start()


def _one(desk: MarkingDesk, root: Path, name: str, number: int, answer: dict[str, str]) -> float:
    """Seconds from Submit to the answer of one student, while nobody else hands in."""
    student = f"alone-{number:03d}"
    begin = time.monotonic()
    _hand_in(root, name, student, answer)
    deadline = begin + _PATIENCE_SECONDS
    while not any(each.finished for each in desk.hand_ins(student=student, for_staff=False)):
        if time.monotonic() > deadline:
            raise TimeoutError(student)
        time.sleep(0.01)
    return time.monotonic() - begin


def _settled(desk: MarkingDesk, number: int) -> list[HandIn]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = desk.hand_ins(for_staff=True, limit=10_000)
        done = [each for each in found if each.state not in (State.WAITING, State.MARKING)]
        if len(done) >= number:
            return done
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(done)} of {number} are marked")
        time.sleep(0.02)


def _memory(desk: MarkingDesk) -> dict[str, int]:
    """Megabytes of this process with all below it, and of it alone without its workers."""
    import os

    workers = sum(each.memory or 0 for each in desk.workers())
    return {"all": (memory(os.getpid()) or 0) >> 20, "workers": workers >> 20}


if __name__ == "__main__":
    main()
