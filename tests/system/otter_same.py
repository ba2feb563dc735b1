"""Otter's marks of notebooks beside what they have to be: for tests, and as a program for all honest submissions.

In: an Otter zip and notebooks. Out: question to points, by Otter's own API, in one process for all.
`python tests/system/otter_same.py [EXERCISE]...` marks the reference, the untouched release, half-done work and every
planted answer, several in a notebook (minutes for each exercise), and names each question that gets other points from
Otter than it has to get.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

if __name__ == "__main__":  # what pytest has on its path
    sys.path[:0] = [str(Path(__file__).parents[1])]

from built_exercises import EXERCISES, ROOT, build

from saiten.answers import Answer, read_answers
from saiten.course import ANSWERS_FOLDER, Course
from saiten.sample import compose
from saiten.sample.write import exercise as read_exercise

SAME = 1e-9
"""Points; two scores nearer than this agree."""

_DRIVER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from pathlib import Path
from otter.api import grade_submission
zip_file, answer, *notebooks = sys.argv[1:]
found = {}
for path in notebooks:
    started = time.time()
    results = grade_submission(path, zip_file, quiet=True)
    if results.has_catastrophic_failure():
        raise RuntimeError(f"{path}: {results.catastrophic_error}")
    found[path] = {name: test.score for name, test in results.results.items()}
    print(path, round(time.time() - started, 1), "s", file=sys.stderr, flush=True)
Path(answer).write_text(json.dumps(found))
"""


def otter_scores(
    otter_zip: Path, notebooks: Mapping[str, Path], scratch: Path, *, tell: bool = False
) -> dict[str, dict[str, float]]:
    """Let Otter mark notebooks, one after the other.

    Args:
        otter_zip: as `saiten build` made it.
        notebooks: any name to the notebook.
        scratch: an empty folder.
        tell: whether each notebook is named on standard error when it is marked.

    Returns:
        name to question to points.
    """
    answer = scratch / "answer.json"
    command = [sys.executable, "-c", _DRIVER, otter_zip, answer, *notebooks.values()]
    environment = {**os.environ, "HOME": str(scratch), "IPYTHONDIR": str(scratch / "ipython"), "OMP_NUM_THREADS": "1"}
    errors = None if tell else subprocess.PIPE
    done = subprocess.run(
        command, cwd=scratch, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + (done.stderr or "")[-4000:]
    found = json.loads(answer.read_text(encoding="utf-8"))
    return {name: found[str(path)] for name, path in notebooks.items()}


def differences(has_to_get: Mapping[str, float | None], otter: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Question to the points that it has to get and those that Otter gave, where they differ.

    Args:
        has_to_get: question to points; None where a person marks, which Otter leaves to that person.
        otter: question to points.
    """
    automatic = {name: points for name, points in has_to_get.items() if points is not None and name in otter}
    return {
        name: (points, otter[name]) for name, points in automatic.items() if abs(points - otter.get(name, -1.0)) > SAME
    }


def together(answers: Sequence[Answer]) -> list[list[Answer]]:
    """Pack planted answers into few hand-ins: those in one touch neither the same cells nor the same questions."""
    packs: list[list[Answer]] = []
    for answer in answers:
        for pack in packs:
            if not any(answer.cells.keys() & other.cells.keys() or _spoils_both(answer, other) for other in pack):
                pack.append(answer)
                break
        else:
            packs.append([answer])
    return packs


def _spoils_both(one: Answer, other: Answer) -> bool:
    return bool(one.scores.keys() & other.scores.keys())


def every_honest_submission(name: str, scratch: Path) -> tuple[int, int, int, list[str]]:
    """Let Otter mark the reference, the untouched release, half-done work and every planted answer of an exercise.

    Returns:
        notebooks, planted answers in them, questions compared, and each difference in words.
    """
    build(name)
    course = Course.find(ROOT)
    exercise = read_exercise(course, course.assignment(name))
    answers = read_answers(course.source_dir(name) / ANSWERS_FOLDER)
    others = compose(exercise, [], None, 1, ["hostile", "broken", "odd"])
    honest = {each.kind: each for each in others if each.honest}
    has_to_get = {kind: dict(each.expected.questions) for kind, each in honest.items()}
    contents = {kind: each.files[f"{name}.ipynb"] for kind, each in honest.items()}
    for pack in together(answers):
        cells, scores, kind = exercise.answers(), exercise.full_marks(), "+".join(answer.name for answer in pack)
        for answer in pack:
            cells |= answer.cells
            scores |= answer.scores
        contents[kind] = exercise.hand_in(cells).files()[f"{name}.ipynb"]
        has_to_get[kind] = dict(scores)
    notebooks = {}
    for number, (kind, content) in enumerate(contents.items()):
        notebooks[kind] = scratch / str(number) / f"{name}.ipynb"
        notebooks[kind].parent.mkdir()
        notebooks[kind].write_bytes(content)
    scores_of = otter_scores(ROOT / "autograder" / name / "otter.zip", notebooks, scratch, tell=True)
    complaints, compared = [], 0
    for kind, foretold in has_to_get.items():
        automatic = {key: points for key, points in foretold.items() if points is not None and key in scores_of[kind]}
        compared += len(automatic)
        for question, (points, theirs) in differences(automatic, scores_of[kind]).items():
            complaints.append(f"{name}, {kind}: {question} has to get {points:g}, Otter gives {theirs:g}")
    return len(notebooks), len(answers), compared, complaints


def main() -> int:
    """Mark the exercises named, or all; print what differs."""
    found = 0
    for name in sys.argv[1:] or EXERCISES:
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="otter-same-") as scratch:
            notebooks, answers, questions, complaints = every_honest_submission(name, Path(scratch))
        print(*complaints, sep="\n", end="\n" if complaints else "")
        counted = f"{answers} planted answers in {notebooks} notebooks, {questions} questions, {len(complaints)} differ"
        print(f"{name}: {counted}; {time.monotonic() - started:.0f} s", flush=True)
        found += len(complaints)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
