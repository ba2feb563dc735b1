"""Where attacks are tried: with Saiten, and with a grader that has no walls, as the peers are."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import attack_target as target

from saiten.bundle import Bundle
from saiten.grading import Engine
from saiten.results import Result


@dataclass(frozen=True)
class Room:
    """Where attacks are tried."""

    engine: Engine
    bundle: Bundle
    course: Path
    """a course on disk, with a gradebook, a source and another student's work in it"""
    plain: subprocess.Popen[str]

    def mark(self, attack: target.Attack, **files: bytes) -> Result:
        """Let an attack's submission be marked."""
        return self.engine.mark(target.hand_in(self.bundle, attack, **files))

    def without_walls(self, attack: target.Attack) -> dict[str, Any]:
        """Have the same submission marked as the peers do; says scores by question, outputs, whether it died."""
        cells = target.cells_of(self.bundle, {**target.RIGHT, **attack.answers}, attack.before, attack.after)
        return self.run_plainly(cells)

    def run_plainly(self, cells: list[dict[str, Any]]) -> dict[str, Any]:
        """The same for raw cells."""
        task = {
            "cells": cells,
            "tests": target.test_sources(self.bundle),
            "right": list(target.RIGHT.values()),
            "cwd": str(self.course / "submitted" / "student-666" / "lesson"),
        }
        assert self.plain.stdin is not None
        assert self.plain.stdout is not None
        print(json.dumps(task), file=self.plain.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.plain.stdout.readline())
        answer["scores"] = {name.removeprefix("test-"): score for name, score in answer["scores"].items()}
        return answer
