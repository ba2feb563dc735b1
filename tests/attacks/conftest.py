"""One engine, one plain grader and one course on disk for all attacks."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import attack_target as target
import pytest
from attack_room import Room

from saiten.grading import Engine

VARIABLE = "SAITEN_TEST_SECRET"


@pytest.fixture(scope="session")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course as nbgrader lays it out, with secrets where nbgrader keeps them."""
    root = tmp_path_factory.mktemp("course")
    for path, text in (
        ("source/lesson/lesson.ipynb", target.REFERENCE),
        ("submitted/student-007/lesson/lesson.ipynb", target.OTHERS_WORK),
        ("submitted/student-666/lesson/lesson.ipynb", "{}"),
    ):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text(text, encoding="utf-8")
    with sqlite3.connect(root / "gradebook.db") as database:
        database.execute("create table source_cell (source text)")
        database.execute("insert into source_cell values (?)", (target.HIDDEN_TEST,))
    database.close()
    return root


@pytest.fixture(scope="session")
def room(course: Path) -> Iterator[Room]:
    """The engine with a secret in its environment, and the plain grader with the same."""
    bundle = target.make_bundle()
    patch = pytest.MonkeyPatch()
    patch.setenv(VARIABLE, target.ENVIRONMENT)
    script = Path(__file__).with_name("plain_grader.py")
    command = [sys.executable, "-W", "ignore", str(script)]
    plain = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        with Engine(bundle) as engine:
            assert plain.stdout is not None
            assert plain.stdout.readline() == "ready\n"
            yield Room(engine, bundle, course, plain)
    finally:
        patch.undo()
        assert plain.stdin is not None
        plain.stdin.close()
        plain.wait(timeout=30)
        assert plain.stdout is not None
        plain.stdout.close()


@pytest.fixture(scope="session")
def hasty_room(room: Room) -> Iterator[Room]:
    """The same with one second for a cell."""
    bundle = target.make_bundle(target.HASTE)
    with Engine(bundle) as engine:
        yield replace(room, engine=engine, bundle=bundle)


@pytest.fixture(autouse=True)
def next_student_is_safe(request: pytest.FixtureRequest) -> Iterator[None]:
    """After an attack, an honest submission gets its full marks from the same engine.

    Where a module says `ANSWERS_SUFFICE`, every attack answers some questions right, which the engine must mark after
    the attack before; there only the last test is followed by an honest submission.
    """
    yield
    last = request.node.nextitem is None or request.node.nextitem.path != request.node.path
    if last or not getattr(request.module, "ANSWERS_SUFFICE", False):
        for name in {"room", "hasty_room"} & set(request.fixturenames):
            room: Room = request.getfixturevalue(name)
            after = room.engine.mark(target.honest(room.bundle))
            assert target.scores(after) == target.POINTS, (after.message, after.questions)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """Tell a test which one comes next."""
    item.nextitem = nextitem  # type: ignore[attr-defined]
    return (yield)
