"""Do tests that share something dear run in one process, and are the longest begun first?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from together import EXERCISES, LIGHT, group_of, place_of

HERE = Path(__file__).parent
MARKED = "tests/system/test_marked_exercises.py"


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("tests/test_check.py::test_waivers", "tests/test_check.py"),
        ("tests/quickstart/test_differences.py::test_odd_cells[x]", "quickstart"),
        ("tests/quickstart/test_formgrader.py::test_every_page_opens[y]", "quickstart"),
        (f"tests/test_exercises.py::test_a[{EXERCISES[0]}-b]", f"tests/test_exercises.py {EXERCISES[0]}"),
        (f"{MARKED}::test_the_reference[{EXERCISES[1]}]", LIGHT),
        (f"{MARKED}::test_the_reference[{EXERCISES[-1]}]", EXERCISES[-1]),
        (f"{MARKED}::test_what_is_broken_costs_what_it_has_to", LIGHT),
        (f"tests/system/test_attack_exercises.py::test_attacks[{EXERCISES[-1]}]", EXERCISES[-1]),
        ("tests/system/test_demo.py::test_the_demo_is_large_enough", LIGHT),
    ],
)
def test_what_stays_together(test: str, group: str) -> None:
    """Is a test in the group of what it shares: an exercise, a course, else its file?"""
    assert group_of(test) == group


def test_long_groups_come_first() -> None:
    """Does a group of minutes stand before one of seconds, and are those all in one place?"""
    long, short, other = (place_of(f"tests/{name}.py::test") for name in ("system/test_demo", "test_a", "test_b"))
    assert long < short == other


def test_two_processes_keep_groups_whole(tmp_path: Path) -> None:
    """Does pytest itself do so: is every test run once, each group by one process, and both processes by some?"""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text((HERE / "conftest.py").read_text())
    for exercise in EXERCISES:
        (tmp_path / "source" / exercise).mkdir(parents=True)
        (tmp_path / "source" / exercise / "assignment.toml").touch()
    (tmp_path / "tests").mkdir()
    text = "import pytest\n\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n):\n    pass\n"
    for name in "abcd":
        (tmp_path / "tests" / f"test_{name}.py").write_text(text)
    (tmp_path / "together.py").write_text((HERE / "together.py").read_text().replace("parents[1]", "parent"))
    command = [sys.executable, "-m", "pytest", "-v", "-n", "2", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [line.split() for line in done.stdout.splitlines() if " PASSED " in line]
    assert len(ran) == 16
    processes = {(words[-1].partition("::")[0], words[0]) for words in ran}
    assert len(processes) == 4, "a file was divided"
    assert {process for _, process in processes} == {"[gw0]", "[gw1]"}
