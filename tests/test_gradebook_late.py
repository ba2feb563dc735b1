"""Are late penalties those of the plugin that the course configured for nbgrader?"""

from __future__ import annotations

from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import text

from fake_course import SUBMISSIONS, connected, everything, hand_in, make_course, mark, rows
from fake_engine import order
from saiten.errors import CourseError
from saiten.submission import Submission

PLUGIN = """
from nbgrader.plugins import BasePlugin

class HourlyPenalty(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        print("plugin speaks")
        hours = total_seconds_late / 3600
        return {formula}
"""

CONFIG = """
import sys
c.AssignLatePenalties.plugin_class = "{module}.HourlyPenalty"
"""


def late(root: Path, config: str, formula: str = "", module: str = "penalty_plugin") -> dict[str, object]:
    """Mark a submission that is two hours late; returns the penalties by notebook."""
    if formula:
        (root / f"{module}.py").write_text(PLUGIN.format(formula=formula))
    make_course(root, config.format(module=module))
    url = f"sqlite:///{root / 'gradebook.db'}"
    made = order(scores={"mean-test": 2, "mean-hidden": 3, "sum-test": 1})
    hand_in(root, made)
    mark(root)
    with Gradebook(url, course_id="") as gradebook:
        gradebook.update_or_create_assignment("ps1", duedate="2026-04-01 10:00:00 UTC")
    hand_in(root, Submission(made.student, "ps1", made.notebooks, made.files, timestamp="2026-04-01 12:00:00 UTC"))
    outcome = mark(root)
    return {"problem": outcome["student-001"].problem} | {
        row["notebook"]: row["penalty"] for row in rows(root, SUBMISSIONS)
    }


@pytest.mark.parametrize(
    ("module", "formula", "problem1", "problem2"),
    [
        ("plugin_half", "hours / 2", 1.0, 1.0),
        ("plugin_greedy", "100", 5.0, 1.0),  # no more than the score
        ("plugin_negative", "-3", 0.0, 0.0),
        ("plugin_none", "None", None, None),
        ("plugin_numpy", "__import__('numpy').float64(0.5)", 0.5, 0.5),
    ],
)
def test_the_plugin_is_asked_and_kept_between_zero_and_the_score(
    tmp_path: Path, module: str, formula: str, problem1: float | None, problem2: float | None
) -> None:
    """Is its answer checked as nbgrader checks it?"""
    assert late(tmp_path, CONFIG, formula, module) == {"problem": "", "problem1": problem1, "problem2": problem2}


def test_nbgraders_own_plugin(tmp_path: Path) -> None:
    """Does `penalty_method = 'zero'` take every point?"""
    penalties = late(tmp_path, 'c.LateSubmissionPlugin.penalty_method = "zero"\n')
    assert penalties == {"problem": "", "problem1": 5.0, "problem2": 1.0}


def test_without_configuration_nobody_pays(tmp_path: Path) -> None:
    """Is nbgrader's default kept?"""
    assert late(tmp_path, "") == {"problem": "", "problem1": None, "problem2": None}


@pytest.mark.parametrize(
    ("module", "formula", "reason"),
    [
        ("plugin_broken", "1 / 0", "ZeroDivisionError"),
        ("plugin_text", "'much'", "ValueError"),
        ("plugin_nan", "float('nan')", "no number"),
    ],
)
def test_a_plugin_that_fails_costs_its_sentence(tmp_path: Path, module: str, formula: str, reason: str) -> None:
    """Are scores written all the same, and is the student's row marked?"""
    outcome = late(tmp_path, CONFIG, formula, module)
    assert reason in str(outcome.pop("problem"))
    assert outcome == {"problem1": None, "problem2": None}


def test_a_plugin_that_cannot_be_found_is_one_sentence(tmp_path: Path) -> None:
    """Is a wrong plugin_class told before anything is marked?"""
    with pytest.raises(CourseError, match=r"plugin .*nowhere.*plugin_class"):
        late(tmp_path, 'c.AssignLatePenalties.plugin_class = "nowhere.AtAll"\n')
    assert not (tmp_path / "gradebook.db").exists()


def test_an_extension_and_a_manual_mark_count(tmp_path: Path) -> None:
    """Is a penalty made anew when its reasons change, and left as it is when nothing does?"""
    late(tmp_path, CONFIG, "score * hours / 10", "plugin_share")
    penalties = [row["penalty"] for row in rows(tmp_path, SUBMISSIONS)]
    assert penalties == [pytest.approx(1.0), pytest.approx(0.2)]
    before = everything(tmp_path)
    mark(tmp_path)
    assert everything(tmp_path) == before
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", course_id="") as gradebook:
        grade = gradebook.find_grade("essay", "problem1", "ps1", "student-001")
        grade.manual_score, grade.extra_credit, grade.needs_manual_grade = 4.0, 1.0, False
        gradebook.db.commit()
    mark(tmp_path)
    assert [row["penalty"] for row in rows(tmp_path, SUBMISSIONS)] == [pytest.approx(2.0), pytest.approx(0.2)]
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}", course_id="") as gradebook:
        gradebook.grant_extension("ps1", "student-001", hours=3)
    mark(tmp_path)
    assert [row["penalty"] for row in rows(tmp_path, SUBMISSIONS)] == [None, None]


def test_the_due_date_of_the_assignments_file(tmp_path: Path) -> None:
    """Does assignment.toml's `due` reach the gradebook, in UTC?"""
    make_course(tmp_path, 'c.LateSubmissionPlugin.penalty_method = "zero"\n')
    (tmp_path / "source" / "ps1" / "assignment.toml").write_text("due = 2026-04-01T19:00:00+09:00\n")
    made = order(scores={"sum-test": 1})
    hand_in(tmp_path, Submission(made.student, "ps1", made.notebooks, timestamp="2026-04-01 10:00:01 UTC"))
    mark(tmp_path)
    with connected(tmp_path) as connection:
        assert connection.execute(text("select duedate from assignment")).scalar_one() == "2026-04-01 10:00:00.000000"
    assert [row["penalty"] for row in rows(tmp_path, SUBMISSIONS)] == [0.0, 1.0]
