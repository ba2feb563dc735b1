"""What the peers do: run a submission and its tests in one process, then look at the outputs as nbgrader does.

In: one task a line on standard input, JSON. Out: one line each: scores by grade_id, all output, whether it died.
Every task runs in a fork of this process, which has imported everything; nothing confines it. It shows that an attack
is one: there it earns points or reads what it must not.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy
from nbformat import NotebookNode, from_dict
from nbgrader.utils import determine_grade

from saiten.grading.shell import CaptureShell

SECONDS = 20


def run(task: dict[str, Any]) -> dict[str, Any]:
    """Overwrite the test cells by grade_id, run what is not tagged `skip-execution`, grade by outputs."""
    os.chdir(task["cwd"])
    sys.path.insert(0, task["cwd"])
    module = ModuleType("__main__")
    shell = CaptureShell.create(module)
    shell.use(module)
    reference: dict[str, Any] = {"np": numpy}
    for source in task["right"]:
        exec(source, reference)
    module.__dict__["reference"] = SimpleNamespace(**reference)
    scores: dict[str, float | None] = dict.fromkeys(task["tests"], 0.0)
    shown: list[Any] = []
    errors: list[str] = []
    for number, cell in enumerate(task["cells"]):
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
        is_test = grade_id in task["tests"]
        if is_test:
            cell["source"], points = task["tests"][grade_id]
            cell["metadata"]["nbgrader"] = {"grade": True, "solution": False, "points": points, "grade_id": grade_id}
        if cell["cell_type"] != "code":
            continue
        skipped = "skip-execution" in cell["metadata"].get("tags", [])
        cell["outputs"] = [] if skipped else shell.run(cell["source"], f"cell {number}", number, 1 << 20).outputs
        if is_test:
            node: NotebookNode = from_dict(cell)
            scores[grade_id] = determine_grade(node)[0]
            errors += [f"{grade_id}: {item['ename']}: {item['evalue']}" for item in node.outputs if "ename" in item]
        else:
            shown.append(cell["outputs"])
    return {"scores": scores, "shown": json.dumps(shown, ensure_ascii=False), "errors": errors, "died": False}


def serve() -> None:
    """Answer until standard input ends."""
    for line in sys.stdin:
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            os.setsid()
            signal.alarm(SECONDS)
            try:
                os.write(write_end, json.dumps(run(json.loads(line))).encode())
            finally:
                os._exit(0)
        os.close(write_end)
        with os.fdopen(read_end, "rb") as answers:
            answer = answers.read()
        os.waitpid(pid, 0)
        print(answer.decode() or json.dumps({"scores": {}, "shown": "", "errors": [], "died": True}), flush=True)


if __name__ == "__main__":
    print("ready", flush=True)
    serve()
