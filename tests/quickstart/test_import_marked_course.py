"""Does a course that an older nbgrader marked come over whole, and does Saiten then give what nbgrader gave?"""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from fake_course import COMMENTS, GRADES, rows
from saiten.cli import main

Marked = Any

OLD_CONFIG = """
c = get_config()
c.NbGrader.course_id = "example"
c.NbGrader.db_url = "sqlite:///gradebook.db"
c.AssignLatePenalties.plugin_class = "daily_penalty.DailyPenalty"
"""
OLD_TABLES = """
pragma foreign_keys = off;
create table old as select id, name, duedate from assignment;
drop table assignment;
create table assignment (id varchar(32) not null primary key, name varchar(128) not null unique, duedate datetime);
insert into assignment select id, name, duedate from old;
drop table old;
drop table course;
alter table student drop column lms_user_id;
update alembic_version set version_num = '167914646830';
"""
"""The gradebook as nbgrader 0.6 had it: no course, no number of an LMS."""


def made_old(path: Path, schema: int) -> None:
    """Take a notebook's metadata back to what nbgrader wrote years ago."""
    raw = json.loads(path.read_text(encoding="utf-8"))
    for cell in raw["cells"]:
        marks = cell["metadata"].get("nbgrader")
        if marks is None or marks.get("task"):  # there were no task cells before schema 3
            continue
        for key in ("task", "cell_type") if schema < 2 else ("task",):
            marks.pop(key, None)
        marks["schema_version"] = schema
        if schema == 0:
            del marks["schema_version"]
            marks["points"] = str(marks.get("points", ""))
    path.write_text(json.dumps(raw), encoding="utf-8")


@pytest.fixture(scope="module")
def old(theirs: Marked, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course that nbgrader marked, as if years ago: two schemas, old names in the configuration, old tables."""
    root = tmp_path_factory.mktemp("old") / "course"
    shutil.copytree(theirs.root, root)
    for number, path in enumerate(sorted([*root.glob("source/*/*.ipynb"), *root.glob("submitted/*/*/*.ipynb")])):
        made_old(path, number % 3)
    (root / "nbgrader_config.py").write_text(OLD_CONFIG)
    connection = sqlite3.connect(root / "gradebook.db")
    connection.executescript(OLD_TABLES)
    connection.close()
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_copy_gets_the_same_automatic_scores(theirs: Marked, old: Path, tmp_path: Path) -> None:
    """Are marks of years ago in the copy's gradebook, does marking again change none, and is the original untouched?"""
    before, new = contents(old), tmp_path / "new"
    done = CliRunner().invoke(main, ["import", "nbgrader", str(old), "--into", str(new), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    (assignment,) = found["assignments"]
    assert {each["schema"] for each in assignment["notebooks"]} == {"0, 3", "1"}
    assert assignment["students"] == 3
    said = " ".join(each["text"] for each in found["remarks"])
    assert "c.NbGrader.course_id is called c.CourseDirectory.course_id now" in said
    assert "`nbgrader db upgrade` brings the copy up to date" in said
    grades = rows(theirs.root, GRADES)
    assert rows(new, GRADES) == grades
    assert not (new / "autograded").exists()
    course = type(theirs)(new)
    assert "3 marked" in course.grade("--workers", "1")
    assert rows(new, GRADES) == grades
    assert rows(new, COMMENTS) == rows(theirs.root, COMMENTS)
    assert contents(old) == before
