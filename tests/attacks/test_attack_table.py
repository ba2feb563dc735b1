"""Does `make attacks` tell what happened: on plain nbgrader, here on both floors, and by its exit code?"""

from __future__ import annotations

import json

import attack_table
import pytest
from attack_table import Row, main, page, totals

FEW = (
    "an object that agrees with everything",
    "Tag every test `skip-execution`: no code, no error, full marks",
    "opens the gradebook",
    "a script in an output",
    "cut off, for a notebook",
)


@pytest.mark.timeout(120)
def test_a_few_attacks_on_everything(capfd: pytest.CaptureFixture[str]) -> None:
    """Do attacks that succeed on nbgrader succeed on no floor?"""
    code = main(["--json", "--jobs", "1", *(word for name in FEW for word in ("--only", name))])
    told = json.loads(capfd.readouterr().out)
    by_name = {row["attack"]: row for row in told["attacks"]}
    assert set(by_name) == set(FEW)
    assert {name for name, row in by_name.items() if row["nbgrader_successes"]} == set(FEW[:4])
    for row in by_name.values():
        assert row["successes"] == {floor: [] for floor in attack_table.FLOORS}, row
    assert told["totals"]["run on nbgrader"] == len(FEW)
    assert code == 0


def _row(*got: str) -> Row:
    here = {"namespaces": "0 for it"}
    return Row("a | b <script>", "lying", (), "not run: x", None, here, {"namespaces": got})


def test_a_success_is_counted_and_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Is one attack that succeeds enough for another exit code, and is it told in every form?"""
    table = [_row(), _row("2 points for wrong answers")]
    assert totals(table)["succeeded on namespaces"] == 1
    assert "2 points for wrong answers" in page(table)
    assert "<script>" not in page(table)
    monkeypatch.setattr(attack_table, "rows", lambda *_, **__: table)
    assert main([]) == 1
    assert "2 points" in capsys.readouterr().out
    assert main(["--json"]) == 1
    assert json.loads(capsys.readouterr().out)["totals"]["succeeded on namespaces"] == 1


def test_an_unknown_attack_is_refused() -> None:
    """Is a name that no attack has an error, and not an empty table?"""
    with pytest.raises(SystemExit) as ended:
        main(["--only", "no such thing"])
    assert ended.value.code == 2
