"""An exercise marked without walls: answers, tests and the reference in one process, as a plain grader does.

In: an exercise's folder as an argument; on standard input a line for each hand-in, JSON (question, texts by grade_id).
Out: a line for each: the question's points, or how the process ended. Each runs in a fork of this process, which has
run the instructor's leading cells.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from exercise_runs import Exercise, Run, run_cell
from saiten.bundle import Role

SECONDS = 60


def load_reference(exercise: Exercise) -> dict[str, Any]:
    """Bring the solution into this process, as a grader that compares with it has to."""
    run = Run(exercise.fresh_namespace(), {})
    for cell in exercise.cells:
        if cell.role is Role.SOLUTION and cell.code:
            run_cell(cell, cell.source, run)
    return run.namespace


def marked(exercise: Exercise, task: dict[str, Any]) -> dict[str, Any]:
    """Points for one question, in a child of this process; or "exit" with its exit code if it gave no verdict."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read_end)
        signal.alarm(SECONDS)
        code = 1
        try:
            run = exercise.execute(task["answers"], only=[task["question"]])
            told = {"score": run.scores[task["question"]], "failures": run.failures}
            os.write(write_end, json.dumps(told).encode())
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os._exit(code)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as answers:
        answer = answers.read()
    _, status = os.waitpid(pid, 0)
    found: dict[str, Any] = json.loads(answer) if answer else {"exit": os.waitstatus_to_exitcode(status)}
    return found


def main() -> None:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    exercise = Exercise(Path(sys.argv[1]))
    reference = load_reference(exercise)
    for line in sys.stdin:
        print(json.dumps(marked(exercise, json.loads(line))), file=answers, flush=True)
    del reference


if __name__ == "__main__":
    main()
