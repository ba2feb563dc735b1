"""Do the commands of "Back up and restore" bring a course back as it was, with nothing marked again?

The page's own blocks run in another folder; the marking service is the real one, with an engine that marks at once.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from fake_course import COMMENTS, GRADES, SUBMISSIONS, connected, rows
from fake_engine import ASSIGNMENT, FakeEngine
from hub_class import Student, make_fake_hub_course, until
from saiten.course import Course
from saiten.gradebook.tables import GRADE
from saiten.hub.desk import MarkingDesk
from saiten.hub.model import State

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "back-up-and-restore.md"
WHOLE = (
    GRADES,
    COMMENTS,
    SUBMISSIONS,
    *(f"select * from saiten_{name} order by 1, 2" for name in ("ledger", "arrivals")),
)


def run(number: int, place: Path) -> None:
    """Run one block of the page, with other folders in place of the machine's."""
    block = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)[number]
    for there, here in {
        "/opt/saiten/bin/python": sys.executable,
        "/var/backups": f"{place}/backups",
        "/srv": f"{place}/srv",
    }.items():
        block = block.replace(there, here)
    done = subprocess.run(["bash", "-euc", block], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def serve(root: Path, hand_ins: int) -> dict[Any, Any]:
    """Run the service until so many hand-ins are marked; what staff see of each, and each student's page."""
    with MarkingDesk.open(Course.find(root), workers=1, factory=FakeEngine, poll_seconds=0.05) as desk:

        def settled() -> bool:
            states = [each.state for each in desk.hand_ins(for_staff=True)]
            return len(states) >= hand_ins and set(states) <= {State.MARKED, State.REPLACED}

        until(settled)
        found: dict[Any, Any] = {}
        for each in desk.hand_ins(for_staff=True):
            page = until(lambda number=each.number: desk.page(number, for_staff=True))
            found[each.number] = each, page
        return found


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine whose /srv has a course and its exchange."""
    (tmp_path / "srv").mkdir()
    course = make_fake_hub_course(tmp_path / "srv")
    course.root.rename(tmp_path / "srv" / "faces")
    return tmp_path


def test_what_was_lost_comes_back(machine: Path) -> None:
    """Are marks, also one by hand, hand-ins, pages and folders as they were, and does only the newest one run?"""
    root, log = machine / "srv" / "faces", machine / "srv" / "marked"
    for number in (1, 2):
        Student(machine / "srv", f"student-00{number}", ASSIGNMENT).order(scores={"mean-test": number}, log=str(log))
    serve(root, 2)
    with connected(root) as connection:
        connection.execute(update(GRADE).where(GRADE.c.auto_score == 2.0).values(manual_score=1.5))
    before = serve(root, 2)
    kept = [rows(root, query) for query in WHOLE]
    ran = log.read_text()
    assert sorted(ran.split()) == ["student-001", "student-002"]
    run(0, machine)
    with connected(root) as connection:
        connection.execute(text("delete from grade"))
    shutil.rmtree(root / "submitted")
    run(1, machine)
    assert [rows(root, query) for query in WHOLE] == kept
    assert (root / "gradebook.db").stat().st_mode & 0o777 == 0o600
    assert root.stat().st_mode & 0o777 == 0o700
    assert (machine / "srv" / "exchange").stat().st_mode & 0o7777 == 0o1777
    assert serve(root, 2) == before
    assert log.read_text() == ran, "nothing is marked again"
    Student(machine / "srv", "student-003", ASSIGNMENT).order(scores={"mean-test": 2}, log=str(log))
    assert len(serve(root, 3)) == 3
    assert log.read_text() == ran + "student-003\n"
    assert {row["manual_score"] for row in rows(root, GRADES)} >= {1.5}


def test_a_copy_is_taken_while_somebody_writes(machine: Path) -> None:
    """Is the gradebook's copy whole while a transaction is open, and without what is not committed?"""
    root = machine / "srv" / "faces"
    Student(machine / "srv", "student-001", ASSIGNMENT).order(scores={"mean-test": 1})
    serve(root, 1)
    kept = rows(root, GRADES)
    with connected(root) as connection:
        connection.execute(text("update grade set manual_score = 99"))
        run(0, machine)
    (copy,) = (machine / "backups" / "saiten").iterdir()
    assert rows(copy, GRADES) == kept
    assert rows(root, GRADES) != kept
