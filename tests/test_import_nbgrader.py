"""Is an old nbgrader course looked through cell by cell, and is what stood in the way put right in the copy alone?

A whole course that nbgrader had marked comes over in tests/quickstart/test_import_marked_course.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner
from nbgrader.nbgraderformat import MetadataValidator

from course_samples import Cell, cell, notebook_json, tree
from saiten.build import build_assignment
from saiten.cli import main
from saiten.course import Course
from saiten.errors import CourseError
from saiten.grading.engine import Engine
from saiten.imports import check_course, copy_course
from saiten.imports.old_config import old_names
from saiten.imports.old_notebook import apply, upgrade


def marked(kind: str, source: str, **marks: Any) -> Cell:
    """A cell with nbgrader's metadata exactly as given."""
    made = cell(kind, source)
    made["metadata"]["nbgrader"] = marks
    return made


SQUARE = "def square(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION"
OLD = [
    cell("markdown", "# Old"),
    marked("code", SQUARE, solution=True),
    marked("code", "assert square(2) == 4", grade=True, locked=True, points="2", grade_id="test"),
    marked("code", "assert square(-3) == 9", grade=True, locked=True, points=1, grade_id="test"),
    marked("code", "y = 1", solution=True, grade_id="problem 1.a"),
    marked("code", "assert y == 1", grade=True, points=-1, grade_id="last", remove="x"),
    marked("code", "print(1)", grade=False, solution=False, grade_id="nothing"),
]
"""Schema 0, with everything that was allowed then: no grade_id, one twice, a blank in one, points as text."""


def old_course(root: Path, cells: list[Cell] = OLD, **files: str) -> Path:
    """A course of one assignment with one hand-in of the same cells."""
    for folder in (root / "source" / "ps1", root / "submitted" / "student-017" / "ps1"):
        folder.mkdir(parents=True)
        (folder / "p.ipynb").write_text(notebook_json(cells), encoding="utf-8")
    for name, text in files.items():
        (root / name.replace("__", ".")).write_text(text, encoding="utf-8")
    return root


def test_every_cell_gets_a_name_of_its_own(tmp_path: Path) -> None:
    """Do source and hand-in get the same names, can the copy be built and marked, and is the original untouched?"""
    root = old_course(tmp_path / "old")
    (root / "source" / "ps1" / "data.csv").write_text("1")
    before = tree(root)
    old = check_course(root)
    (assignment,) = old.assignments
    (notebook,) = assignment.notebooks
    assert (notebook.schema, notebook.cells, notebook.marked, notebook.points) == ("0", 7, 3, 3)
    assert assignment.data_files == ("data.csv",)
    assert tree(root) == before
    copy_course(old, tmp_path / "new")
    assert tree(root) == before
    names = {}
    for part in ("source", "submitted/student-017"):
        copied = nbformat.read(tmp_path / "new" / part / "ps1" / "p.ipynb", as_version=4)
        names[part] = [each.metadata.get("nbgrader", {}).get("grade_id") for each in copied.cells]
    assert names["source"] == [None, "cell", "test", "test-2", "problem-1-a", "last", None]
    assert names["submitted/student-017"][:6] == names["source"][:6]
    MetadataValidator().validate_nb(nbformat.read(tmp_path / "new" / "source" / "ps1" / "p.ipynb", as_version=4))
    course = Course.find(tmp_path / "new")
    build_assignment(course.assignment("ps1"))
    with Engine(_bundle(course)) as engine:
        result = engine.mark(course.submission(course.assignment("ps1"), "student-017"))
    assert (result.score, result.max_score) == (3, 3)


def _bundle(course: Course) -> Any:
    from saiten.bundle import Bundle

    return Bundle.read(course.autograder_dir("ps1"))


def test_what_was_found_is_said_with_its_cell(tmp_path: Path) -> None:
    """Does each thing have a remark at its cell, and those that a person must look at count as lost?"""
    found = {(each.where, each.text, each.lost) for each in check_course(old_course(tmp_path)).remarks}
    expected = [
        ("ps1/p: cell 2 (cell)", "it had no grade_id and is called cell now", False),
        ("ps1/p: cell 4 (test-2)", "another cell has the same grade_id: it is called test-2 now", True),
        ("ps1/p: cell 5 (problem-1-a)", "the grade_id is malformed: it is called problem-1-a now", True),
        ("ps1/p: cell 3 (test)", "'2' points became 2.0", False),
        ("ps1/p: cell 6 (last)", "-1 points became 0.0", False),
        ("ps1/p: cell 6 (last)", "nbgrader knows no remove any more: taken out", False),
        ("ps1/p", "nbgrader's metadata of schema 0 upgraded in 6 cells", False),
    ]
    for where, text, lost in expected:
        places = {place.split(":")[0] + place.partition(" (")[0][-7:] for place, words, bad in found
                  if words.startswith(text) and bad is lost}  # fmt: skip
        assert where.split(":")[0] + where.partition(" (")[0][-7:] in places, (where, text, found)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no JSON", "cannot be read"),
        (notebook_json([], kernelspec={"name": "ir", "display_name": "R", "language": "R"}).encode(), "notebook in r"),
        (notebook_json([], kernelspec={"name": "python2", "display_name": "P", "language": "python"}).encode(),
         "Python 2"),
        (notebook_json([marked("code", "x", grade=True, grade_id="a", points="many")]).encode(), "cannot upgrade"),
        (notebook_json([marked("markdown", "x", solution=True, grade_id="a", schema_version=1)]).encode(),
         "written answer without points"),
        (notebook_json([marked("code", "x", grade=True, grade_id="a", points=1, schema_version=4)]).encode(), "newer"),
        (notebook_json([marked("code", "x (", solution=True, grade_id="a", schema_version=3)]).encode(),
         "syntax error"),
    ],
)  # fmt: skip
def test_what_only_a_person_can_mend_is_said(content: bytes, words: str) -> None:
    """Is each notebook that cannot be built named, with the reason?"""
    lost = [each.text for each in upgrade(content, "ps1/p").remarks if each.lost]
    assert [text for text in lost if words in text], lost


def test_a_notebook_of_today_stays_as_it_is(tmp_path: Path) -> None:
    """Is a course that needs nothing copied byte for byte, without a remark?"""
    from course_samples import DOUBLE, make_course

    root = make_course(tmp_path / "new", {"n1": DOUBLE}).course.root
    old = check_course(root)
    assert old.remarks == ()
    copy_course(old, tmp_path / "copy")
    assert tree(tmp_path / "copy") == tree(root)


def test_very_old_notebooks_are_upgraded(tmp_path: Path) -> None:
    """Is a notebook of nbformat 3 read, and written as 4?"""
    new = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")])
    (tmp_path / "source" / "ps1").mkdir(parents=True)
    (tmp_path / "source" / "ps1" / "p.ipynb").write_text(json.dumps(nbformat.convert(new, 3)))
    old = check_course(tmp_path)
    assert "nbformat 3: upgraded to 4" in [each.text for each in old.remarks]
    copy_course(old, tmp_path.with_name(f"{tmp_path.name}-copy"))
    copied = tmp_path.with_name(f"{tmp_path.name}-copy") / "source" / "ps1" / "p.ipynb"
    assert json.loads(copied.read_text())["nbformat"] == 4


def test_hand_ins_that_do_not_fit_are_named() -> None:
    """Is a hand-in whose cells without a name are not those of the source left alone, and said to be so?"""
    renames = upgrade(notebook_json(OLD).encode(), "ps1/p").renames
    fewer = notebook_json([each for each in OLD if "BEGIN" not in each["source"]]).encode()
    content, problem = apply(renames, fewer)
    assert problem == "0 cells without grade_id, the source has 1"
    assert [each["metadata"].get("nbgrader", {}).get("grade_id") for each in json.loads(content)["cells"]][1:4] == [
        *("test", "test-2", "problem-1-a")
    ]
    assert apply(renames, b"{}")[1].startswith("it cannot be read")


def test_old_names_of_the_configuration() -> None:
    """Is each old name found with its line, and is it said whether Saiten understands it?"""
    text = (
        "c = get_config()\nc.NbGrader.course_id = 'x'\n# c.NbGrader.db_url = 'no'\nc.BasicConfig.db_url = 'sqlite:///g'\n"
        "c.TransferApp.exchange_directory = '/x'\nc.AssignApp.create_assignment = True\n"
        "c.ClearSolutions.comment_mark = '#'\nc.CourseDirectory.course_id = 'x'\n"
    )
    found = [(each.where.split()[-1], each.text.split(";")[0], each.lost) for each in old_names(text, "config.py")]
    assert found == [
        ("2", "c.NbGrader.course_id is called c.CourseDirectory.course_id now", False),
        ("4", "c.BasicConfig.db_url is called c.CourseDirectory.db_url now", False),
        ("5", "c.TransferApp.exchange_directory is called c.Exchange.root now", False),
        ("6", "c.AssignApp.create_assignment is called c.GenerateAssignment.create_assignment now", True),
        ("7", "c.ClearSolutions.comment_mark is gone: write it into ClearSolutions.begin_solution_delimeter", True),
    ]


def test_a_copy_has_its_own_gradebook(tmp_path: Path) -> None:
    """Does a copy of a course whose configuration names folder and database not write to the original's?"""
    config = (
        f"c = get_config()\nc.CourseDirectory.root = {str(tmp_path / 'old')!r}\nc.NbGrader.db_url = 'sqlite:////x'\n"
    )
    options = json.dumps({"CourseDirectory": {"root": str(tmp_path / "old"), "course_id": "x"}})
    root = old_course(tmp_path / "old", nbgrader_config__py=config, nbgrader_config__json=options)
    copy_course(check_course(root), tmp_path / "new")
    copied = Course.find(tmp_path / "new")
    assert copied.coursedir.db_url == f"sqlite:///{tmp_path / 'new' / 'gradebook.db'}"
    assert (copied.coursedir.root, copied.coursedir.course_id) == (str(tmp_path / "new"), "x")
    assert (tmp_path / "old" / "nbgrader_config.py").read_text() == config


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """Are a folder that holds something, one inside the course, and the course itself refused?"""
    old = check_course(old_course(tmp_path / "old"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    for place in (tmp_path / "full", old.root, old.root / "new", tmp_path):
        with pytest.raises(CourseError):
            copy_course(old, place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "old"]


def test_the_command_says_what_it_found(tmp_path: Path) -> None:
    """Does --check write nothing and end in 1 where a person is needed, and is one of the two options asked for?"""
    root = old_course(tmp_path / "old")
    looked = CliRunner().invoke(main, ["import", "nbgrader", str(root), "--check"])
    assert looked.exit_code == 1
    assert "For a person to look at:" in looked.stdout
    assert "Nothing was written" in looked.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert CliRunner().invoke(main, ["import", "nbgrader", str(root)]).exit_code == 2
    assert CliRunner().invoke(main, ["import", "nbgrader", str(tmp_path), "--check"]).exit_code == 2
