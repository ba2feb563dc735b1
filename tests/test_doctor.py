"""Does `saiten doctor` tell what holds here, and would it notice a hole?"""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from saiten import doctor
from saiten.cli import main
from saiten.errors import SandboxError


def test_everything_holds_here() -> None:
    """Is each wall tried and found closed, and is the exit code 0?"""
    result = CliRunner().invoke(main, ["doctor", "--json"])
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    walls = {row["name"]: row["verdict"] for row in rows if row["area"] == "walls"}
    assert walls == dict.fromkeys(["sandbox", *doctor.WALLS], "good")
    assert result.exit_code == 0
    assert {"versions", "data", "machine"} <= {row["area"] for row in rows}


def test_the_attempts_are_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the same attempts succeed where nothing stands in their way?"""
    secret = tmp_path / "secret.txt"
    secret.write_text("seen", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        outcomes = doctor.try_walls(secret, server.getsockname()[1], unsafe=True)
    assert {name: outcomes[name] for name in ("files", "network", "processes", "privileges")} == {
        "files": "open",
        "network": "open",
        "processes": "open",
        "privileges": "open",
    }
    assert outcomes["memory"] == "MemoryError", "limits hold even without walls"


def test_a_hole_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does one open wall make the report bad, and an attempt that failed by itself, too?"""
    outcomes = {**dict.fromkeys(doctor.WALLS, "OSError"), "network": "open", "files": "NameError"}
    monkeypatch.setattr(doctor, "try_walls", lambda secret, port: outcomes)
    result = CliRunner().invoke(main, ["doctor", "--json"])
    rows = {row["name"]: row for row in map(json.loads, result.stdout.splitlines())}
    assert result.exit_code == 1
    assert rows["network"]["verdict"] == rows["files"]["verdict"] == "bad"
    assert "it succeeded" in rows["network"]["seen"]


def test_a_machine_without_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is marking called unsafe where the sandbox is refused, with what to do?"""

    def refuse(secret: Path, port: int) -> dict[str, str]:
        raise SandboxError("This machine does not allow the sandbox (unshare: Operation not permitted).")

    monkeypatch.setattr(doctor, "try_walls", refuse)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "unshare" in result.stdout
    assert "--unsafe" in result.stdout
    assert os.environ.get("SAITEN_DOCTOR_SECRET") is None
