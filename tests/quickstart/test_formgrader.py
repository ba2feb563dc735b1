"""Do formgrader's pages and its API work on the gradebook that Saiten wrote, in a real Jupyter server?"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from fake_course import GRADES, rows
from formgrader_server import address_of


class Formgrader:
    """A server, asked as a browser asks it."""

    def __init__(self, address: str, course: Any) -> None:
        self.address, self.course = address, course

    def ask(self, path: str, body: Any = None, method: str = "GET") -> str:
        """Fetch a page; anything but success raises."""
        request = urllib.request.Request(
            f"{self.address}/formgrader/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        response: HTTPResponse
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read().decode()

    def api(self, path: str, body: Any = None, method: str = "GET") -> Any:
        """Ask the API."""
        return json.loads(self.ask(f"api/{path}", body, method))


@pytest.fixture(scope="module")
def formgrader(ours: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Formgrader]:
    """A Jupyter server with nbgrader's formgrader, on a copy of the course that Saiten marked."""
    root = tmp_path_factory.mktemp("served") / "course"
    shutil.copytree(ours.root, root)
    folder = Path(sys.executable).parent
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(home), "PYTHONPATH": str(root)}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *("--ServerApp.port=0", "--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True"),
        f"--ServerApp.root_dir={root}",
        "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
    ]
    log = home / "log.txt"
    with log.open("w") as file:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=file, stderr=file)
    try:
        yield Formgrader(address_of(process, log), type(ours)(root))
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize(
    "page",
    [
        *("manage_assignments", "manage_submissions/ps1", "manage_students", "manage_students/hacker"),
        *("manage_students/hacker/ps1", "gradebook", "gradebook/ps1", "gradebook/ps1/problem1"),
    ],
)
def test_every_page_opens(formgrader: Formgrader, page: str) -> None:
    """Are the pages there?"""
    assert "<title>nbgrader formgrade</title>" in formgrader.ask(page)


def test_the_lists_behind_the_pages(formgrader: Formgrader) -> None:
    """Do they hold every student with scores, and count everybody as autograded?"""
    (assignment,) = formgrader.api("assignments")
    assert (assignment["name"], assignment["max_score"], assignment["num_submissions"]) == ("ps1", 13, 3)
    submissions = {each["student"]: each for each in formgrader.api("submissions/ps1")}
    assert {student: (each["score"], each["autograded"]) for student, each in submissions.items()} == {
        "bitdiddle": (1.5, True),
        "hacker": (3.0, True),
        "release": (0.0, True),
    }
    assert submissions["hacker"]["needs_manual_grade"]
    (problem1, _) = formgrader.api("notebooks/ps1")
    assert (problem1["name"], problem1["num_submissions"], problem1["needs_manual_grade"]) == ("problem1", 3, True)
    assert len(formgrader.api("submitted_notebooks/ps1/problem1")) == 3
    students = {each["id"]: each["score"] for each in formgrader.api("students")}
    assert students == {"bitdiddle": 1.5, "hacker": 3.0, "release": 0.0}
    (mine,) = formgrader.api("student_submissions/hacker")
    assert (mine["name"], mine["score"]) == ("ps1", 3.0)
    assert len(formgrader.api("student_notebook_submissions/hacker/ps1")) == 2


def test_a_submission_opens_with_scores_and_comments(formgrader: Formgrader) -> None:
    """Does each marked notebook show the student's work with a box for every score and comment?"""
    for notebook, cells in (("problem1", 7), ("problem2", 2)):
        for submitted in formgrader.api(f"submitted_notebooks/ps1/{notebook}"):
            page = formgrader.ask(f"submissions/{submitted['id']}/?index=0")
            boxes = re.findall(r'<input class="score tabbable"[^>]*id="([^"]*)"', page)
            assert len(boxes) == cells
            assert "formgrade_404" not in page
            assert len(formgrader.api(f"grades?submission_id={submitted['id']}")) == cells
            assert formgrader.api(f"comments?submission_id={submitted['id']}")
            assert "/formgrader/static/" in formgrader.ask(f"submissions/{submitted['id']}/next")


def test_the_picture_in_a_submission_is_found(formgrader: Formgrader) -> None:
    """Are files beside the notebook served with it?"""
    submitted = formgrader.api("submitted_notebooks/ps1/problem1")[0]
    with urllib.request.urlopen(
        f"{formgrader.address}/formgrader/submissions/{submitted['id']}/jupyter.png"
    ) as response:
        assert response.read(4) == b"\x89PNG"


def test_a_mark_given_here_survives_the_next_run(formgrader: Formgrader) -> None:
    """Can a grader mark while the server holds the database open, and does Saiten leave the mark alone?"""
    (submitted,) = [each for each in formgrader.api("submitted_notebooks/ps1/problem2") if each["student"] == "hacker"]
    grades = {each["name"]: each for each in formgrader.api(f"grades?submission_id={submitted['id']}")}
    comments = {each["name"]: each for each in formgrader.api(f"comments?submission_id={submitted['id']}")}
    formgrader.api(f"grade/{grades['part-a']['id']}", {"manual_score": 1.5, "extra_credit": 0.5}, "PUT")
    formgrader.api(f"comment/{comments['part-a']['id']}", {"manual_comment": "なるほど"}, "PUT")
    formgrader.api(f"submitted_notebook/{submitted['id']}/flag", {}, "POST")
    before = rows(formgrader.course.root, GRADES)
    assert "3 marked" in formgrader.course.grade("--workers", "1", "--again")
    assert rows(formgrader.course.root, GRADES) == before
    after = {each["name"]: each for each in formgrader.api(f"grades?submission_id={submitted['id']}")}
    assert (after["part-a"]["manual_score"], after["part-a"]["needs_manual_grade"]) == (1.5, False)
    assert formgrader.api(f"comment/{comments['part-a']['id']}")["manual_comment"] == "なるほど"
    (again,) = [each for each in formgrader.api("submitted_notebooks/ps1/problem2") if each["student"] == "hacker"]
    assert again["flagged"]
