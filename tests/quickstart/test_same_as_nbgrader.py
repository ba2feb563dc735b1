"""Does nbgrader's own quickstart course get the same gradebook from Saiten as from nbgrader, row by row?"""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from fake_course import COMMENTS, GRADES, SUBMISSIONS, rows

Marked = Any

ASSIGNMENT = "select name, duedate, course_id from assignment"
NOTEBOOKS = "select name from notebook order by name"
CELLS = """
    select n.name as notebook, b.name, b.type, g.max_score, g.cell_type, t.max_score as t_max, t.cell_type as t_type
    from base_cell b join notebook n on n.id = b.notebook_id
    left join grade_cells g on g.id = b.id left join task_cells t on t.id = b.id order by 1, 2, 3"""
SOURCES = """
    select n.name as notebook, s.name, s.cell_type, s.locked, s.source, s.checksum
    from source_cell s join notebook n on n.id = s.notebook_id order by 1, 2"""


@pytest.mark.parametrize(
    "query",
    [ASSIGNMENT, NOTEBOOKS, CELLS, SOURCES, GRADES, COMMENTS, SUBMISSIONS, "select * from student order by id"],
    ids=["assignment", "notebooks", "cells", "sources", "grades", "comments", "submissions", "students"],
)
def test_every_row_is_the_same(theirs: Marked, ours: Marked, query: str) -> None:
    """Scores cell by cell, what waits for a person, "No response.", time stamps, penalties, cells, checksums."""
    expected = rows(theirs.root, query)
    assert expected
    assert rows(ours.root, query) == expected


def test_there_is_something_to_compare(theirs: Marked) -> None:
    """Does the comparison see full, partial, no marks, manual cells, a missing response and a late hand-in?"""
    grades = rows(theirs.root, GRADES)
    assert len(grades) == 27
    assert {row["auto_score"] for row in grades} == {None, 0.0, 0.5, 1.0}
    assert "No response." in {row["auto_comment"] for row in rows(theirs.root, COMMENTS)}
    penalties = {
        row["student"]: row["penalty"] for row in rows(theirs.root, SUBMISSIONS) if row["notebook"] == "problem1"
    }
    assert penalties["bitdiddle"] > 0.2
    assert penalties["hacker"] is penalties["release"] is None


def tree(root: Path) -> dict[str, int]:
    """Relative path -> mode of every file under autograded/."""
    folder = root / "autograded"
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()
    }


def test_marked_folders_hold_the_same_files(theirs: Marked, ours: Marked) -> None:
    """Are names and modes those of nbgrader, and contents, too, but for the notebooks?"""
    assert tree(ours.root) == tree(theirs.root)
    for name in tree(ours.root):
        if not name.endswith(".ipynb"):
            paths = [course.root / "autograded" / name for course in (ours, theirs)]
            assert paths[0].read_bytes() == paths[1].read_bytes()


def test_marked_notebooks_are_valid_and_show_the_same_work(theirs: Marked, ours: Marked) -> None:
    """Do both show the same cells with points, with the same text and the same nbgrader metadata?"""
    for name in tree(ours.root):
        if not name.endswith(".ipynb"):
            continue
        marked = [nbformat.read(course.root / "autograded" / name, as_version=4) for course in (ours, theirs)]
        nbformat.validate(marked[0])
        named = [
            {
                cell.metadata.nbgrader.grade_id: (cell.cell_type, cell.source.strip(), dict(cell.metadata.nbgrader))
                for cell in notebook.cells
                if cell.metadata.get("nbgrader", {}).get("grade_id")
            }
            for notebook in marked
        ]
        for grade_id, (kind, text, metadata) in named[1].items():
            mine = named[0][grade_id]
            assert mine[:2] == (kind, text), grade_id
            shared = set(metadata) - {"checksum", "locked"}
            assert {key: mine[2].get(key) for key in shared} == {key: metadata[key] for key in shared}, grade_id


def scores_in(feedback: Path) -> list[tuple[str, str]]:
    """Every score and comment that a feedback page shows, in order."""
    text = feedback.read_text()
    return re.findall(r"\(Score: ([^)]*)\)|<span class=\"pull-right\">([^<]*)</span>", text)


def test_feedback(theirs: Marked, copy: Marked) -> None:
    """Does `nbgrader generate_feedback` make the same pages of scores and comments?"""
    copy.run("nbgrader", "generate_feedback", "ps1")
    theirs.run("nbgrader", "generate_feedback", "ps1")
    pages = sorted(path.relative_to(theirs.root) for path in (theirs.root / "feedback").rglob("*.html"))
    assert len(pages) == 6
    for page in pages:
        shown = scores_in(copy.root / page)
        assert shown
        assert shown == scores_in(theirs.root / page)
    text = (copy.root / "feedback" / "release" / "ps1" / "problem1.html").read_text()
    assert "No response." in text
    assert "NotImplementedError" in text


def test_export(theirs: Marked, copy: Marked) -> None:
    """Does `nbgrader export` write the same grades, penalties and totals?"""
    tables = []
    for course in (theirs, copy):
        course.run("nbgrader", "export", "--to", "grades.csv")
        with (course.root / "grades.csv").open() as file:
            tables.append(sorted(csv.reader(file)))
    assert tables[0] == tables[1]
    assert len(tables[0]) == 4


def test_nbgrader_marks_on_the_gradebook_that_saiten_made(theirs: Marked, copy: Marked) -> None:
    """Can one go back: does `nbgrader autograde` restore locked cells from it and come to the same scores?"""
    copy.run("nbgrader", "autograde", "ps1", "--student", "bitdiddle", "--force")
    assert rows(copy.root, GRADES) == rows(theirs.root, GRADES)


def test_saiten_takes_over_a_course_that_nbgrader_marked(theirs: Marked, tmp_path: Path) -> None:
    """Does a first run of Saiten on nbgrader's gradebook change no row and no mark that a grader gave?"""
    root = tmp_path / "taken-over"
    shutil.copytree(theirs.root, root)
    course = type(theirs)(root)
    with_hand(root)
    before = [rows(root, query) for query in (GRADES, COMMENTS, CELLS, SOURCES, "select * from notebook")]
    course.grade("--workers", "1")
    assert [rows(root, query) for query in (GRADES, COMMENTS, CELLS, SOURCES, "select * from notebook")] == before


def test_manual_marks_stay(copy: Marked) -> None:
    """Do marks, extra credit and comments that graders gave survive another run, and one that marks all again?"""
    with_hand(copy.root)
    before = [rows(copy.root, query) for query in (GRADES, COMMENTS)]
    copy.grade("--workers", "1")
    assert [rows(copy.root, query) for query in (GRADES, COMMENTS)] == before
    copy.grade("--workers", "1", "--again")
    assert [rows(copy.root, query) for query in (GRADES, COMMENTS)] == before


def with_hand(root: Path) -> None:
    """Mark bitdiddle's essay and correct one automatic score, as formgrader does."""
    with Gradebook(f"sqlite:///{root / 'gradebook.db'}", course_id="example") as gradebook:
        for cell, notebook, score in (("part-a", "problem2", 2.0), ("correct_squares", "problem1", 0.75)):
            grade = gradebook.find_grade(cell, notebook, "ps1", "bitdiddle")
            grade.manual_score, grade.extra_credit, grade.needs_manual_grade = score, 0.5, False
        gradebook.find_comment("part-a", "problem2", "ps1", "bitdiddle").manual_comment = "よく書けています"
        gradebook.db.commit()
