"""Does autograded/ hold what nbgrader would put there, and can no file name of a student's reach anything else?"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

import lessons
from fake_course import hand_in, make_course, mark
from fake_engine import FakeEngine, make_bundle, order
from saiten.errors import GradebookError
from saiten.gradebook import Practice, marked_folder, write_folder
from saiten.results import NotebookResult, Result, Status
from saiten.submission import Submission

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
FILES = {"data/numbers.csv": b"1,2\n", "helper.py": b"# the course's\n"}


def contents(folder: Path) -> dict[str, bytes]:
    """Relative path -> bytes of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def marked(submission: Submission, practice: Practice | None = None, files: dict[str, bytes] = FILES):
    """What one submission's folder has to hold."""
    bundle = make_bundle(files=files)
    return marked_folder(bundle, submission, FakeEngine(bundle).mark(submission), practice or Practice(url=""))


def with_files(**files: bytes) -> Submission:
    """A submission with these files (`__` stands for a slash)."""
    return replace(order(), files={name.replace("__", "/"): data for name, data in files.items()})


def test_what_lies_where(tmp_path: Path) -> None:
    """Are there the marked notebooks, the student's files, over them the released ones, and the time stamp?"""
    submission = replace(
        order(),
        files={"helper.py": b"# mine\n", "mine/own.txt": b"own", "old.ipynb": b"{}"},
        timestamp="2026-04-01 10:00 UTC",
    )
    folder = tmp_path / "autograded" / "student-001" / "ps1"
    wanted = marked(submission)
    assert write_folder(folder, wanted, Practice(url=""), clean=True)
    found = contents(folder)
    assert found == dict(wanted.files)
    assert set(found) == {
        *("problem1.ipynb", "problem2.ipynb", "timestamp.txt"),
        *("helper.py", "data/numbers.csv", "mine/own.txt"),
    }
    assert found["helper.py"] == b"# the course's\n"
    assert {oct(path.stat().st_mode & 0o777) for path in folder.rglob("*") if path.is_file()} == {"0o444"}


def test_files_that_are_not_overwritten(tmp_path: Path) -> None:
    """Is Autograde.exclude_overwriting obeyed, for files that were handed in and for those that were not?"""
    practice = Practice(url="", keep_submitted={"ps1": ("helper.py", "data/numbers.csv")})
    files = marked(with_files(**{"helper.py": b"# mine\n"}), practice).files
    assert files["helper.py"] == b"# mine\n"
    assert "data/numbers.csv" not in files


def test_a_missing_notebook_is_not_made_up() -> None:
    """Is there no marked notebook where none was handed in?"""
    assert "problem1.ipynb" not in marked(order(only=("problem2",))).files


@pytest.mark.parametrize(
    "name",
    [
        *(
            "../out.txt",
            "/etc/out.txt",
            "a/../../out.txt",
            "..",
            ".",
            "",
            "a//b",
            "./a",
            "a/.",
            "nul\0byte",
            "stu\udc80",
        ),
        *("n" * 256, "/".join(["n" * 250] * 9), "あ" * 90, ".saiten-abc", "a/.saiten-abc/b"),
    ],
)
def test_a_hostile_name_is_left_out_with_a_note(tmp_path: Path, name: str) -> None:
    """Does a path that leads elsewhere, or that no file system takes, cost itself only?"""
    wanted = marked(replace(order(), files={name: b"hostile", "fine.txt": b"fine"}))
    assert set(wanted.files) == {"problem1.ipynb", "problem2.ipynb", "fine.txt", *FILES}
    assert len(wanted.notes) == 1
    assert wanted.notes[0].isprintable()
    folder = tmp_path / "deep" / "autograded" / "student-001" / "ps1"
    write_folder(folder, wanted, Practice(url=""), clean=True)
    assert set(contents(tmp_path)) == {f"deep/autograded/student-001/ps1/{name}" for name in wanted.files}


@pytest.mark.parametrize("name", ["data", "helper.py/inside", "problem1.ipynb/x", "timestamp.txt/x"])
def test_a_file_in_the_way_of_the_assignments_own(name: str) -> None:
    """Does the course's file win where a student's file stands in its folder's place, or the other way round?"""
    wanted = marked(replace(order(), files={name: b"in the way"}))
    assert name not in wanted.files
    assert "needs its place" in wanted.notes[0]


def test_the_second_time_nothing_is_written(tmp_path: Path) -> None:
    """Do files that are right keep their inode and time?"""
    folder, wanted = tmp_path / "ps1", marked(order())
    assert write_folder(folder, wanted, Practice(url=""), clean=True)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")}
    assert not write_folder(folder, wanted, Practice(url=""), clean=True)
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*")} == before


def test_what_is_lost_or_changed_comes_back(tmp_path: Path) -> None:
    """Is a file that somebody removed, changed or made writable put right, and what else is there kept?"""
    folder, wanted = tmp_path / "ps1", marked(order())
    write_folder(folder, wanted, Practice(url=""), clean=True)
    (folder / "problem1.ipynb").unlink()
    (folder / "helper.py").chmod(0o644)
    (folder / "helper.py").write_bytes(b"# edited\n")
    (folder / "notes.txt").chmod(0o600)
    (folder / "of a grader.txt").write_text("keep")
    (folder / ".saiten-left-over").write_text("half a file")
    assert write_folder(folder, wanted, Practice(url=""), clean=False)
    assert contents(folder) == {**wanted.files, "of a grader.txt": b"keep"}
    assert (folder / "notes.txt").stat().st_mode & 0o777 == 0o444
    assert write_folder(folder, wanted, Practice(url=""), clean=True)
    assert contents(folder) == wanted.files


def test_links_are_never_followed(tmp_path: Path) -> None:
    """Is what a link points to left alone, wherever in the folder the link stands?"""
    outside = tmp_path / "outside"
    (outside / "data").mkdir(parents=True)
    (outside / "helper.py").write_text("precious")
    (outside / "data" / "numbers.csv").write_text("precious")
    folder, wanted = tmp_path / "autograded" / "ps1", marked(order())
    folder.mkdir(parents=True)
    (folder / "helper.py").symlink_to(outside / "helper.py")
    (folder / "data").symlink_to(outside / "data")
    write_folder(folder, wanted, Practice(url=""), clean=False)
    assert contents(folder) == wanted.files
    assert not (folder / "data").is_symlink()
    whole = tmp_path / "autograded" / "ps2"
    whole.symlink_to(outside)
    write_folder(whole, wanted, Practice(url=""), clean=True)
    assert not whole.is_symlink()
    assert contents(outside) == {"helper.py": b"precious", "data/numbers.csv": b"precious"}


def test_kinds_that_changed_places(tmp_path: Path) -> None:
    """Is a folder where a file belongs replaced, and a file where a folder belongs?"""
    folder, wanted = tmp_path / "ps1", marked(order())
    (folder / "helper.py").mkdir(parents=True)
    (folder / "helper.py" / "inside").write_text("x")
    (folder / "data").write_text("x")
    write_folder(folder, wanted, Practice(url=""), clean=False)
    assert contents(folder) == wanted.files


def test_shared_with_the_group(tmp_path: Path) -> None:
    """Are files and folders for the group where CourseDirectory.groupshared says so?"""
    practice = Practice(url="", permissions=0o664, groupshared=True)
    folder = tmp_path / "autograded" / "student-001" / "ps1"
    write_folder(folder, marked(order()), practice, clean=True)
    assert {path.stat().st_mode & 0o7777 for path in folder.rglob("*") if path.is_file()} == {0o664}
    folders = [folder, folder / "data", folder.parent, folder.parent.parent]
    assert {path.stat().st_mode & 0o2770 for path in folders} == {0o2770}


def test_modes_and_files_of_the_configuration(tmp_path: Path) -> None:
    """Are Autograde.permissions, groupshared and exclude_overwriting read as nbgrader reads them?"""
    default = Practice.of(make_course(tmp_path / "default"))
    assert (default.permissions, default.groupshared, default.create_student) == (0o444, False, True)
    shared = Practice.of(make_course(tmp_path / "shared", "c.CourseDirectory.groupshared = True\n"))
    assert (shared.permissions, shared.groupshared) == (0o664, True)
    config = 'c.Autograde.permissions = 640\nc.Autograde.exclude_overwriting = {"ps1": ["a.py"]}\n'
    own = Practice.of(make_course(tmp_path / "own", config))
    assert (own.permissions, own.keep_submitted) == (0o640, {"ps1": ("a.py",)})


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """Does a file where autograded/ belongs stop the run with what to do, and leave no half-written file?"""
    (tmp_path / "autograded").write_text("a file")
    with pytest.raises(GradebookError, match=r"cannot be written.*what was marked is kept"):
        write_folder(tmp_path / "autograded" / "student-001" / "ps1", marked(order()), Practice(url=""), clean=True)


def test_another_hand_in_replaces_the_first(tmp_path: Path) -> None:
    """Is nothing of the first hand-in left, while the same one again touches nothing?"""
    make_course(tmp_path)
    hand_in(tmp_path, with_files(first=b"1", both=b"1"))
    mark(tmp_path)
    folder = tmp_path / "autograded" / "student-001" / "ps1"
    assert set(contents(folder)) == {"problem1.ipynb", "problem2.ipynb", "first", "both"}
    hand_in(tmp_path, with_files(second=b"2", both=b"2"))
    mark(tmp_path)
    assert set(contents(folder)) == {"problem1.ipynb", "problem2.ipynb", "second", "both"}
    assert contents(folder)["both"] == b"2"
    before = {path: os.stat(path).st_mtime_ns for path in folder.rglob("*")}
    mark(tmp_path)
    assert {path: os.stat(path).st_mtime_ns for path in folder.rglob("*")} == before


def with_document(document: str) -> tuple[Any, ...]:
    """What marking a submission gives whose first notebook looks like this."""
    bundle, submission = make_bundle(), order()
    result = FakeEngine(bundle).mark(submission)
    first, *others = result.notebooks
    return bundle, submission, replace(result, notebooks=(replace(first, document=document), *others))


def test_a_marked_notebook_is_cleaned_and_its_result_is_not() -> None:
    """Do staff get the clean notebook and a word on what is gone, while the ledger's result keeps all?"""
    marks = make_bundle().notebooks[0].cells
    output = {"output_type": "display_data", "data": {"text/html": "<b>x</b><script>y</script>"}, "metadata": {}}
    cells = [
        {"cell_type": "markdown", "id": "read-this", "metadata": dict(marks[0].metadata), "source": "# read-this"},
        {"cell_type": "code", "id": "mean", "metadata": dict(marks[1].metadata), "source": "x", "outputs": [output]},
        {"cell_type": "markdown", "id": "essay", "metadata": dict(marks[4].metadata), "source": "<script>z</script>"},
    ]
    document = json.dumps({"cells": cells, "metadata": {"widgets": {}}, "nbformat": 4, "nbformat_minor": 5})
    bundle, submission, result = with_document(document)
    wanted = marked_folder(bundle, submission, result, Practice(url=""))
    text = wanted.files["problem1.ipynb"].decode()
    assert "script>y" not in text
    assert "widgets" not in text
    shown = json.loads(text)["cells"]
    assert [cell["metadata"] for cell in shown] == [cell["metadata"] for cell in cells]
    assert shown[0]["source"] == ["# read-this"]
    assert shown[1]["outputs"][0]["data"] == {"text/html": "<b>x</b>"}
    assert shown[2]["source"] == ["< script>z< /script>"]
    assert wanted.notes == (
        "problem1.ipynb as it stands in autograded/: taken out of action: parts of HTML that act, in mean",
        "problem1.ipynb as it stands in autograded/: taken out of action: HTML that acts, in essay",
    )
    assert result.notebooks[0].document == document


@pytest.mark.parametrize("document", ["[" * 100_000, '{"cells": ' * 5000, "3", "null", "", '{"cells": "x"}'])
def test_a_notebook_that_cannot_be_read_back_costs_nobody_else(document: str) -> None:
    """Is there a notebook that formgrader can open, and the other notebook of the same student?"""
    wanted = marked_folder(*with_document(document), Practice(url=""))
    nbformat.validate(nbformat.reads(wanted.files["problem1.ipynb"].decode(), as_version=4))
    assert json.loads(wanted.files["problem2.ipynb"])["cells"]


ACTIVE = ("evil.html", "evil.HTM", "a/b.svg", "x.xhtml", "x.xml", "page.shtml", "x.svgz", "archive.mhtml")


@pytest.mark.parametrize("name", ACTIVE)
def test_a_file_that_a_browser_would_run_stays_in_submitted(name: str) -> None:
    """Is a page of the student's own not served in the instructor's origin?"""
    wanted = marked(replace(order(), files={name: b"<script>", "fig.png": b"x", "page.pdf": b"x", "data.csv": b"1"}))
    assert set(wanted.files) == {"problem1.ipynb", "problem2.ipynb", "fig.png", "page.pdf", "data.csv", *FILES}
    assert wanted.notes == (f"{name} is not in autograded/: a browser could run what is in it",)


def test_the_courses_own_pages_stay() -> None:
    """Is a page that the course gave out there, as the course wrote it?"""
    wanted = marked(replace(order(), files={"guide.html": b"mine"}), files={"guide.html": b"the course's"})
    assert (wanted.files["guide.html"], wanted.notes) == (b"the course's", ())


def test_what_is_marked_already_is_cleaned_from_the_ledger(tmp_path: Path) -> None:
    """Is a notebook that other rules once let through replaced in the next run, with nothing marked again?"""
    make_course(tmp_path)
    hand_in(tmp_path, order(note="<script>x</script>"))
    assert not mark(tmp_path)["student-001"].from_ledger
    file = tmp_path / "autograded" / "student-001" / "ps1" / "problem1.ipynb"
    clean = file.read_bytes()
    assert b"< script>" in clean
    file.chmod(0o644)
    file.write_bytes(clean.replace(b"< script>", b"<script>"))
    assert mark(tmp_path)["student-001"].from_ledger
    assert file.read_bytes() == clean


def test_pasted_pictures_stand_in_the_written_answer() -> None:
    """Do they come from the notebook as it was handed in, to the cell that they were pasted into, and only pictures?"""
    lesson = lessons.bundle(lessons.text("# Prose"), lessons.manual("why", "because"), lessons.solution("f", "f = 1"))
    prose = {"cell_type": "markdown", "metadata": {}, "source": "![mine](attachment:own.png)"}
    answer = {**prose, "metadata": {"nbgrader": {"grade_id": "why"}}, "source": "![scan](attachment:写真.png) and more"}
    handed_in = lessons.submission(
        {**answer, "attachments": {"写真.png": {"image/png": PIXEL}, "x.svg": {"image/svg+xml": "PHN2Zz4="}}},
        lessons.code_cell("f = 1", "f", attachments={"code.png": {"image/png": PIXEL}}),
        {**prose, "attachments": {"own.png": {"image/png": [PIXEL]}}},
    )
    cells = [cell for step in ("why", "f") for cell in lesson.notebooks[0].cells if cell.grade_id == step]
    document = {
        "cells": [
            {"cell_type": "markdown", "id": cells[0].id, "metadata": {}, "source": [answer["source"]]},
            {"cell_type": "code", "id": cells[1].id, "metadata": {}, "source": ["f = 1"], "outputs": []},
            {"cell_type": "markdown", "id": "own-1", "metadata": {}, "source": [prose["source"]]},
        ]
    }
    part = NotebookResult("lesson", json.dumps(document))
    result = Result("student-001", "lesson", Status.NEEDS_MANUAL, 0.0, 1.0, notebooks=(part,))
    wanted = marked_folder(lesson, handed_in, result, Practice(url=""))
    notebook = nbformat.reads(wanted.files["lesson.ipynb"].decode(), 4)
    nbformat.validate(notebook)
    why, code, own = notebook.cells
    (name,) = why.attachments
    assert why.attachments == {name: {"image/png": PIXEL}}
    assert why.source == f"![scan](attachment:{name}) and more"
    assert own.attachments == {"own.png": {"image/png": PIXEL}}
    assert "attachments" not in code
    assert any("an attachment that is no PNG, JPEG or GIF picture" in note for note in wanted.notes)
