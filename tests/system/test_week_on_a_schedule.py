"""A week of a course by commands alone: `saiten schedule` for cron, nbgrader's own commands for students, an export."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from nbgrader.api import Gradebook

from hub_class import ASSIGNMENT, COURSE_ID
from saiten.cli import main
from tiny_course import RIGHT, WRONG, make_tiny_course

pytestmark = [
    pytest.mark.system,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""nbgrader leaves the closing of files and connections to Python"""

PROGRAMS = Path(sys.executable).parent
TOML = """release = 2026-04-03T09:00:00+09:00
due = 2026-04-10T23:59:00+09:00
[schedule]
grade = true
feedback = true
"""
COURSE = """c = get_config()
c.CourseDirectory.course_id = {course!r}
c.Exchange.root = {root!r}
c.LateSubmissionPlugin.penalty_method = "zero"
"""
STUDENT = """c = get_config()
c.CourseDirectory.course_id = {course!r}
c.CourseDirectory.student_id = {student!r}
c.Exchange.root = {root!r}
c.Exchange.timestamp_format = {moment!r}
"""


class Week:
    """A course, its exchange, homes of students."""

    def __init__(self, root: Path) -> None:
        self.root, self.course, self.exchange = root, root / "course", root / "exchange"
        make_tiny_course(self.course)
        (self.course / "source" / ASSIGNMENT / "assignment.toml").write_text(TOML)
        (self.course / "nbgrader_config.py").write_text(COURSE.format(course=COURSE_ID, root=str(self.exchange)))
        self.exchange.mkdir()
        self.exchange.chmod(0o1777)

    def saiten(self, *arguments: str) -> str:
        """A command of staff's."""
        given = [*arguments, "--course", str(self.course)]
        done = CliRunner().invoke(main, given, prog_name="saiten", catch_exceptions=False)
        assert done.exit_code == 0, f"{arguments}: {done.exit_code}\n{done.output}"
        return done.output

    def schedule(self, moment: str) -> list[str]:
        """What cron would have run at that moment: its lines about what was done."""
        lines = self.saiten("schedule", "--now", moment).splitlines()
        return [line for line in lines if line.startswith(f"{ASSIGNMENT}: ")]

    def student(self, name: str, *command: str, moment: str = "%Y-%m-%d %H:%M:%S.%f %Z") -> str:
        """A command of nbgrader's, in a student's home."""
        home = self.root / "homes" / name
        home.mkdir(parents=True, exist_ok=True)
        text = STUDENT.format(course=COURSE_ID, student=name, root=str(self.exchange), moment=moment)
        (home / "nbgrader_config.py").write_text(text)
        own = {"HOME": str(home), "JUPYTER_DATA_DIR": str(home / "data"), "JUPYTER_CONFIG_DIR": str(home / "none")}
        done = subprocess.run(
            [str(PROGRAMS / "nbgrader"), *command, ASSIGNMENT],
            cwd=home, env={**os.environ, **own}, text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stderr}"
        return done.stderr

    def hand_in(self, name: str, answer: str, moment: str) -> None:
        """Fetch it if need be, write an answer, submit."""
        notebook = self.root / "homes" / name / ASSIGNMENT / "mean.ipynb"
        if not notebook.is_file():
            self.student(name, "fetch_assignment")
        content = nbformat.read(notebook, as_version=4)
        for cell in content.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "mean":
                cell.source = answer
            elif cell.metadata.get("nbgrader", {}).get("grade_id") == "essay":
                cell.source = "It is the middle."
        nbformat.write(content, notebook)
        self.student(name, "submit", moment=f"{moment}.000000 UTC")

    def pages(self, name: str) -> list[str]:
        """Feedback that a student fetches, the oldest hand-in's first."""
        self.student(name, "fetch_feedback")
        found = (self.root / "homes" / name / ASSIGNMENT / "feedback").rglob("*.html")
        return [path.read_text(encoding="utf-8") for path in sorted(found)]

    def mark_essays(self, points: float) -> None:
        """What a person does in formgrader."""
        with Gradebook(f"sqlite:///{self.course / 'gradebook.db'}", course_id=COURSE_ID) as gradebook:
            for submission in gradebook.assignment_submissions(ASSIGNMENT):
                for grade in submission.notebooks[0].grades:
                    if grade.name == "essay":
                        grade.manual_score, grade.needs_manual_grade = points, False
            gradebook.db.commit()


def test_a_week_by_commands_alone(tmp_path: Path) -> None:
    """Released, fetched, handed in, collected, marked, handed out, extended, handed in late, exported: each in time?"""
    week = Week(tmp_path)
    assert week.schedule("2026-04-03T08:59+09:00") == []
    assert not (week.exchange / COURSE_ID).exists()
    assert "Next: 2026-04-03 09:00 +0900  release tiny" in week.saiten("schedule", "--now", "2026-04-01T09:00+09:00")
    assert week.schedule("2026-04-03T09:05+09:00") == ["tiny: built and released, 1 files."]

    week.hand_in("student-001", RIGHT, "2026-04-09 03:00:00")
    week.hand_in("student-002", WRONG, "2026-04-10 14:58:59")
    assert week.schedule("2026-04-10T23:50+09:00") == [], "not before the due date"
    assert week.schedule("2026-04-11T00:05+09:00") == [
        "tiny: collected: 2 have handed in; 2 new, 0 newer.",
        "tiny: marked 2; 0 were known.",
        "tiny: feedback handed out to 2; 0 had it.",
    ]
    assert week.schedule("2026-04-11T00:15+09:00") == [], "the second time there is nothing to do"
    (page,) = week.pages("student-001")
    assert "It is the middle." in page
    assert "the mean of one number" not in page

    (week.course / "extensions.csv").write_text(
        "assignment,student,until,extra,reason\ntiny,student-002,2026-04-13 23:59,,ill\n"
    )
    week.hand_in("student-002", RIGHT, "2026-04-13 12:00:00")
    week.hand_in("student-003", RIGHT, "2026-04-13 12:00:00")
    assert week.schedule("2026-04-13T23:00+09:00") == []
    assert week.schedule("2026-04-14T00:05+09:00") == [
        "tiny: collected: 3 have handed in, 1 late; 1 new, 1 newer.",
        "tiny: marked 3; 1 were known.",
        "tiny: feedback handed out to 2; 1 had it.",
    ]
    assert "Nothing else is planned" in week.saiten("schedule", "--now", "2026-04-15T00:05+09:00")
    assert len(week.pages("student-002")) == 2, "one for each hand-in"

    week.mark_essays(2.0)
    told = week.saiten("grade", ASSIGNMENT)
    assert "student-003" in told
    assert "3 students can fetch new pages" in week.saiten("feedback", ASSIGNMENT, "--release")
    week.saiten("export", "--output", str(week.course / "marks.csv"))
    with (week.course / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.DictReader(file))
    points = {row["student"]: float(row[ASSIGNMENT]) for row in found}
    assert points == {"student-001": 6.0, "student-002": 6.0, "student-003": 0.0}, "who had no extension loses it all"


def test_what_check_does_not_prove_is_not_released(tmp_path: Path) -> None:
    """With --check, does a surviving mutant keep an assignment from students, and is it said which?"""
    week = Week(tmp_path)
    given = ["release", ASSIGNMENT, "--check", "--course", str(week.course)]
    done = CliRunner().invoke(main, given, prog_name="saiten", catch_exceptions=False)
    assert done.exit_code == 1, done.output
    assert "was not released: it does not hold what it promises" in done.output
    assert "survived: mean" in done.output
    assert not (week.exchange / COURSE_ID).exists()
