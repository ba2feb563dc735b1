"""Does the ledger keep every result, give back only verdicts, and live in nbgrader's database without harm?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook, Student
from sqlalchemy import Engine, insert, select, text, update

from fake_course import hand_in, make_course, mark
from fake_engine import FakeEngine, make_bundle, order
from saiten.batch.worker import infra_error
from saiten.cli import main
from saiten.errors import GradebookError
from saiten.gradebook import database as gradebook_database
from saiten.gradebook import open_database
from saiten.ledger import TABLE, Key, Ledger, history, in_gradebook, note_in_gradebook, prune
from saiten.results import Picture, Result, Status

BUNDLE = make_bundle()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Engine]:
    """An empty gradebook."""
    engine = open_database(f"sqlite:///{tmp_path / 'gradebook.db'}")
    yield engine
    engine.dispose()


def marked(student: str = "student-001", score: float = 2.0) -> tuple[Key, Result]:
    """A key and its result."""
    submission = order(student, scores={"mean-test": score})
    result = FakeEngine(BUNDLE).mark(submission)
    return Key(BUNDLE.hash, submission.hash, "1", student, BUNDLE.assignment), result


def test_what_is_recorded_comes_back(database: Engine) -> None:
    """Does another process that opens the same database get an equal result?"""
    key, result = marked()
    Ledger(database).record(key, result)
    assert Ledger(database).get(key) == result


def test_the_brief_form_is_the_same_without_outputs(database: Engine) -> None:
    """Has it every verdict and every cell's source, and does an older ledger without it give the same?"""
    key, result = marked()
    output = {"output_type": "stream", "name": "stdout", "text": "n" * 10_000}
    cells = [{"cell_type": "code", "id": "c", "metadata": {}, "source": "f = 1", "outputs": [output]}]
    shown = replace(result.notebooks[0], document=json.dumps({"cells": cells, "nbformat": 4}))
    picture = Picture("result", "blur", "cGljdHVyZQ==", {}, {})
    first, *rest = result.questions
    first = replace(first, cells=tuple(replace(cell, pictures=(picture,)) for cell in first.cells))
    whole = replace(result, notebooks=(shown,), questions=(first, *rest))
    Ledger(database).record(key, whole)
    brief = Ledger(database).get(key, brief=True)
    assert brief is not None
    assert [cell.pictures for cell in brief.cells] == [()] * len(whole.cells)
    assert json.loads(brief.notebooks[0].document) == {"cells": [{k: v for k, v in cells[0].items() if k != "outputs"}]}
    same = replace(brief, questions=whole.questions, notebooks=whole.notebooks)
    assert same == whole
    with database.begin() as connection:
        connection.execute(text("alter table saiten_ledger drop column brief"))
    assert Ledger(database).get(key, brief=True) == brief
    assert Ledger(database).get(key) == whole


@pytest.mark.parametrize("part", ["bundle_hash", "submission_hash", "engine", "student", "assignment"])
def test_another_key_is_another_result(database: Engine, part: str) -> None:
    """Is anything marked again if what it depends on has changed?"""
    key, result = marked()
    ledger = Ledger(database)
    ledger.record(key, result)
    assert ledger.get(replace(key, **{part: "other"})) is None


def test_an_infra_error_is_tried_again(database: Engine) -> None:
    """Is a fault of ours kept as evidence, but never taken for a verdict, and replaced by the verdict?"""
    key, result = marked()
    ledger = Ledger(database)
    ledger.record(key, infra_error(BUNDLE, order("student-001"), "the disk was full"))
    assert ledger.get(key) is None
    with database.connect() as connection:
        assert connection.execute(select(TABLE.c.status)).scalars().all() == [Status.INFRA_ERROR]
    ledger.record(key, result)
    assert ledger.get(key) == result
    with database.connect() as connection:
        assert connection.execute(select(TABLE.c.status)).scalars().all() == [Status.NEEDS_MANUAL]


@pytest.mark.parametrize("damage", [b"", b"not compressed", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_a_row_that_cannot_be_read_counts_as_unknown(database: Engine, damage: bytes) -> None:
    """Is a result of another format marked again instead of stopping the run?"""
    key, result = marked()
    ledger = Ledger(database)
    ledger.record(key, result)
    with database.begin() as connection:
        connection.execute(update(TABLE).values(result=damage))
    assert ledger.get(key) is None


def test_names_that_no_database_can_hold(database: Engine) -> None:
    """Are folders whose names are no valid text kept apart, too?"""
    ledger = Ledger(database)
    for name in ("stu\udc80dent", "stu\udc81dent", "stu\0dent"):
        key, result = marked("student-001")
        ledger.record(replace(key, student=name), replace(result, message=name))
    assert ledger.get(replace(marked()[0], student="stu\udc81dent")) is not None
    with database.connect() as connection:
        assert len(connection.execute(select(TABLE.c.student)).all()) == 3


def test_the_note_of_what_the_gradebook_holds(database: Engine) -> None:
    """Is there one note for each student, moved by the transaction that writes the gradebook, or not at all?"""
    ledger = Ledger(database)
    (old, old_result), (new, new_result), (other, other_result) = marked(), marked(score=0.0), marked("student-002")
    for key, result in ((old, old_result), (new, new_result), (other, other_result)):
        ledger.record(key, result)
    with database.begin() as connection:
        note_in_gradebook(connection, "ps1", {"student-001": old, "student-002": other})
    with database.begin() as connection:
        assert in_gradebook(connection, "ps1") == {"student-001": old, "student-002": other}
        note_in_gradebook(connection, "ps1", {"student-001": new})
    with database.connect() as connection:
        note_in_gradebook(connection, "ps1", {"student-001": old})
        connection.rollback()
    with database.begin() as connection:
        assert in_gradebook(connection, "ps1") == {"student-001": new, "student-002": other}
        assert in_gradebook(connection, "ps2") == {}
    ledger.record(new, new_result)
    with database.begin() as connection:
        assert in_gradebook(connection, "ps1")["student-001"] == new


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=3))
def test_any_text_survives(message: str, notes: list[str]) -> None:
    """Do hostile strings in a result come back as they were?"""
    engine = open_database("sqlite://")
    try:
        key, result = marked()
        result = replace(result, message=message, notes=tuple(notes))
        Ledger(engine).record(key, result)
        assert Ledger(engine).get(key) == result
    finally:
        engine.dispose()


def test_nbgrader_upgrades_the_database_as_ever(database: Engine, tmp_path: Path) -> None:
    """Does `nbgrader db upgrade` work on a database that holds the ledger, and leave it alone?"""
    key, result = marked()
    Ledger(database).record(key, result)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "nbgrader", "db", "upgrade"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Ledger(database).get(key) == result
    with Gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as gradebook:
        gradebook.add_student("student-001")


def test_a_new_database_is_what_nbgrader_would_make(tmp_path: Path) -> None:
    """Are tables and version those that nbgrader's own Gradebook creates in an empty database?"""
    paths = [tmp_path / "ours.db", tmp_path / "theirs.db"]
    open_database(f"sqlite:///{paths[0]}").dispose()
    old_path = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{old_path}"  # nbgrader looks for the program `alembic` there
    try:
        Gradebook(f"sqlite:///{paths[1]}", course_id="").close()
    finally:
        os.environ["PATH"] = old_path
    schemas = []
    for path in paths:
        engine = open_database(f"sqlite:///{path}")
        with engine.connect() as connection:
            tables = connection.execute(text("select name, sql from sqlite_master where sql is not null")).all()
            version = connection.execute(text("select version_num from alembic_version")).scalars().all()
        engine.dispose()
        # nbgrader writes this one table by hand, with a semicolon and other white space
        schemas.append(({name: sql for name, sql in tables if name != "alembic_version"}, version))
    assert schemas[0] == schemas[1]


def test_a_gradebook_of_another_nbgrader_is_refused(tmp_path: Path) -> None:
    """Is the user told to upgrade, rather than shown a missing column?"""
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '724cde206c17'"))
    engine.dispose()
    with pytest.raises(GradebookError, match="nbgrader db upgrade"):
        open_database(url)


def test_a_gradebook_that_lost_its_version_gets_it_back_if_it_is_current(tmp_path: Path) -> None:
    """Is a database that something else opened first (and left without a version) put right?"""
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text("drop table alembic_version"))
    engine.dispose()
    engine = open_database(url)
    with engine.connect() as connection:
        assert connection.execute(text("select version_num from alembic_version")).scalars().all()
    with engine.begin() as connection:
        connection.execute(text("drop table alembic_version"))
        connection.execute(text("alter table grade drop column extra_credit"))
    engine.dispose()
    with pytest.raises(GradebookError, match="nbgrader db upgrade"):
        open_database(url)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all/gradebook.db", "nonsense", "oracle+nonsense://x/y"])
def test_a_database_that_cannot_be_opened_is_one_sentence(url: str) -> None:
    """Does a wrong db_url say what to mend?"""
    with pytest.raises(GradebookError, match="db_url"):
        open_database(url)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """Is some other file in the gradebook's place one sentence, too, and left as it is?"""
    path = tmp_path / "gradebook.db"
    path.write_text(json.dumps({"not": "a database"}) * 100)
    before = path.read_bytes()
    with pytest.raises(GradebookError, match="cannot be opened"):
        open_database(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_reader_does_not_hold_up_the_writer_and_a_writer_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Can formgrader read while results are recorded, and is a database that stays locked one sentence?"""
    monkeypatch.setattr(gradebook_database, "BUSY_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    engine = open_database(url)
    ledger = Ledger(engine)
    key, result = marked()
    with Gradebook(url, course_id="") as formgrader:
        formgrader.db.execute(text("select * from student")).all()  # an open transaction that reads
        ledger.record(key, result)
        formgrader.db.rollback()
        formgrader.db.execute(insert(Student).values(id="student-001"))
        with pytest.raises(GradebookError, match=r"locked.*run again"):
            ledger.record(*marked("student-002"))
        formgrader.db.rollback()
    ledger.record(*marked("student-002"))
    engine.dispose()


def test_a_marks_history_and_what_pruning_leaves(database: Engine) -> None:
    """Is every result in it, with who and when; does pruning leave the gradebook's and the last tests' alone?"""
    ledger = Ledger(database)
    key, result = marked()
    bundles = ["old", "older", "public", "now"]
    for bundle in sorted(bundles, key=["older", "old", "public", "now"].index):
        ledger.record(replace(key, bundle_hash=bundle), result)
    ledger.record(replace(key, bundle_hash="now", engine="0"), result)
    ledger.record(replace(key, bundle_hash="now"), result)
    with database.begin() as connection:
        note_in_gradebook(connection, key.assignment, {key.student: replace(key, bundle_hash="older")})
        found = history(connection, key.student, key.assignment)
    assert [entry.bundle_hash for entry in found] == ["older", "old", "public", "now", "now"]
    assert all(entry.marked_by and entry.marked_at.tzinfo is not None for entry in found)
    assert [entry.in_gradebook for entry in found] == [True, False, False, False, False]
    soon, earlier = datetime.now(UTC) + timedelta(hours=1), datetime.now(UTC) - timedelta(hours=1)
    assert prune(database, [], earlier).rows == 0, "all of it is younger"
    assert prune(database, ["other"], soon).rows == 0
    assert prune(database, [], soon, dry=True).rows == 2
    done = prune(database, [key.assignment], soon)
    assert (done.rows, done.kept) == (2, 3)
    with database.connect() as connection:
        left = history(connection, key.student, key.assignment)
    assert [(entry.bundle_hash, entry.engine) for entry in left] == [("older", "1"), ("public", "1"), ("now", "1")]
    assert ledger.get(replace(key, bundle_hash="now")) == result


def test_an_older_ledger_says_nobody(database: Engine) -> None:
    """Does a row from before accounts were noted have a history, too?"""
    key, result = marked()
    Ledger(database).record(key, result)
    with database.begin() as connection:
        connection.execute(text("alter table saiten_ledger drop column marked_by"))
    Ledger(database)
    with database.connect() as connection:
        (entry,) = history(connection, key.student, key.assignment)
    assert entry.marked_by == ""


def test_the_history_on_the_command_line(tmp_path: Path) -> None:
    """Are both markings of a hand-in there, as a table and as JSON, and is a stranger told so?"""
    make_course(tmp_path)
    hand_in(tmp_path, order("student-001", scores={"mean-test": 2}))
    mark(tmp_path)
    hand_in(tmp_path, order("student-001", scores={}))
    mark(tmp_path)
    run = CliRunner()
    shown = run.invoke(main, ["log", "student-001", "ps1", "--course", str(tmp_path), "--json"], prog_name="saiten")
    lines = [json.loads(line) for line in shown.output.splitlines()]
    assert [line["score"] for line in lines] == [2.0, 0.0]
    assert [line["in_gradebook"] for line in lines] == [False, True]
    table = run.invoke(main, ["log", "student-001", "ps1", "--course", str(tmp_path)], prog_name="saiten")
    assert table.exit_code == 0
    nobody = run.invoke(main, ["log", "student-002", "ps1", "--course", str(tmp_path)], prog_name="saiten")
    assert nobody.exit_code == 2
    pruned = run.invoke(main, ["ledger", "prune", "--days", "0", "--course", str(tmp_path)], prog_name="saiten")
    assert pruned.exit_code == 0
    assert "2 stay" in pruned.output, "both hand-ins were marked with the tests that are used"
