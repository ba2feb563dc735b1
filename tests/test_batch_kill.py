"""Does a run that is stopped, or killed without warning, leave nothing behind and lose nothing?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from fake_course import ASSIGNMENT, everything, gradebook_contents, hand_in, make_course, mark, rows
from fake_engine import HerePool, order
from saiten.batch import marking

PATIENCE = 60.0
"""seconds until a test gives up waiting for something that must happen"""

FINISHED = ["student-001", "student-002", "student-003"]


@contextmanager
def coordinator(root: Path, workers: int = 2) -> Iterator[subprocess.Popen[str]]:
    """Start the driver as the leader of a process group of its own."""
    command = [sys.executable, str(Path(__file__).with_name("kill_driver.py")), str(root), str(workers)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def run_into_the_endless_ones(root: Path, process: subprocess.Popen[str]) -> None:
    """Wait until three submissions are finished, told and recorded, and both workers hold one that never ends."""
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in FINISHED]
    assert sorted(told) == FINISHED, process.communicate()
    paths = [root / "started-4", root / "started-5"]
    deadline = time.monotonic() + PATIENCE
    while not all(path.exists() for path in paths):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, f"{paths} never came"
        time.sleep(0.02)


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Every process below the coordinator."""
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes: list[psutil.Process]) -> bool:
    """Wait until none of them is left."""
    _, alive = psutil.wait_procs(processes, timeout=PATIENCE)
    return not alive


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A course with three quick submissions and two that never end the first time."""
    make_course(tmp_path)
    for number in range(1, 4):
        hand_in(tmp_path, order(f"student-00{number}", scores={"mean-test": 2, "sum-test": 1}))
    for number in range(4, 6):
        trace = tmp_path / f"started-{number}"
        hand_in(tmp_path, order(f"student-00{number}", do="wait", trace=str(trace), scores={"mean-hidden": 3}))
    return tmp_path


def recorded(root: Path) -> list[str]:
    """Whose results the ledger holds."""
    return [row["student"] for row in rows(root, "select student from saiten_ledger order by 1")]


def tree(folder: Path) -> dict[str, bytes]:
    """Relative path -> content of every file."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("who", ["coordinator", "group"])
def test_a_killed_coordinator_leaves_no_process_and_loses_no_result(root: Path, who: str) -> None:
    """Do the workers end with it, and is what was finished not marked again?"""
    with coordinator(root) as process:
        run_into_the_endless_ones(root, process)
        children = family(process)
        assert len(children) >= 2
        if who == "coordinator":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        assert gone(children)
    assert recorded(root) == FINISHED
    outcome = mark(root)
    assert HerePool.marked == ["student-004", "student-005"]
    assert sorted(student for student, row in outcome.items() if row.from_ledger) == FINISHED


def test_killed_and_resumed_ends_as_never_killed(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Are gradebook and autograded/ the same in the end?"""
    with coordinator(root) as process:
        run_into_the_endless_ones(root, process)
        os.killpg(process.pid, signal.SIGKILL)
    mark(root)
    other = tmp_path_factory.mktemp("never-killed")
    make_course(other)
    for folder in sorted((root / "submitted").iterdir()):
        target = other / "submitted" / folder.name / ASSIGNMENT
        target.mkdir(parents=True)
        for path in (folder / ASSIGNMENT).iterdir():
            (target / path.name).write_bytes(path.read_bytes())
    mark(other)
    assert gradebook_contents(root) == gradebook_contents(other)
    trees = [
        {
            path.relative_to(each).as_posix(): path.read_bytes()
            for path in (each / "autograded").rglob("*")
            if path.is_file()
        }
        for each in (root, other)
    ]
    assert trees[0] == trees[1]
    assert len(trees[0]) == 5 * 3


def test_ctrl_c_stops_cleanly(root: Path) -> None:
    """Does Ctrl-C, which reaches the whole group, end the workers and keep what is finished, with one traceback?"""
    with coordinator(root) as process:
        run_into_the_endless_ones(root, process)
        children = family(process)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
        assert gone(children)
    assert out == ""
    assert err.count("Traceback") == err.count("KeyboardInterrupt") == 1
    assert recorded(root) == FINISHED


def test_killed_between_two_writes(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the gradebook written whole or not at all, together with the note of what it holds?"""
    for number in (4, 5):
        (root / f"started-{number}").touch()
    mark(root)
    before = everything(root, without=())
    hand_in(root, order("student-001", scores={"mean-test": 1}))

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(marking, "note_in_gradebook", fail)
        with pytest.raises(KeyboardInterrupt):
            mark(root)
    after = everything(root, without=())
    assert len(after["saiten_ledger"]) == len(before["saiten_ledger"]) + 1
    assert {name: table for name, table in after.items() if name != "saiten_ledger"} == {
        name: table for name, table in before.items() if name != "saiten_ledger"
    }
    mark(root)
    assert HerePool.marked == []
    assert [row["auto_score"] for row in rows(root, _SCORE)] == [1.0]


_SCORE = """select g.auto_score from grade g join base_cell b on b.id = g.cell_id
    join submitted_notebook n on n.id = g.notebook_id join submitted_assignment s on s.id = n.assignment_id
    where b.name = 'mean-test' and s.student_id = 'student-001'"""
