"""Can a proof be made on the floor that one asks for, and is it said which one it was?"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from course_samples import graded, make_course, solution
from saiten.check import Options, State, check_assignment
from saiten.cli import main
from saiten.grading import Engine
from saiten.results import Result
from saiten.submission import Submission

CELLS = [
    solution("double", "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * x\n    ### END SOLUTION"),
    graded("test-double", "assert [double(x) for x in (0, 3, -4)] == [0, 6, -8]", 2),
]


def test_everything_is_marked_on_that_floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is every engine's sandbox the one that was asked for, and no other?"""
    floors = set()
    mark = Engine.mark

    def noted(self: Engine, submission: Submission, until: str | None = None) -> Result:
        result = mark(self, submission, until)
        floors.add(self.floor)
        return result

    monkeypatch.setattr(Engine, "mark", noted)
    assignment = make_course(tmp_path, {"n1": CELLS})
    report = check_assignment(assignment, Options(mutants=False, floor="landlock"))
    assert report.holds, [each for each in report.findings if each.state is State.FAILS]
    assert floors == {"landlock"}
    assert [each.text for each in report.findings if each.check == "floor"] == [
        "All was marked on the floor 'landlock'."
    ]


def test_a_floor_that_does_not_exist() -> None:
    """Is a misspelt floor refused, with the names of those that there are?"""
    done = CliRunner().invoke(main, ["check", "--floor", "cellar"])
    assert done.exit_code == 2
    assert "namespaces" in done.output
    assert "landlock" in done.output
