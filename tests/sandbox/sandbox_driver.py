"""A process that stands where an engine's first process stands: for every task it forks a parent and runs probes there.

In: tasks, one JSON object a line. Out: one JSON object a line: what each probe saw, and the parent's exit code.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from saiten.bundle import Limits
from saiten.grading.floor import make_sandbox
from saiten.grading.sandbox import NamespaceSandbox, Sandbox, Seat, user_maps
from saiten.grading.tree import readable_folders


def main() -> None:
    """Serve tasks until the input ends."""
    os.umask(0o022)
    for line in sys.stdin:
        print(json.dumps(serve(json.loads(line))), flush=True)


def serve(task: dict[str, Any]) -> dict[str, Any]:
    """Run one task in a parent of its own."""
    out_read, out_write = os.pipe()
    ask_read, ask_write = os.pipe()
    answer_read, answer_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        for end in (out_read, ask_read, answer_write):
            os.close(end)

        def map_user() -> None:
            os.write(ask_write, b"?")
            os.read(answer_read, 1)

        try:
            confined(task, out_write, map_user)
        except BaseException as error:
            os.write(out_write, json.dumps({"refused": f"{type(error).__name__}: {error}"}).encode() + b"\n")
        os._exit(3)
    for end in (out_write, ask_write, answer_read):
        os.close(end)
    if os.read(ask_read, 1):
        users, groups = user_maps()
        Path(f"/proc/{pid}/uid_map").write_text(users, encoding="ascii")
        Path(f"/proc/{pid}/gid_map").write_text(groups, encoding="ascii")
        os.write(answer_write, b"!")
    with open(out_read, encoding="utf-8") as lines:
        said = [json.loads(line) for line in lines]
    _, status = os.waitpid(pid, 0)
    for end in (ask_read, answer_write):
        os.close(end)
    return {"said": said, "status": os.waitstatus_to_exitcode(status)}


def confined(task: dict[str, Any], out: int, map_user: Any) -> None:
    """Enclose this process, run the leading code, then each probe in a child."""
    root = Path(task["root"])
    second_wall = task["second_wall"]
    sandbox = make_sandbox(task["sandbox"], root) if second_wall else NamespaceSandbox(root, second_wall=False)
    limits = Limits(**task["limits"])
    files = {name: text.encode() for name, text in task["files"].items()}
    sandbox.enclose(Seat(limits, files, (*readable_folders(), *task["readable"])), map_user)
    exec(task["leading"], {})
    for probe in task["probes"]:
        os.write(out, one(sandbox, probe, task["secret"]) + b"\n")
    os._exit(0)


def one(sandbox: Sandbox, probe: str, secret: str) -> bytes:
    """Run a probe in a child; its answer, or `"died"`."""
    out_read, out_write = os.pipe()
    child = sandbox.fork(out_write, {})
    if child == 0:
        names: dict[str, Any] = {"SECRET": secret, "out": out_write, "need": need}
        try:
            exec(probe, names)
            said = names.get("said", True)
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(out_write, json.dumps(said).encode() + b"\n")
        os._exit(0)
    os.close(out_write)
    with open(out_read, "rb") as pipe:
        answer = pipe.readline()  # a descendant that holds the pipe open has no end of its own
    sandbox.kill(child)
    sandbox.reap()
    return answer.strip() or b'"died"'


def need(condition: bool) -> None:
    """For calls that tell of a failure by a number."""
    if not condition:
        raise OSError("refused")


if __name__ == "__main__":
    main()
