"""With the real engine: killed in the middle and started again, is the end the same as if it had never been killed?"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil

from fake_course import gradebook_contents
from tiny_course import ALMOST, ASSIGNMENT, RIGHT, WRONG, make_tiny_course, submitted

PATIENCE = 120.0
"""seconds until the test gives up waiting for something that must happen"""
NUMBER = 8
COMMAND = [str(Path(sys.executable).with_name("saiten")), "grade", ASSIGNMENT, "--workers", "2", "--json"]


def make(root: Path) -> Path:
    """A class whose work takes its time, so that there is a middle; one of them ends its own process."""
    make_tiny_course(root)
    for number in range(NUMBER):
        code = (RIGHT, WRONG, ALMOST, "import os\nos._exit(0)")[number % 4]
        submitted(
            root, f"student-{number:03}", f"import time\ntime.sleep(0.5)\n{code}", "An answer." if number % 2 else ""
        )
    return root


def recorded(root: Path) -> int:
    """How many results the ledger holds, read as a stranger."""
    if not (root / "gradebook.db").exists():
        return 0
    with closing(sqlite3.connect(root / "gradebook.db", timeout=60)) as connection:
        known = connection.execute("select count(*) from sqlite_master where name = 'saiten_ledger'").fetchone()[0]
        return int(connection.execute("select count(*) from saiten_ledger").fetchone()[0]) if known else 0


def tree(root: Path) -> dict[str, bytes]:
    """Relative path -> content of every file below autograded/."""
    folder = root / "autograded"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def grade(root: Path) -> dict[str, object]:
    """Mark to the end; returns what each student got."""
    done = subprocess.run(COMMAND, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["student"]: (row["status"], row["score"], [each["score"] for each in row["questions"]]) for row in rows}


def test_killed_in_the_middle_and_started_again(tmp_path: Path) -> None:
    """Does SIGKILL to the whole group leave no process, and does the next run end where an undisturbed one ends?"""
    killed, calm = make(tmp_path / "killed"), make(tmp_path / "calm")
    log = tmp_path / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(COMMAND, cwd=killed, stdout=file, stderr=file, start_new_session=True)
    deadline = time.monotonic() + PATIENCE
    while recorded(killed) < 2:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)
    assert not alive
    assert len(family) > 4  # workers, and the engines' own processes
    finished = recorded(killed)
    assert 2 <= finished < NUMBER
    assert not (killed / "autograded").exists() or len(list((killed / "autograded").iterdir())) <= finished

    assert grade(killed) == grade(calm)
    assert recorded(killed) == NUMBER
    assert gradebook_contents(killed) == gradebook_contents(calm)
    assert tree(killed) == tree(calm)
    assert len(tree(killed)) == NUMBER
