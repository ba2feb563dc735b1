"""Does the workshop hold: the Makefile's verbs, what CI runs, a folder that says what it is, a tree without secrets?"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VERBS = ("demo", "test", "test-system", "lint", "bench", "check", "help")


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make in the project, without what an outer make told its children."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def tracked(*patterns: str) -> list[Path]:
    """Return the files that git knows, or would add, under some patterns."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def test_make_alone_prints_the_verbs() -> None:
    """Is `help` the default, does it list every verb, and does asking cost no installation?"""
    plain, asked = make("VENV=no-such-environment"), make("VENV=no-such-environment", "help")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert plain.stdout == asked.stdout
    for verb in VERBS:
        assert re.search(rf"^  {verb} +\S", plain.stdout, flags=re.MULTILINE), f"help says nothing of {verb}"
    assert not (ROOT / "no-such-environment").exists()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "help"])
def test_a_verb_without_python_says_what_to_install(verb: str, tmp_path: Path) -> None:
    """Is a machine without Python 3.11 told so in words, with the next step, before anything is written?"""
    run = make(verb, f"VENV={tmp_path / 'venv'}", "PYTHON=no-such-python3.11")
    assert run.returncode == 2
    assert "needs CPython 3.11" in run.stderr
    assert f"make PYTHON=/path/to/python3.11 {verb}" in run.stderr
    assert list(tmp_path.iterdir()) == []


def test_reading_a_notebook_compiles_no_grammar() -> None:
    """Do commands start without the second that jsonschema's check of international addresses would take?"""
    script = "import sys, saiten.notebook, nbformat; sys.exit('lark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def stamp(folder: Path, *arguments: str) -> str:
    """Return the stamp that `make lint` in a folder would leave behind after installing."""
    steps = make("--dry-run", "lint", *arguments, folder=folder).stdout
    (found,) = re.findall(r"touch (\S*\.ready-\w+)", steps)
    return str(found)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "help"])
def test_an_environment_that_is_ready_is_not_made_again(verb: str, tmp_path: Path) -> None:
    """Once the stamp of the present lock is there, does a verb go straight to its work?"""
    venv = f"VENV={tmp_path}"
    Path(stamp(ROOT, venv)).touch()
    steps = make("--dry-run", verb, venv).stdout
    assert "-m pip" not in steps
    assert f"{tmp_path}/bin/" in steps


def test_the_stamp_follows_the_files_it_stands_for(tmp_path: Path) -> None:
    """Does a change of any of the pinned files, and nothing else, ask for the environment again?"""
    names = ("Makefile", "requirements.lock", "requirements-data.txt", "pyproject.toml")
    for name in names:
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    seen = [stamp(tmp_path)]
    os.utime(tmp_path / "requirements.lock", (0, 0))
    assert stamp(tmp_path) == seen[0]
    for name in names[1:]:
        with (tmp_path / name).open("a", encoding="utf-8") as file:
            file.write("# changed\n")
        seen.append(stamp(tmp_path))
    assert len(set(seen)) == len(names)


def test_ci_runs_the_same_verbs_and_stops_at_a_failure() -> None:
    """Is .ci/run executable, sound, and nothing but lint, test, test-system and check?"""
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    text = script.read_text(encoding="utf-8")
    assert "set -euo pipefail" in text
    assert re.findall(r"^(?:make|tests) ([a-z-]+)", text, re.MULTILINE) == ["lint", "test", "test-system", "check"]


@pytest.mark.parametrize(
    ("failed", "recipe", "alone", "green", "said"),
    [
        (0, 0, 0, True, ""),
        (1, 1, 0, True, "UNSTEADY"),
        (2, 1, 0, True, "UNSTEADY"),
        (1, 1, 1, False, "Once more, alone"),
        (1, 1, 5, False, "Once more, alone"),  # nothing was remembered as failed: no evidence
        (3, 1, 0, False, ""),
        (0, 1, 0, False, ""),
        (1, 2, 0, False, ""),  # interrupted
        (1, 3, 0, False, ""),  # pytest's own fault
    ],
)
def test_ci_looks_twice_at_a_test_or_two(
    tmp_path: Path, failed: int, recipe: int, alone: int, green: bool, said: str
) -> None:
    """Is one failure tried alone and named, and is everything else a failure at once?"""
    lines = "".join(f"echo 'FAILED tests/test_{number}.py::test_it[a b] - why'; " for number in range(failed))
    broken = f"echo 'make: *** [Makefile:80: test] Error {recipe}'; exit 2" if recipe else "exit 0"
    programs = {
        "bin/make": f'echo "made $*"; [[ $1 == test ]] || exit 0; {lines}{broken}',
        ".venv/bin/python": f'echo "alone $*"; exit {alone}',
    }
    for name, body in programs.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
        program.chmod(0o755)
    script = tmp_path / ".ci" / "run"
    script.parent.mkdir()
    shutil.copy(ROOT / ".ci" / "run", script)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    ended = subprocess.run([script], env={**os.environ, "PATH": path}, text=True, stdout=subprocess.PIPE, check=False)
    assert (ended.returncode == 0) == green
    assert ("made check" in ended.stdout) == green
    assert [word for word in ("Once more, alone", "UNSTEADY") if word in ended.stdout][-1:] == ([said] if said else [])
    assert ("alone -m pytest" in ended.stdout) == bool(said)
    assert ended.stdout.count("a b") == failed * (1 + (said == "UNSTEADY"))


@pytest.mark.parametrize("folder", ["source", "release", "autograder", "solutions", "tests", "bench", "docs"])
def test_a_top_level_folder_says_what_lives_there(folder: str) -> None:
    """Does each folder of the house hold a README that git keeps?"""
    readme = ROOT / folder / "README.md"
    assert readme in tracked(folder), f"{folder}/README.md is missing, or ignored"
    assert len(readme.read_text(encoding="utf-8").splitlines()) >= 3


def test_no_student_data_is_tracked() -> None:
    """Do submissions, marked notebooks, feedback, gradebooks and staff-only builds stay out of the repository?"""
    listing = [path.relative_to(ROOT).as_posix() for path in tracked(".")]
    staff = re.compile(r"^(submitted|autograded|feedback|demo)/|\.db$|^(solutions|autograder)/[^/]+/")
    assert [name for name in listing if staff.search(name)] == []


def test_no_path_of_one_machine_is_tracked() -> None:
    """Is no absolute path of somebody's home or workplace in a file that everybody gets?"""
    private = re.compile(rb"/(?:work|Users)/\w|/home/(?!jovyan|student|assistant|instructor|USER)\w|/root/\w")
    texts = [path for path in tracked(".") if path.suffix not in {".png", ".jpg", ".gz"} and path != Path(__file__)]
    hits = [f"{path.relative_to(ROOT)}: {hit[0]!r}" for path in texts if (hit := private.search(path.read_bytes()))]
    assert hits == []
