"""A class of students for minutes, and a service that is killed meanwhile: is anything lost, does anything grow?

In: a course, how many students, minutes, kills. Out: a table with a verdict, figures for machines with --output; exit
code 1 if anything is wrong. Each one lists, fetches and hands in by nbgrader's own exchange classes, at a moment of
their own; the service gets SIGKILL between. `--kills 0` has one service for all the time, to see whether it grows.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.held import Run, Sample, table
from bench.hub import COURSE_ID, copied_course, reference_answer
from saiten.build import build_assignment
from saiten.bundle import Bundle
from saiten.course import Course
from saiten.hub.desk import MarkingDesk
from saiten.hub.processes import processor_seconds

_AT_ONCE = 8
"""students who do something in the same moment"""
_PATIENCE_SECONDS = 900.0
_SAMPLE_SECONDS = 2.0
_TELL_SECONDS = 30.0


def main() -> None:
    """Run it, or (for itself) the service."""
    parser = argparse.ArgumentParser(prog="python -m bench.hub_load", description=__doc__)
    parser.add_argument("--course", type=Path, default=Path("bench/light"), help="a course; it is copied")
    parser.add_argument("--assignment", default="light")
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--output", type=Path, help="a file for all figures, as JSON")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve is not None:
        _serve(chosen.serve)
    else:
        with tempfile.TemporaryDirectory(prefix="saiten-bench-load-") as folder:
            found = measure(Path(folder), chosen)
        if chosen.output is not None:
            chosen.output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        raise SystemExit(0 if found["wrong"] == [] else 1)


def _serve(root: Path) -> None:
    with MarkingDesk.open(Course.find(root), workers=2) as desk:
        print("open", flush=True)
        begin = time.monotonic()
        while True:
            print(Sample.of(desk, time.monotonic() - begin).line, flush=True)
            time.sleep(_SAMPLE_SECONDS)


def measure(root: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Let the class work while the service is killed now and then, and look at what came of it."""
    course = copied_course(options.course, root)
    build_assignment(course.assignment(options.assignment))
    answer = reference_answer(Bundle.read(course.autograder_dir(options.assignment)))
    released = root / "exchange" / COURSE_ID / "outbound" / options.assignment
    for name in answer:
        (released / f"{name}.ipynb").write_text("{}")
    students = [_Student(root, f"student-{number:03d}", options.assignment) for number in range(options.students)]
    chance = random.Random(20261122)
    seconds = 60 * options.minutes
    moments = sorted((chance.uniform(0, seconds), student) for student in students)
    kills = [seconds * (number + 1) / (options.kills + 1) for number in range(options.kills)]
    faults: list[str] = []
    runs: list[Run] = []
    begin = time.monotonic()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        work = [pool.submit(_one, begin + moment, student, answer, faults) for moment, student in moments]
        for end in [*kills, None]:
            _tell(f"service {len(runs) + 1} of {options.kills + 1} starts")
            runs.append(Run())
            with _service(course, runs[-1]) as process:
                last = begin + (seconds + _PATIENCE_SECONDS if end is None else end)
                _wait(course, last, options.students if end is None else None)
                spent = processor_seconds(process.pid)
        for each in work:
            each.result()
    found = _found(course, options, faults, runs, time.monotonic() - begin, spent)
    for line in _report(found, runs):
        print(line, flush=True)
    return found


def _wait(course: Course, last: float, wanted: int | None) -> None:
    """Wait until a moment, or until so many hand-ins are marked; now and then a line for who looks on."""
    told = time.monotonic()
    while time.monotonic() < last:
        number = _marked(course)
        if wanted is not None and number >= wanted:
            return
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            _tell(f"{number} marked")
        time.sleep(max(0.0, min(_SAMPLE_SECONDS, last - time.monotonic())))


def _tell(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _found(
    course: Course, options: argparse.Namespace, faults: list[str], runs: list[Run], seconds: float, spent: float
) -> dict[str, Any]:
    arrivals = _rows(course, "select student, state, attempt, seconds from saiten_arrivals")
    marked = _rows(course, "select student, count(*) from saiten_acts where what = 'marked' group by 1")
    scores = _rows(course, "select student, score, max_score from saiten_ledger where in_gradebook")
    wrong = list(faults)
    wrong += [f"{student}: {state}, hand-in {attempt}" for student, state, attempt, _ in arrivals
              if (state, attempt) != ("marked", 1)]  # fmt: skip
    wrong += [f"{student}: marked {times} times" for student, times in marked if times != 1]
    counts = {
        what: len({row[0] for row in names})
        for what, names in (("taken", arrivals), ("marked", marked), ("in the gradebook", scores))
    }
    wrong += [f"{number} of {options.students} are {what}" for what, number in counts.items()
              if number != options.students]  # fmt: skip
    wrong += [f"service {number}: its memory grows" for number, run in enumerate(runs, 1) if run.is_flat is False]
    waits = [row[3] for row in arrivals if row[3] is not None]
    return {
        "students": options.students,
        "minutes": options.minutes,
        "kills": options.kills,
        "seconds_in_all": round(seconds, 1),
        "errors_of_students": len(faults),
        "counts": counts,
        "marked_once": sum(times == 1 for _, times in marked),
        "wait_median_seconds": round(statistics.median(waits), 2) if waits else None,
        "wait_most_seconds": round(max(waits), 2) if waits else None,
        "processor_seconds_of_the_last_service": round(spent, 1),
        "services": [run.to_json() for run in runs],
        "wrong": wrong,
    }


def _report(found: dict[str, Any], runs: list[Run]) -> list[str]:
    """The table for people."""
    students, counts = found["students"], found["counts"]
    median, most = found["wait_median_seconds"], found["wait_most_seconds"]
    return [
        f"{students} students in {found['minutes']:g} minutes, {found['kills']} kills; "
        f"{found['seconds_in_all']:.0f} s in all",
        f"errors that students met     {found['errors_of_students']}",
        f"lost                         {students - counts['taken']}",
        f"marked exactly once          {found['marked_once']} of {students}",
        f"in the gradebook             {counts['in the gradebook']} of {students}",
        f"wait from Submit to marked   median {median} s, most {most} s",
        "",
        "Memory in MB while a service's workers were all warm: with them (its own process)",
        *table(runs),
        "",
        *([f"wrong: {each}" for each in found["wrong"]] or ["Nothing is wrong."]),
    ]


class _Student:
    def __init__(self, root: Path, name: str, assignment: str) -> None:
        self.name, self._assignment, self._exchange = name, assignment, root / "exchange"
        self._home = root / "homes" / name
        self._home.mkdir(parents=True)

    def _step(self, kind: Any) -> None:
        from nbgrader.auth import Authenticator
        from nbgrader.coursedir import CourseDirectory
        from traitlets.config import Config

        config = Config()
        config.Exchange.root, config.Exchange.cache = str(self._exchange), str(self._home / "cache")
        config.Exchange.assignment_dir = str(self._home)
        directory = CourseDirectory(config=config)
        directory.course_id, directory.assignment_id, directory.student_id = COURSE_ID, self._assignment, self.name
        kind(coursedir=directory, authenticator=Authenticator(config=config), config=config).start()

    def work(self, answer: dict[str, str]) -> None:
        """List, fetch, answer, submit, look at the list of hand-ins."""
        from nbgrader.exchange.default import ExchangeFetchAssignment, ExchangeList, ExchangeSubmit

        self._step(ExchangeList)
        self._step(ExchangeFetchAssignment)
        for name, text in answer.items():
            (self._home / self._assignment / f"{name}.ipynb").write_text(text)
        self._step(ExchangeSubmit)
        self._step(ExchangeList)


def _one(moment: float, student: _Student, answer: dict[str, str], faults: list[str]) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
    try:
        student.work(answer)
    except (Exception, SystemExit) as error:  # nbgrader ends the process where something is amiss
        faults.append(f"{student.name}: {type(error).__name__}: {error}")


@contextmanager
def _service(course: Course, run: Run) -> Iterator[subprocess.Popen[str]]:
    """The service in a process of its own, which tells `run` what it holds; SIGKILL at the end."""
    command = [sys.executable, "-m", "bench.hub_load", "--serve", str(course.root)]
    process = subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        if process.stdout.readline() != "open\n":
            raise SystemExit("The service did not start.")
        reader = threading.Thread(target=_read, args=(process.stdout, run))
        reader.start()
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            reader.join()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _read(lines: Iterable[str], run: Run) -> None:
    for line in lines:
        if line.endswith("\n"):  # the last one may have been cut off by the kill
            run.samples.append(Sample.from_line(line))


def _marked(course: Course) -> int:
    ((number,),) = _rows(course, "select count(*) from saiten_arrivals where state = 'marked'")
    return int(number)


def _rows(course: Course, query: str) -> list[Any]:
    with closing(sqlite3.connect(course.root / "gradebook.db", timeout=30)) as connection:
        return connection.execute(query).fetchall()


if __name__ == "__main__":
    main()
