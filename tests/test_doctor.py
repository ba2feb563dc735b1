"""Does `saiten doctor` tell what holds here, and would it notice a hole?"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from click.testing import CliRunner

from saiten.cli import main
from saiten.errors import SandboxError
from saiten.grading import trial
from saiten.grading.floor import FLOORS


def report() -> tuple[int, list[dict[str, Any]]]:
    """Exit code and rows of `saiten doctor --json`."""
    result = CliRunner().invoke(main, ["doctor", "--json"])
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


def test_everything_holds_here() -> None:
    """Is each wall of each floor that there is tried and found closed, and is the exit code 0?"""
    code, rows = report()
    floors = {row["name"]: row["verdict"] for row in rows if row["area"] == "walls"}
    assert list(floors) == list(FLOORS)
    assert "good" in floors.values()
    for floor, verdict in floors.items():
        walls = {row["name"]: row["verdict"] for row in rows if row["area"] == f"walls: {floor}"}
        assert walls == (dict.fromkeys(trial.WALLS, "good") if verdict == "good" else {})
    assert code == 0
    assert {"second wall", "versions", "data", "machine"} <= {row["area"] for row in rows}


def test_the_attempts_are_real() -> None:
    """Do the same attempts succeed where nothing stands in their way?"""
    with trial.bait() as laid:
        outcomes = trial.try_walls(laid, unsafe=True)
    real = {name for name, outcome in outcomes.items() if outcome == "open"}
    files = {"files", "TCP", "UDP", "abstract sockets", "file sockets", "netlink"}
    processes = {"signals", "other processes", "limits of others", "keyrings", "memory files", "shared memory"}
    assert files | processes <= real
    assert outcomes["memory"] == "MemoryError", "limits hold even without walls"
    assert not {name for name in outcomes if outcomes[name] not in trial.REFUSALS | {"open"}}, (
        "no attempt fails by itself"
    )


def test_a_hole_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does one open wall make the report bad, and an attempt that failed by itself, too?"""
    outcomes = {**dict.fromkeys(trial.WALLS, "OSError"), "TCP": "open", "files": "NameError"}
    monkeypatch.setattr(trial, "try_walls", lambda laid, floor: outcomes)
    code, rows = report()
    first = {row["name"]: row for row in rows if row["area"] == f"walls: {FLOORS[0]}"}
    second = {row["name"]: row for row in rows if row["area"] == f"walls: {FLOORS[1]}"}
    assert code == 1
    assert first["TCP"]["verdict"] == first["files"]["verdict"] == "bad"
    assert "it succeeded" in first["TCP"]["seen"]
    assert second["TCP"]["verdict"] == "note", "no marking is done there"


def test_a_machine_without_the_first_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the second floor the one that counts where the first is refused?"""
    outcomes = {**dict.fromkeys(trial.WALLS, "OSError"), "TCP": "open"}

    def only_second(laid: trial.Bait, floor: str) -> dict[str, str]:
        if floor == FLOORS[0]:
            raise SandboxError("This machine does not allow the sandbox (unshare: Operation not permitted).")
        return outcomes

    monkeypatch.setattr(trial, "try_walls", only_second)
    code, rows = report()
    assert code == 1
    assert {row["name"]: row["verdict"] for row in rows if row["area"] == "walls"} == {
        FLOORS[0]: "note",
        FLOORS[1]: "good",
    }
    outcomes["TCP"] = "OSError"
    assert report()[0] == 0


def test_a_machine_without_a_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is marking called unsafe where every sandbox is refused, with what to do?"""

    def refuse(laid: trial.Bait, floor: str) -> dict[str, str]:
        raise SandboxError("This machine does not allow the sandbox (unshare: Operation not permitted).")

    monkeypatch.setattr(trial, "try_walls", refuse)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "unshare" in result.stdout
    assert "--unsafe" in result.stdout
    assert os.environ.get("SAITEN_DOCTOR_SECRET") is None


def test_a_mechanism_that_is_missing_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is it told what is missing, and is a mechanism that lets everything through a fault?"""
    monkeypatch.setattr(trial, "try_walls", lambda laid, floor: dict.fromkeys(trial.WALLS, "OSError"))
    monkeypatch.setattr(trial, "try_seccomp", lambda: "")
    code, rows = report()
    assert code == 0
    (row,) = [row for row in rows if row["name"] == "seccomp"]
    assert (row["verdict"], "libseccomp2" in row["next_step"]) == ("note", True)
    monkeypatch.setattr(trial, "try_seccomp", lambda: "open")
    assert report()[0] == 1
