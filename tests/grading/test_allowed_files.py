"""Which of a submission's own files does its process see, and can the name of one reach beyond its folder?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lessons
from saiten.bundle import Bundle
from saiten.grading import Engine
from saiten.grading.floor import LandlockSandbox
from saiten.grading.sandbox import UnsafeSandbox

LOOK = (
    "import os\n"
    "seen = sorted(os.path.relpath(os.path.join(here, name)) for here, _, names in os.walk('.') for name in names)\n"
    "above = sorted(os.listdir('..'))"
)
TRAP = b"import builtins\nbuiltins.trapped = True\nraise SystemExit('trapped')\n"
TRAPS = (
    *("sitecustomize.py", "usercustomize.py", "numpy/__init__.py", "json.py", "saiten/__init__.py", "evil.pth"),
    *(".ipython/profile_default/startup/0.py", ".config/matplotlib/matplotlibrc", ".local/lib/python3.11/x.py"),
)


def bundle(*patterns: str) -> Bundle:
    """One question: which files are there?"""
    cells = (
        lessons.solution("look", "seen = []\nabove = []\ntrapped = False"),
        lessons.test("test-look", "raise AssertionError(f'seen {list(seen)}; above {list(above)}; trapped {trapped}')"),
    )
    return lessons.bundle(*cells, allow_files=patterns, files={"given.csv": b"given"})


def look(engine: Engine, lesson: Bundle, files: dict[str, bytes]) -> str:
    """What a submission with these files sees."""
    source = f"{LOOK}\nimport builtins, json, numpy\ntrapped = hasattr(builtins, 'trapped')"
    handed = lessons.submission(lessons.code_cell(source, "look"), files=files)
    result = engine.mark(handed)
    return result.questions[0].message or result.message


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), ["given.csv"]),
        (("*.csv",), ["a.csv", "deep/b.csv", "given.csv"]),
        (("deep/*.csv",), ["deep/b.csv", "given.csv"]),
        (("*",), ["a.csv", "deep/b.csv", "deep/c.txt", "given.csv"]),
    ],
)
def test_the_allow_list_decides(patterns: tuple[str, ...], expected: list[str]) -> None:
    """Does a process see the assignment's files, and of its own those that a pattern names?"""
    lesson = bundle(*patterns)
    files = {"a.csv": b"1", "deep/b.csv": b"2", "deep/c.txt": b"3", "given.csv": b"mine"}
    with Engine(lesson) as engine:
        assert look(engine, lesson, files).startswith(f"seen {expected};")


@pytest.fixture(params=["best", LandlockSandbox.name, UnsafeSandbox.name])
def everywhere(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Bundle]]:
    """The engine on the best floor of this machine, on the one without a file tree of its own, and without walls."""
    lesson = bundle("*", "**", "../*", "/*", "**/*", ".*")
    unsafe = request.param == UnsafeSandbox.name
    sandbox = request.param if request.param == LandlockSandbox.name else ""
    with Engine(lesson, unsafe=unsafe, sandbox=sandbox) as engine:
        yield engine, lesson


def test_no_name_leads_elsewhere(everywhere: tuple[Engine, Bundle], tmp_path: Path) -> None:
    """Whatever the patterns say: is nothing written or removed beside the process's own folder?"""
    victim = tmp_path / "victim.txt"
    victim.write_text("precious")
    up = "../" * 12
    files = {
        str(victim): b"x",
        f"{up}{victim}": b"x",
        f"a/{up}{victim}": b"x",
        f"{victim}/below": b"x",
        str(tmp_path / "new.txt"): b"x",
        f"{up}{tmp_path}/new.txt": b"x",
        "../up.txt": b"x",
        "..": b"x",
        ".": b"x",
        "": b"x",
        "./y": b"x",
        "a//b": b"x",
        "fine/../../up.txt": b"x",
        "nul\0l": b"x",
        "fine.txt": b"fine",
        "n" * 4000: b"x",
    }
    message = look(*everywhere, files)
    assert message.startswith("seen ['fine.txt', 'given.csv'];"), message
    assert "up.txt" not in message
    assert victim.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [victim]


def test_no_name_is_run_by_being_there(everywhere: tuple[Engine, Bundle]) -> None:
    """Do start-up files and packages beside the notebook run in nobody's process unless its code asks for them?"""
    message = look(*everywhere, dict.fromkeys(TRAPS, TRAP))
    assert message.endswith("trapped False"), message
