"""Does formgrader's Autograde button work for who clicks it, in a real browser?

And `nbgrader autograde` for who types it; and does JupyterLab's menu on a real hub lead to formgrader's page?
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from fake_course import GRADES, rows
from formgrader_server import BUTTONS, Formgrader, formgrader
from tiny_course import ASSIGNMENT, RIGHT, STUB, WRONG, make_tiny_course, submitted

pytestmark = pytest.mark.system

CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "tiny"\n' + BUTTONS


def make_course(root: Path) -> Path:
    """A course with a right, a wrong, an untouched and an unreadable hand-in."""
    make_tiny_course(root)
    submitted(root, "student-001", RIGHT, "It is the middle of the mass.")
    submitted(root, "student-002", WRONG)
    submitted(root, "student-003", STUB)
    (submitted(root, "student-004") / "mean.ipynb").write_text("<b>this is no notebook</b>")
    (root / "nbgrader_config.py").write_text(CONFIG)
    return root


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formgrader]:
    """formgrader on that course, where nothing is marked yet."""
    root = make_course(tmp_path_factory.mktemp("served") / "course")
    with formgrader(root, tmp_path_factory.mktemp("home")) as running:
        yield running


@pytest.fixture
def page(server: Formgrader, browser: Browser) -> Iterator[Page]:
    """The page Manage Submissions, with a row for each student."""
    tab = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    tab.goto(f"{server.address}/formgrader/manage_submissions/{ASSIGNMENT}", wait_until="domcontentloaded")
    tab.locator("td.autograde a").nth(3).wait_for()
    yield tab
    tab.context.close()


def click(page: Page, student: str) -> str:
    """Press Autograde in a student's row; what the dialog says, which is closed again."""
    page.locator("tr", has_text=student).locator("td.autograde a").click()
    dialog = page.locator(".modal-dialog")
    dialog.locator("pre").first.wait_for()
    said = dialog.inner_text()
    dialog.locator(".modal-footer button").click()
    dialog.wait_for(state="detached")
    return said


def test_a_click_marks_and_the_row_shows_it(page: Page, server: Formgrader, tmp_path: Path) -> None:
    """Does the dialog say the points, does the row show them, and the gradebook hold them?"""
    said = click(page, "student-001")
    assert "Successfully autograded 'tiny' for student 'student-001'" in said
    assert "4 of 6 points by tests; to be marked by a person: essay" in said
    row = page.locator("tr", has_text="student-001")
    assert "4 / 6" in row.inner_text()
    assert "needs manual grading" in row.inner_text()
    assert "0 of 6 points" in click(page, "student-002")
    kept = {(row["student"], row["cell"]): row["auto_score"] for row in rows(server.root, GRADES)}
    assert (kept["student-001", "mean-test"], kept["student-002", "mean-test"]) == (4.0, 0.0)
    page.screenshot(path=tmp_path / "manage-submissions.png")


def test_a_failure_is_said_in_the_dialog(page: Page, server: Formgrader) -> None:
    """Does a hand-in that cannot be read say why, as text, and leave the others' marks alone?"""
    click(page, "student-003")
    before = rows(server.root, GRADES)
    said = click(page, "student-004")
    assert "There was an error autograding 'tiny' for student 'student-004'" in said
    assert "student-004: rejected:" in said
    assert page.locator(".modal-dialog b").count() == 0
    assert rows(server.root, GRADES) == before


def nbgrader(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of nbgrader's commands in a course's folder."""
    variables = {**os.environ, "HOME": str(root)}
    command = [sys.executable, "-m", "nbgrader", *arguments]
    return subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, check=False)


def test_the_command_line_too(tmp_path: Path) -> None:
    """Does `nbgrader autograde` mark a class with the two lines, into the database that it was told?"""
    root = make_course(tmp_path / "course")
    (root / "elsewhere").mkdir()
    done = nbgrader(root, "autograde", ASSIGNMENT, f"--db=sqlite:///{root}/elsewhere/gradebook.db", "--notebook=mean")
    assert done.returncode == 1, done.stderr
    assert "student-004: rejected" in done.stderr
    assert "Saiten takes a submission as a whole" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (root / "gradebook.db").exists()
    scores = {(row["student"], row["cell"]): row["auto_score"] for row in rows(root / "elsewhere", GRADES)}
    assert {student for student, _ in scores} == {"student-001", "student-002", "student-003"}
    assert scores["student-001", "mean-test"] == 4.0


def test_an_assignment_that_is_not_there(server: Formgrader) -> None:
    """Is it a sentence?"""
    shutil.copytree(server.root / "submitted/student-001/tiny", server.root / "submitted/student-001/tinny")
    answer = server.autograde("tinny", "student-001")
    assert not answer["success"]
    assert "has no assignment 'tinny'" in answer["log"]
    assert "Did you mean tiny?" in answer["log"]
