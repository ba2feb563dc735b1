"""A small nbgrader course on disk, and views of what its gradebook holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from sqlalchemy import Connection, create_engine, text

from fake_engine import ASSIGNMENT, HerePool, make_bundle
from saiten.batch.marking import Marked, Options, mark_class
from saiten.bundle import Bundle
from saiten.course import Course
from saiten.submission import Submission


def make_course(root: Path, config: str = "") -> Course:
    """A course on disk whose source is one nbgrader notebook for each of the fake bundle's."""
    for notebook in make_bundle().notebooks:
        cells = []
        for cell in notebook.cells:
            make = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
            cells.append(make(cell.source, id=cell.id, metadata=dict(cell.metadata)))
        folder = root / "source" / ASSIGNMENT
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / f"{notebook.name}.ipynb")
    (root / "nbgrader_config.py").write_text("c = get_config()\n" + config)
    return Course.find(root)


def hand_in(root: Path, submission: Submission) -> Path:
    """Put a submission under `submitted/`; what the student handed in before is gone."""
    folder = root / "submitted" / submission.student / submission.assignment
    if folder.exists():
        for path in sorted(folder.rglob("*"), reverse=True):
            path.unlink() if path.is_file() else path.rmdir()
    folder.mkdir(parents=True, exist_ok=True)
    contents = {f"{name}.ipynb": data for name, data in submission.notebooks.items()} | dict(submission.files)
    if submission.timestamp is not None:
        contents["timestamp.txt"] = submission.timestamp.encode()
    for name, data in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@contextmanager
def connected(root: Path) -> Iterator[Connection]:
    """Open the gradebook of a course as nobody's friend: no events, no settings."""
    engine = create_engine(f"sqlite:///{root / 'gradebook.db'}")
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


GRADES = """
    select sa.student_id as student, n.name as notebook, b.name as cell, b.type as kind, g.auto_score, g.manual_score,
           g.extra_credit, g.needs_manual_grade as waits
    from grade g join base_cell b on b.id = g.cell_id join submitted_notebook sn on sn.id = g.notebook_id
    join notebook n on n.id = sn.notebook_id join submitted_assignment sa on sa.id = sn.assignment_id
    order by 1, 2, 3, 4"""

COMMENTS = """
    select sa.student_id as student, n.name as notebook, b.name as cell, b.type as kind, c.auto_comment,
           c.manual_comment
    from comment c join base_cell b on b.id = c.cell_id join submitted_notebook sn on sn.id = c.notebook_id
    join notebook n on n.id = sn.notebook_id join submitted_assignment sa on sa.id = sn.assignment_id
    order by 1, 2, 3, 4"""

SUBMISSIONS = """
    select sa.student_id as student, n.name as notebook, sa.timestamp, sn.flagged,
           sn.late_submission_penalty as penalty
    from submitted_notebook sn join notebook n on n.id = sn.notebook_id
    join submitted_assignment sa on sa.id = sn.assignment_id order by 1, 2"""


def rows(root: Path, query: str) -> list[dict[str, Any]]:
    """Run a query on a course's gradebook."""
    with connected(root) as connection:
        return [dict(row) for row in connection.execute(text(query)).mappings()]


def everything(root: Path, *, without: tuple[str, ...] = ("saiten_ledger",)) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of a course's gradebook, ids included."""
    with connected(root) as connection:
        tables = connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        return {
            table: sorted((tuple(row) for row in connection.execute(text(f"select * from {table}"))), key=repr)
            for table in tables
            if table not in without
        }


def gradebook_contents(root: Path) -> tuple[list[dict[str, Any]], ...]:
    """What the gradebook says about students, without the random ids."""
    return rows(root, GRADES), rows(root, COMMENTS), rows(root, SUBMISSIONS)


def mark(root: Path, bundle: Bundle | None = None, **options: Any) -> dict[str, Marked]:
    """Mark everything that is handed in with the fake engine; returns what became of each student."""
    course = Course.find(root)
    HerePool.marked.clear()
    chosen = Options(pool=HerePool, **options)
    report = mark_class(course, course.assignment(ASSIGNMENT), bundle or make_bundle(), chosen)
    return {row.result.student: row for row in report.rows}
