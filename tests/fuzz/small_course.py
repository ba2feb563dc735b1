"""A course that is marked in no time, classes for it, and `saiten grade` in a process of its own.

In: an empty folder, submissions. Out: a built course on disk; results, gradebook rows, marked notebooks.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from fake_course import gradebook_contents
from saiten.answers import read_answers
from saiten.course import ANSWERS_FOLDER, Course
from saiten.sample.damage import broken
from saiten.sample.hostile import hostile
from saiten.sample.klass import compose
from saiten.sample.work import Exercise, SampleSubmission
from saiten.sample.write import exercise as read_exercise

ASSIGNMENT = "small"
CELL_SECONDS = 2.0
WORKERS = 2
SAITEN = [sys.executable, "-c", "from saiten.cli import main; main()"]


def _cell(grade_id: str, source: str, **marks: object) -> str:
    flags = {"grade": False, "locked": False, "solution": False, "task": False, "schema_version": 3, **marks}
    kind = "[markdown] " if grade_id == "why" else ""
    return f"# %% {kind}nbgrader={json.dumps({'grade_id': grade_id, **flags}, sort_keys=True)}\n{source}\n"


def _question(name: str, stub: str, body: str, public: str, hidden: str) -> str:
    solution = f"{stub}\n    ### BEGIN SOLUTION\n    {body}\n    ### END SOLUTION\n"
    tests = f"{public}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS"
    return _cell(name, solution, solution=True) + _cell(f"{name}-test", tests, grade=True, locked=True, points=2)


SOURCE = "\n".join(
    [
        "# %% [markdown]\n# # Three small questions\n",
        _cell("imports", "import numpy as np", locked=True),
        _question(
            "middle",
            "def middle(rows):",
            "return np.median(rows, axis=1)",
            'assert middle(np.eye(3)).shape == (3,), "One number a row."',
            'np.testing.assert_allclose(middle(np.arange(12.0).reshape(3, 4)), [1.5, 5.5, 9.5], err_msg="The middle.")',
        ),
        _question(
            "smooth",
            "def smooth(signal):",
            "return (signal[:-2] + signal[1:-1] + signal[2:]) / 3",
            'assert len(smooth(np.arange(5.0))) == 3, "Both ends are left out."',
            'np.testing.assert_allclose(smooth(np.array([0.0, 3, 0, 6])), [1, 3], err_msg="The mean of three.")',
        ),
        _question(
            "count",
            "def count(words):",
            "return {word: words.count(word) for word in words}",
            'assert count([]) == {}, "Nothing is in nothing."',
            'assert count(["a", "b", "a"]) == {"a": 2, "b": 1}, "Each word and how often it stands there."',
        ),
        "# %%\nprint(middle(np.eye(3)), smooth(np.arange(5.0)), count(list('abca')))\n",
        _cell("why", "# YOUR ANSWER HERE", grade=True, solution=True, points=1),
    ]
)
ANSWERS = {
    "loops": "# ---\n# kind: right\n# title: loops\n# ---\n\n# %% middle\ndef middle(rows):\n"
    "    return np.array([np.median(row) for row in rows])\n\n# %% count\ndef count(words):\n    found = {}\n"
    "    for word in words:\n        found[word] = found.get(word, 0) + 1\n    return found\n",
    "mean": "# ---\n# kind: mistake\n# title: the mean is not the middle\n# scores: {middle: 0}\n# ---\n\n# %% middle\n"
    "def middle(rows):\n    return rows.mean(axis=1) + 1\n",
    "sums": "# ---\n# kind: mistake\n# title: sums\n# scores: {smooth: 0}\n# ---\n\n# %% smooth\ndef smooth(signal):\n"
    "    return signal[:-2] + signal[1:-1] + signal[2:]\n",
}
LIMITS = f"""[limits]
cell_seconds = {CELL_SECONDS:g}
total_seconds = 30
memory_mb = 256
scratch_mb = 32
file_mb = 16
output_kb = 64
message_mb = 16
processes = 24
"""


def make_course(root: Path) -> Course:
    """Write and build the course."""
    folder = root / "source" / ASSIGNMENT
    (folder / ANSWERS_FOLDER).mkdir(parents=True)
    (folder / f"{ASSIGNMENT}.py").write_text(SOURCE, encoding="utf-8")
    (folder / "assignment.toml").write_text(LIMITS, encoding="utf-8")
    for name, text in ANSWERS.items():
        (folder / ANSWERS_FOLDER / f"{name}.py").write_text(text, encoding="utf-8")
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "small"\n')
    built = subprocess.run([*SAITEN, "build", ASSIGNMENT], cwd=root, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return Course.find(root)


def exercise(course: Course) -> Exercise:
    """What was built, as the sample class sees it."""
    return read_exercise(course, course.assignment(ASSIGNMENT))


def honest_class(course: Course, number: int, seed: int) -> list[SampleSubmission]:
    """Submissions that mean no harm: right, odd, mistaken, half done."""
    answers = read_answers(course.source_dir(ASSIGNMENT) / ANSWERS_FOLDER)
    return compose(exercise(course), answers, number, seed, without=("broken", "hostile"))


def bad_ones(course: Course) -> Iterator[SampleSubmission]:
    """Broken and hostile submissions without end, each kind in turn."""
    made, remarks = exercise(course), count(1)

    def remark() -> str:
        return f"提出 x{next(remarks)}"

    while True:
        yield from broken(made, remark)
        yield from hostile(made, remark)


def hand_in(course: Course, student: str, files: Mapping[str, bytes]) -> None:
    """Put files under `submitted/`."""
    for name, content in files.items():
        target = course.submitted_dir(ASSIGNMENT, student) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def start(course: Course, log: Path, scratch: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start marking everything; results go to `log`, what is said to people beside it."""
    scratch.mkdir(exist_ok=True)
    command = [*SAITEN, "grade", ASSIGNMENT, f"--workers={WORKERS}", "--json", *options]
    environment = {**os.environ, "TMPDIR": str(scratch)}
    with log.open("wb") as out, log.with_suffix(".err").open("wb") as err:
        return subprocess.Popen(
            command, cwd=course.root, env=environment, stdout=out, stderr=err, start_new_session=True
        )


def results(log: Path) -> dict[str, dict[str, Any]]:
    """Student to result, but for the seconds that it took."""
    found = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found[row["student"]] = _timeless(row)
    return found


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key != "seconds"}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


def outcome(course: Course, log: Path, without: Collection[str] = ()) -> dict[str, Any]:
    """Everything that marking left for people: results, gradebook rows, marked notebooks; not of some students."""
    tables = [[row for row in table if row["student"] not in without] for table in gradebook_contents(course.root)]
    folder = course.root / "autograded"
    marked = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
    return {
        "results": {student: row for student, row in results(log).items() if student not in without},
        "gradebook": tables,
        "marked": {path: content for path, content in marked.items() if path.split("/")[0] not in without},
    }


def mixed_class(course: Course, number: int, every: int, seed: int) -> tuple[dict[str, SampleSubmission], set[str]]:
    """A class in which every so many-th is broken or hostile; and who those are."""
    bad = bad_ones(course)
    good = iter(honest_class(course, number - number // every, seed))
    members = {f"student-{index:03d}": next(good if index % every else bad) for index in range(1, number + 1)}
    return members, {student for student in members if int(student[-3:]) % every == 0}
