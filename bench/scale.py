"""`make bench-scale`: what a class of 100, 1,000 and 10,000 costs, by one worker, by two, and on a Dask cluster.

Ways: a number of workers on all cores; `core`, one worker with one core for all there is to do; `apart`, the class in
two halves by two such runs at once, which have nothing in common but the machine; `dask`.
In: options below. Out: a table and a plot: seconds, submissions a second, memory, size of the database; one JSON file.
A class is one sample class handed in again and again under other names, so that every size holds the same work.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.measure import ONE_THREAD, Run, run
from bench.prepare import LEFT_OUT
from bench.scale_page import write_page
from saiten.build import build_assignment
from saiten.course import Course
from saiten.sample import copy_course, write_class

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
DASK = "dask"
ONE_CORE = "core"
APART = "apart"
_SAITEN = "from saiten.cli import main; main()"
_BASE = 100
"""students of the class that is handed in again and again"""
_LOOK_SECONDS = 2.0
"""between two looks at the memory: more often would cost the marking its time"""


@dataclass(frozen=True, slots=True)
class Measured:
    """One class, marked once."""

    way: str
    """"1 worker", "2 workers", "1 worker, 1 core", "2 runs, a core each", "dask, 2 workers\""""
    workers: int
    submissions: int
    seconds: float
    """from the start of the command to its end"""
    coordinator_mb: float
    """its RSS at the height"""
    coordinator_middle_mb: float
    """the same halfway"""
    tree_mb: float
    """PSS of it and all its children at the height; on a cluster the workers are not its children"""
    database_mb: float

    @property
    def rate(self) -> float:
        """Submissions a second."""
        return self.submissions / self.seconds


def main() -> int:
    """Measure, print, keep."""
    options = _options()
    found: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="saiten-scale-", dir=options.scratch) as folder:
        classes = Classes(Path(folder), options.course.absolute(), options.assignment, options.seed, options.without)
        for number in options.sizes:
            for way in options.ways:
                if way in ("1", ONE_CORE) and number > options.most_alone:
                    continue
                measured = classes.mark(number, way, options.cluster_workers)
                found.append(measured)
                _say(f"{measured.way}, {number}: {measured.seconds:.1f} s, {measured.rate:.1f} a second")
        again = classes.mark_again(options.again, options.change) if options.again else None
    kept = {"measured": [asdict(each) for each in found], "again": again}
    RESULTS.mkdir(exist_ok=True)
    name = f"scale-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    write_page(kept, options.page or RESULTS / f"{name}.md")
    _say(f"Table and plot: {options.page or RESULTS / f'{name}.md'}")
    return 0


class Classes:
    """Classes of any size, and the commands that mark them.

    Args:
        scratch: an empty folder.
        course: where the assignment comes from; it is only read.
        assignment: its name.
        seed: of the sample class.
        without: kinds of work that nobody hands in.
    """

    def __init__(self, scratch: Path, course: Path, assignment: str, seed: int, without: Sequence[str]) -> None:
        self._scratch, self._assignment, self._without = scratch, assignment, without
        source = Course.find(course)
        origin = scratch / "origin"
        origin.mkdir()
        shutil.copyfile(course / "nbgrader_config.py", origin / "nbgrader_config.py")
        shutil.copytree(source.source_dir(assignment), Course.find(origin).source_dir(assignment))
        self._origin = Course.find(origin)
        build_assignment(self._origin.assignment(assignment))
        self._base = copy_course(self._origin, self._origin.assignment(assignment), scratch / "base")
        self._students = sorted(
            write_class(self._base, self._base.assignment(assignment), _BASE, seed, (*LEFT_OUT, *without))
        )

    def hand_in(self, number: int, name: str) -> Course:
        """Make a course in which so many have handed in."""
        course = copy_course(self._origin, self._origin.assignment(self._assignment), self._scratch / name)
        for place in range(number):
            original = self._base.submitted_dir(self._assignment, self._students[place % len(self._students)])
            shutil.copytree(original, course.submitted_dir(self._assignment, f"student-{place + 1:05d}"))
        return course

    def mark(self, number: int, way: str, cluster_workers: int) -> Measured:
        """Mark a class of that size once, and remove it."""
        if way == APART:
            return self._mark_apart(number)
        course = self.hand_in(number, f"class-{way}-{number}")
        workers = cluster_workers if way == DASK else 1 if way == ONE_CORE else int(way)
        label = f"{workers} worker{'s' if workers > 1 else ''}"
        if way == DASK:
            label = f"dask, {label}"
            with cluster(self._scratch / "cluster", workers) as address:
                done = self._grade(course, ["--scheduler", address])
        elif way == ONE_CORE:
            label += ", 1 core"
            done = self._grade(course, ["--workers", "1"], {max(os.sched_getaffinity(0))})
        else:
            done = self._grade(course, ["--workers", way])
        return self._measured(label, workers, number, [(course, done)])

    def _mark_apart(self, number: int) -> Measured:
        """What the machine gives to two programs at once, whatever they are to each other."""
        cores = sorted(os.sched_getaffinity(0))[-2:]
        halves = [
            self.hand_in(size, f"class-{APART}-{size}-{core}")
            for core, size in zip(cores, _halves(number), strict=True)
        ]
        with ThreadPoolExecutor(len(cores)) as threads:
            calls = [
                threads.submit(self._grade, half, ["--workers", "1"], {core})
                for half, core in zip(halves, cores, strict=True)
            ]
            runs = [(half, call.result()) for half, call in zip(halves, calls, strict=True)]
        return self._measured("2 runs, a core each", 2, number, runs)

    def _measured(self, label: str, workers: int, number: int, runs: Sequence[tuple[Course, Run]]) -> Measured:
        """Put together what runs that began together took, and remove their courses."""
        looks = [done.first_mb or (0.0,) for _, done in runs]
        databases = [path.stat().st_size for course, _ in runs for path in course.root.glob("gradebook.db*")]
        for course, _ in runs:
            shutil.rmtree(course.root)
        return Measured(
            label,
            workers,
            number,
            max(done.seconds for _, done in runs),
            max(max(each) for each in looks),
            max(each[len(each) // 2] for each in looks),
            sum(done.peak_pss_mb for _, done in runs),
            sum(databases) / 1e6,
        )

    def mark_again(self, number: int, change: str) -> dict[str, float | int | str]:
        """Mark a class, change one hidden test, mark again; who has other points may have them there alone.

        Args:
            number: students.
            change: grade_id of the test cell, whose hidden part gets one more line.
        """
        course = self.hand_in(number, "again")
        first = self._grade(course, ["--workers", str(os.cpu_count() or 1)])
        source = next(course.source_dir(self._assignment).glob("*.py"))
        text = source.read_text(encoding="utf-8")
        head, mark, tail = text.partition(f'"grade_id": "{change}"')
        body, end, rest = tail.partition("### END HIDDEN TESTS")
        if not (mark and end and "# %%" not in body):
            raise SystemExit(f"bench.scale: {source.name} has no test {change!r} with a hidden part")
        source.write_text(head + mark + body + "assert True, 'mended'\n" + end + rest, encoding="utf-8")
        second = self._grade(course, ["--workers", str(os.cpu_count() or 1)])
        shutil.rmtree(course.root)
        (line,) = [line for line in second.output.splitlines() if line.startswith("In part")]
        return {
            "day": datetime.now(UTC).date().isoformat(),
            "assignment": self._assignment,
            "test": change,
            "without": ", ".join(self._without),
            "submissions": number,
            "first_seconds": first.seconds,
            "again_seconds": second.seconds,
            "share": second.seconds / first.seconds,
            "said": line,
        }

    def _grade(self, course: Course, how: list[str], cores: set[int] | None = None) -> Run:
        command = [sys.executable, "-c", _SAITEN, "grade", self._assignment, "--course", str(course.root), *how]
        done = run(command, course.root, cores or os.sched_getaffinity(0), ONE_THREAD, every=_LOOK_SECONDS)
        if done.returncode not in (0, 1):  # 1: some could not be read, as the sample wants it
            raise SystemExit(f"bench.scale: {' '.join(command)} failed:\n{''.join(line for _, line in done.lines)}")
        return done


@contextmanager
def cluster(scratch: Path, workers: int) -> Iterator[str]:
    """Run a Dask scheduler and workers, each a process of its own, on this machine; yields the address."""
    scratch.mkdir(parents=True, exist_ok=True)
    told = scratch / "scheduler.json"
    told.unlink(missing_ok=True)
    dask = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", "0"]
    worker = [sys.executable, "-m", "dask", "worker", "--scheduler-file", str(told), "--nthreads", "1"]
    worker += ["--nanny", "--host", "127.0.0.1", "--local-directory", str(scratch), "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": (scratch / "log.txt").open("a"), "stdin": subprocess.DEVNULL}
    environment = {**os.environ, **ONE_THREAD}
    started = [
        subprocess.Popen([*dask, "--no-dashboard", "--scheduler-file", str(told)], env=environment, **quiet)  # type: ignore[call-overload]
    ]
    try:
        deadline = time.monotonic() + 60
        while not (told.exists() and told.read_text(encoding="utf-8").strip()):
            if time.monotonic() > deadline:
                raise SystemExit("bench.scale: the scheduler did not start")
            time.sleep(0.1)
        for number in range(workers):
            started.append(subprocess.Popen([*worker, "--name", f"worker-{number + 1}"], env=environment, **quiet))  # type: ignore[call-overload]
        yield str(json.loads(told.read_text(encoding="utf-8"))["address"])
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench-scale", description=__doc__)
    parser.add_argument("--course", type=Path, default=ROOT / "bench" / "light", help="a course; it is copied")
    parser.add_argument("--assignment", default="light", help="one of its assignments (default: %(default)s)")
    parser.add_argument("--sizes", type=_numbers, default=[100, 1000, 10000], help="default: 100,1000,10000")
    parser.add_argument(
        "--ways",
        type=lambda text: text.split(","),
        default=["core", "1", "2", APART, DASK],
        help="default: core,1,2,apart,dask; what is named twice is run twice: where neighbours slow a machine, medians"
        " say more",
    )
    parser.add_argument("--cluster-workers", type=int, default=2, help="workers of the cluster (default: %(default)s)")
    parser.add_argument("--most-alone", type=int, default=10**9, help="largest class for a single worker")
    parser.add_argument("--again", type=int, default=0, help="mark so many, change one hidden test, mark again")
    parser.add_argument("--change", default="distances-hidden", help="the test that is changed (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=3, help="of the sample class (default: %(default)s)")
    parser.add_argument(
        "--without",
        type=lambda text: text.split(","),
        default=["hostile"],
        help="kinds that the class lacks (default: hostile); `broken` takes as long as its time limits",
    )
    parser.add_argument("--page", type=Path, help="write table and plot there (.md, with a .png beside it)")
    parser.add_argument("--scratch", type=Path, help="where the classes are put; some gigabytes")
    return parser.parse_args()


def _halves(number: int) -> tuple[int, int]:
    return number // 2, number - number // 2


def _numbers(text: str) -> list[int]:
    return [int(part.replace("_", "")) for part in text.split(",") if part]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
