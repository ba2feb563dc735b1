"""Does `make attacks` tell what happened: on plain nbgrader, here on both floors, and by its exit code?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

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


@pytest.mark.timeout(280)
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


def test_earlier_runs_are_put_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Does each column come from the first file that has it, and is an attack that nobody ran an error?"""
    name = FEW[0]
    here = asdict(Row(name, "lying", (), "not run", None, {"landlock": "0 for it"}, {"landlock": ()}))
    there = asdict(
        Row(name, "lying", (), "2 of 10", ("2 points",), {"landlock": "all"}, {"landlock": ("got through",)})
    )
    files = [tmp_path / "here.json", tmp_path / "there.json"]
    for file, row in zip(files, (here, there), strict=True):
        file.write_text(json.dumps({"attacks": [row]}))
    options = [word for file in files for word in ("--from", str(file))]
    assert main([*options, "--only", name, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["attacks"]
    assert (row["here"], row["nbgrader_successes"]) == ({"landlock": "0 for it"}, ["2 points"])
    with pytest.raises(SystemExit):
        main([*options, "--only", FEW[1]])


def test_an_unknown_attack_is_refused() -> None:
    """Is a name that no attack has an error, and not an empty table?"""
    with pytest.raises(SystemExit) as ended:
        main(["--only", "no such thing"])
    assert ended.value.code == 2
