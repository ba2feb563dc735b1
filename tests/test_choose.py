"""Are those marked who could not be before, or who handed in since then, and nobody else?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner

from fake_course import hand_in, make_course, mark
from fake_engine import ASSIGNMENT, order
from saiten.batch.choose import narrowed
from saiten.cli import main

SINCE = datetime(2026, 4, 10, 12, tzinfo=UTC)


def test_who_could_not_be_marked(tmp_path: Path) -> None:
    """Is it who was rejected or met a fault of ours the last time, and no more once that is mended?"""
    course = make_course(tmp_path)
    everybody = ["student-001", "student-002", "student-003", "student-004"]
    hand_in(tmp_path, order(everybody[0]))
    hand_in(tmp_path, order(everybody[1], do="die"))
    hand_in(tmp_path, order(everybody[3]))
    (course.submitted_dir(ASSIGNMENT, everybody[2])).mkdir(parents=True)
    found = {student: row.result.status.value for student, row in mark(tmp_path).items()}
    assignment = course.assignment(ASSIGNMENT)
    assert found == dict(zip(everybody, ["needs_manual", "infra_error", "rejected", "needs_manual"], strict=True))
    assert narrowed(assignment, everybody, only_failed=True) == everybody[1:3]
    hand_in(tmp_path, order(everybody[1]))
    mark(tmp_path)
    assert narrowed(assignment, everybody, only_failed=True) == everybody[2:3]
    assert narrowed(assignment, everybody) == everybody


def test_who_handed_in_since(tmp_path: Path) -> None:
    """Does the hand-in's own time count, and that of its folder where it has none?"""
    course = make_course(tmp_path)
    for student, stamp in (
        ("student-001", "2026-04-10 11:59:59 UTC"),
        ("student-002", "2026-04-10 21:00:00 JST"),
        ("student-003", "2026-04-10 12:00:00 UTC"),
        ("student-004", None),
    ):
        handed = order(student)
        folder = hand_in(tmp_path, handed)
        if stamp is not None:
            (folder / "timestamp.txt").write_text(stamp)
    chosen = narrowed(course.assignment(ASSIGNMENT), [f"student-{number:03d}" for number in (1, 2, 3, 4)], since=SINCE)
    assert chosen == ["student-002", "student-003", "student-004"]


def test_nobody_is_no_error(tmp_path: Path) -> None:
    """Is it said, with exit code 0, when there is nothing to do?"""
    make_course(tmp_path)
    hand_in(tmp_path, order("student-001"))
    done = CliRunner().invoke(
        main, ["grade", ASSIGNMENT, "--course", str(tmp_path), "--since", "2100-01-01"], prog_name="saiten"
    )
    assert done.exit_code == 0
    assert "nothing was marked" in done.output
    assert not (tmp_path / "autograded").exists()
    wrong = CliRunner().invoke(main, ["grade", ASSIGNMENT, "--course", str(tmp_path), "--since", "soon"])
    assert wrong.exit_code == 2
