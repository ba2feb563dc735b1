"""Are temporary files of a killed service's workers swept by the next one, and nobody else's?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from saiten.batch.scratch import PREFIX, Scratch, sweep

HOLD = "import signal; from saiten.batch.scratch import Scratch; print(Scratch().path, flush=True); signal.pause()"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's temporary folder, for this test and what it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed() -> Path:
    """The folder of a process that got SIGKILL, with something of its workers in it."""
    with subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        sweep()
        assert folder.is_dir(), "it is in use"
        (folder / "saiten-1" / "closed").mkdir(parents=True)
        (folder / "saiten-1" / "closed" / "answer.py").write_text("1\n")
        process.send_signal(signal.SIGKILL)
    assert folder.is_dir()
    return folder


def test_the_next_one_sweeps_what_a_killed_one_left(temporary: Path) -> None:
    """Is it gone, and stays what is in use?"""
    one = Scratch()
    folder = killed()
    two = Scratch()
    assert not folder.exists()
    assert sorted(temporary.iterdir()) == sorted([one.path, two.path])
    for each in (one, two, two):
        each.remove()
    assert list(temporary.iterdir()) == []


def test_what_is_not_ones_own_stays(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another account's, a link to elsewhere, a folder that is just being made?"""
    folder = killed()
    new = temporary / f"{PREFIX}new"
    new.mkdir()
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "in-use").touch()
    (temporary / f"{PREFIX}link").symlink_to(elsewhere)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    sweep()
    assert folder.is_dir()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    sweep()
    assert not folder.exists()
    assert new.is_dir()
    assert (elsewhere / "in-use").is_file()


def test_what_cannot_be_removed_yet_is_left_for_the_next_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does a folder in which something still stands keep its lock, by which it is known?"""
    folder = killed()

    def busy(_: Path) -> None:
        raise OSError(16, "Device or resource busy")

    with monkeypatch.context() as patched:
        patched.setattr("saiten.batch.scratch.litter.remove", busy)
        sweep()
    assert (folder / "saiten-1").is_dir()
    sweep()
    assert not folder.exists()
