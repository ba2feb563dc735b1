"""What a run of `make attacks` has found out so far, kept on disk: a run that was ended goes on where it was.

In: outcomes, one after another, from several processes. Out: the same, for as long as the code is what it was.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from attack_trial import Outcome

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "build" / "attacks.jsonl"
_CODE = ("src/saiten/**/*.py", "tests/attacks/*.py", "tests/attacks/items.toml", "tests/lessons.py")


@cache
def code() -> str:
    """Hash of the code that attacks and that is attacked, as it was when this process first asked."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(path for pattern in _CODE for path in ROOT.glob(pattern)):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def note(file: Path, version: str, column: str, name: str, outcome: Outcome) -> None:
    """Add an outcome: one line, written at once, so that processes do not tear each other's."""
    entry = {"code": version, "column": column, "attack": name, "verdict": outcome.verdict, "got": outcome.successes}
    descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, b"\n" + json.dumps(entry).encode() + b"\n")  # apart from a line that a kill has cut off
    finally:
        os.close(descriptor)


def noted(file: Path, version: str) -> dict[str, dict[str, Outcome]]:
    """Column to attack to the last outcome that this version of the code had; a line cut off by a kill is none."""
    found: dict[str, dict[str, Outcome]] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else ():
        try:
            entry: Mapping[str, str] = json.loads(line)
        except json.JSONDecodeError:
            continue
        if entry["code"] == version:
            found.setdefault(entry["column"], {})[entry["attack"]] = Outcome(entry["verdict"], tuple(entry["got"]))
    return found
