"""What a watched run left in shared memory is told from what others left there meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fuzz import traces
from fuzz.traces import Watch

HOLD = """
import mmap, sys
sys.stdin.readline()
with open(sys.argv[1], "w+b") as file:
    file.truncate(4096)
    held = mmap.mmap(file.fileno(), 4096)
print("held", flush=True)
sys.stdin.readline()
"""


def _start(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )


def _hold(process: subprocess.Popen[bytes], watch: Watch) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"\n")
    assert process.stdout.readline() == b"held\n"
    watch.look()
    process.kill()
    process.communicate()


def test_a_killed_strangers_files_are_not_the_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is only what the run itself left in shared memory reported, and what nobody was seen to hold?"""
    monkeypatch.setattr(traces, "PATIENCE", 0.3)
    theirs, ours, unknown = (Path("/dev/shm", f"{tmp_path.parent.name}-{tmp_path.name}-{n}") for n in "abc")
    stranger = _start(theirs)
    try:
        with Watch(tmp_path / "scratch") as watch:
            _hold(stranger, watch)
            assert theirs.exists()
            assert watch.left() == []
            _hold(_start(ours), watch)
            unknown.touch()
            assert watch.left() == [f"shared {ours}", f"shared {unknown}"]
    finally:
        stranger.kill()
        stranger.communicate()
        for path in (theirs, ours, unknown):
            path.unlink(missing_ok=True)
