"""Plain nbgrader 0.9.6 under attack: a temporary course, its own autograde, one submission after another.

In: cases. Out: an `Outcome` for each. It runs in namespaces of its own for processes and for /tmp, so that what escapes
nbgrader (which has no walls) ends with it; what could still harm this machine is not run at all.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attack_target as target
from attack_catalogue import LESSONS, Case, document, full_cells, honest
from attack_trial import ACCOMPLICE, ATTACKER, HONEST, Outcome, Seen, points, successes
from attack_world import World, listening, words_of
from nbgrader_driver import CELL_SECONDS

from saiten.bundle import Bundle, Role

SECONDS = 60.0
"""After which a submission that nbgrader has not finished is given up."""
LATE_SECONDS = 40.0
"""More than four cells' limits and a start: whoever takes longer delays the others."""
_RAISED = re.compile(r"^\s*(?:\w+\.)*(\w+Error)(?=:|\s*$)", re.MULTILINE)
"""The last line of a traceback, without its text, which may tell of places and numbers of this run."""
INSIDE = Path("/tmp")
"""Where the course's folder stands for nbgrader: there is nothing else in its /tmp."""


class PlainNbgrader:
    """A course in a folder, and a process of nbgrader's that is started again whenever it was killed."""

    def __init__(self, folder: Path, lessons_used: set[str]) -> None:
        self._folder = folder
        self._root = folder / "course"
        self._root.mkdir()
        (folder / "home").mkdir()
        self._bundles = {name: LESSONS[name].bundle() for name in sorted(lessons_used | {"target"})}
        self._listening = listening(folder)
        listeners = self._listening.__enter__()
        words = {**words_of(str(INSIDE / "course"), listeners), "socket_file": str(INSIDE / "s")}
        self._world = World(self._root, words, listeners)
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._number = 0
        self._generate()

    def close(self) -> None:
        """End nbgrader and whatever was left running."""
        self._end()
        self._listening.__exit__(None, None, None)

    def try_out(self, case: Case) -> Outcome:
        """Hand in an attack and its accomplice; say what they got."""
        bundle = self._bundles[case.lesson]
        for left in (self._folder / "home").iterdir():  # what the attack before left to poison others
            shutil.rmtree(left, ignore_errors=True)
        before = self._world.fingerprint()
        got: list[str] = []
        verdict = ""
        self._number += 1  # nbgrader keeps old points where a new hand-in has no cell for them
        for each, name in ((case, ATTACKER), *([(case.then, ACCOMPLICE)] if case.then else [])):
            student = f"{name}-{self._number}"
            seen, more = self._mark(each, bundle, student)
            verdict = f"{verdict}; then {seen.verdict}" if verdict else seen.verdict
            got += [*successes(each, seen), *more]
        got += [f"reached a socket: {name}" for name in self._world.listeners.heard()]
        if "daemon" in case.name:
            time.sleep(0.5)  # it waits for the end of marking
        after = self._world.fingerprint()
        changed = sorted(name for name in before if before[name] != after.get(name) and "gradebook" not in name)
        if changed:
            got.append(f"changed {changed[0]}")
            self._start_over()  # a course that was written over is made anew
        if "daemon" in case.name and b"extra credit" in (self._root / "gradebook.db").read_bytes()[-20_000:]:
            got.append("wrote into the gradebook")
            self._start_over()
        return Outcome(verdict, tuple(dict.fromkeys(got)))

    def _mark(self, case: Case, bundle: Bundle, student: str) -> tuple[Seen, list[str]]:
        folder = self._root / "submitted" / student / assignment(case.lesson)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self._root / "autograded" / student, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            (folder / "lesson.ipynb").write_bytes(case.notebook(bundle, self._world))
            if case.fill is not None:
                case.fill(folder, INSIDE / "course" if case.name.startswith("symbolic") else self._root)
            started = time.monotonic()
            answer = self._ask({"do": "autograde", "assignment": assignment(case.lesson), "student": student})
            seconds = time.monotonic() - started
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if answer is None:
            hung = seconds >= SECONDS
            words = f"nothing after {SECONDS:.0f} s: nbgrader hangs" if hung else "nbgrader itself ended"
            return Seen(None, words), [words if hung else "ended the whole run"]
        return self._seen(case, bundle, student, answer, seconds), self._extra(answer)

    def _seen(self, case: Case, bundle: Bundle, student: str, answer: dict[str, Any], seconds: float) -> Seen:
        late = f"took {seconds:.0f} s, at {CELL_SECONDS} s a cell" if seconds > LATE_SECONDS else ""
        page = self._root / "autograded" / student / assignment(case.lesson) / "lesson.ipynb"
        if not answer["success"] or not page.is_file():
            kinds = _RAISED.findall(answer["log"])
            return Seen(None, f"no result ({kinds[-1]})" if kinds else "no result", late=late)
        content = page.read_bytes()
        scores = {name.removeprefix("test-"): float(score) for name, score in answer["scores"].items()}
        most = bundle.max_score
        return Seen(scores, points(case, scores, most), _shown(content), content, late)

    @staticmethod
    def _extra(answer: Mapping[str, Any]) -> list[str]:
        return [f"{answer['extra']:g} points of extra credit"] if answer.get("extra") else []

    def _generate(self) -> None:
        for name, bundle in self._bundles.items():
            source = self._root / "source" / assignment(name) / "lesson.ipynb"
            source.parent.mkdir(parents=True)
            source.write_bytes(source_notebook(bundle, LESSONS[name].right))
            answer = self._ask({"do": "generate", "assignment": assignment(name)})
            if answer is None or not answer["success"]:
                raise RuntimeError(f"nbgrader could not generate {name}: {answer}")
        other = self._root / "submitted" / HONEST / "lesson" / "lesson.ipynb"
        other.parent.mkdir(parents=True)
        other.write_bytes(honest(self._bundles["target"], target.RIGHT) + f"\n\n{target.OTHERS_WORK}".encode())
        for path in ("results.jsonl", "autograder/lesson/bundle.json"):
            (self._root / path).parent.mkdir(parents=True, exist_ok=True)
            (self._root / path).write_text(target.OTHERS_WORK)

    def _start_over(self) -> None:
        self._end()
        shutil.rmtree(self._root)
        self._root.mkdir()
        self._generate()

    def _ask(self, task: Mapping[str, str]) -> dict[str, Any] | None:
        """What nbgrader says; None if it ended, or took too long: then it is started anew next time."""
        process = self._process or self._start()
        if process is None or process.stdin is None:
            return None
        try:
            process.stdin.write(json.dumps(task).encode() + b"\n")
            process.stdin.flush()
        except BrokenPipeError:
            self._end()
            return None
        return self._read(SECONDS)

    def _start(self) -> subprocess.Popen[bytes] | None:
        # the shell is the first process of the namespace: what kills every process cannot kill it
        driver = Path(__file__).with_name("nbgrader_driver.py")
        start = f"{sys.executable} -W ignore {driver} /tmp/course; exit 1"
        shell = " && ".join([*self._keep(), f"mount --rbind {self._folder} /tmp", start])
        root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        command = ["unshare", *root, "--fork", "--pid", "--mount-proc", "--ipc", "--kill-child", "sh", "-c", shell]
        home = {"HOME": "/tmp/home", "SAITEN_TEST_SECRET": target.ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"}
        log = (self._folder / "nbgrader.log").open("ab")
        path = (
            f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"  # nbgrader calls alembic
        )
        environment = {**os.environ, **home, "PATH": path, "OMP_NUM_THREADS": "1", "JUPYTER_PREFER_ENV_PATH": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, start_new_session=True
        )
        log.close()
        self._buffer = b""
        if self._read(SECONDS) is None:
            raise RuntimeError(f"nbgrader did not start: {(self._folder / 'nbgrader.log').read_text()[-2000:]}")
        return self._process

    def _keep(self) -> list[str]:
        """Commands that keep Python and this checkout where they are, if that is below the /tmp to be replaced."""
        needed = {Path(each).resolve() for each in (sys.prefix, sys.base_prefix, Path(__file__).parents[2])}
        outer = [path for path in needed if path.is_relative_to(INSIDE) and needed.isdisjoint(path.parents)]
        places = [(path, self._folder / path.relative_to(INSIDE)) for path in outer]
        return [f"mkdir -p {place} && mount --bind {path} {place}" for path, place in places]

    def _read(self, seconds: float) -> dict[str, Any] | None:
        assert self._process is not None
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        end = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, end - time.monotonic()))
            chunk = os.read(descriptor, 1 << 16) if ready else b""
            if not chunk:
                self._end()
                return None
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()  # the namespace's first process dies with it, and all others with that one
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    continue
        self._process = None


def assignment(lesson: str) -> str:
    """The name of a lesson in the course; the attacks know that of the first."""
    return "lesson" if lesson == "target" else lesson


def source_notebook(bundle: Bundle, right: Mapping[str, str]) -> bytes:
    """The instructor's notebook, for nbgrader; hidden tests bring the reference that Saiten has at hand by itself."""
    cells = full_cells(bundle, {})
    answers = "\n".join(right.values())
    at_hand = (
        f"import types\nnames = dict(globals())\nexec({answers!r}, names)\nreference = types.SimpleNamespace(**names)"
    )
    for raw, cell in zip(cells, bundle.notebooks[0].cells, strict=True):
        raw["source"] = cell.source
        if cell.role is Role.TEST and "reference." in cell.source:
            begin, end = "### BEGIN HIDDEN TESTS\n", "\n### END HIDDEN TESTS"
            raw["source"] = f"{begin}{at_hand}{end}\n{cell.source}"
    return json.dumps(document(cells)).encode()


def _shown(content: bytes) -> str:
    """What stands in cells without points."""
    cells = json.loads(content)["cells"]
    own = [cell.get("outputs", []) for cell in cells if not cell["metadata"].get("nbgrader", {}).get("grade")]
    return json.dumps(own, ensure_ascii=False)
