"""Plain nbgrader, one submission after another: its own `autograde`, in this process, as formgrader's button calls it.

In: a course's folder as an argument; on standard input a line for each thing to do, JSON. Out: a line for each, JSON:
whether nbgrader says that it succeeded, points by test cell, the gradebook's extra credit, the end of its log.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

CELL_SECONDS = 8


def open_course(root: Path) -> NbGraderAPI:
    """nbgrader as it is, but for a shorter time limit."""
    config = Config()
    config.CourseDirectory.root = str(root)
    config.ExecutePreprocessor.timeout = CELL_SECONDS
    config.Execute.timeout = CELL_SECONDS
    return NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)


def scores(root: Path, assignment: str, student: str) -> dict[str, Any]:
    """What the gradebook says."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}") as gradebook:
        try:
            submission = gradebook.find_submission(assignment, student)
        except MissingEntry:
            return {"scores": {}, "extra": 0.0}
        grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
        extra = sum(grade.extra_credit or 0.0 for grade in grades)
        return {"scores": {grade.name: grade.auto_score or 0.0 for grade in grades}, "extra": extra}


def do(api: NbGraderAPI, root: Path, task: dict[str, str]) -> dict[str, Any]:
    """Generate an assignment, or autograde a submission."""
    if task["do"] == "generate":
        result = api.generate_assignment(task["assignment"])
        return {"success": result["success"], "log": str(result.get("error", ""))[-2000:]}
    result = api.autograde(task["assignment"], task["student"])
    log = str(result.get("error") or "") + str(result.get("log") or "")
    return {"success": result["success"], "log": log[-4000:], **scores(root, task["assignment"], task["student"])}


def main() -> None:
    """Answer until standard input ends."""
    root = Path(sys.argv[1])
    os.chdir(root)
    answers = os.fdopen(os.dup(1), "w")
    with redirect_stdout(sys.stderr):
        api = open_course(root)
        print(json.dumps({"ready": True}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(do(api, root, json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
