"""Does `make attacks` tell what happened: on plain nbgrader, here on both floors, and by its exit code?"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import attack_table
import pytest
from attack_catalogue import CASES
from attack_notes import note
from attack_table import Row, Share, main, page, totals
from attack_trial import Outcome

FEW = (
    "an object that agrees with everything",
    "Tag every test `skip-execution`: no code, no error, full marks",
    "opens the gradebook",
    "a script in an output",
    "cut off, for a notebook",
)


@pytest.mark.timeout(280)
def test_a_few_attacks_on_everything(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Do attacks that succeed on nbgrader succeed on no floor, and is nothing tried twice that is known already?"""
    options = ["--json", "--jobs", "1", "--notes", str(tmp_path / "notes.jsonl")]
    options += [word for name in FEW for word in ("--only", name)]
    code = main(options)
    captured = capfd.readouterr()
    told = json.loads(captured.out)
    assert captured.err.count("landlock ") == len(FEW)
    assert main([*options, "--resume"]) == 0
    again = capfd.readouterr()
    assert json.loads(again.out) == told
    assert again.err == ""
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


def test_a_run_that_was_ended_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is what was found out kept, what is left tried, and told which column stopped; and does new code begin anew?"""
    notes = tmp_path / "build" / "notes.jsonl"
    tried: list[tuple[str, tuple[str, ...]]] = []

    def run(share: Share) -> str:
        tried.append((share.column, share.names))
        for name in share.names[: 1 if len(tried) == 1 else None]:
            note(share.notes, share.code, share.column, name, Outcome("0 for it", ()))
        return f"{share.column} stopped early: killed" if len(tried) == 1 else ""

    monkeypatch.setattr(attack_table, "_alone", run)
    options = ["--json", "--no-nbgrader", "--jobs", "1", "--notes", str(notes), "--floor", "landlock"]
    options += [word for name in FEW[:3] for word in ("--only", name)]
    with pytest.raises(SystemExit, match="landlock stopped early: killed"):
        main(options)
    with notes.open("a") as file:
        file.write('{"code": "cut o')
    capsys.readouterr()
    assert main([*options, "--resume"]) == 0
    assert len(json.loads(capsys.readouterr().out)["attacks"]) == 3
    in_order = tuple(case.name for case in CASES if case.name in FEW[:3])
    assert tried == [("landlock", in_order), ("landlock", in_order[1:])]
    monkeypatch.setattr(attack_table, "code", lambda: "another version")
    assert main([*options, "--resume"]) == 0
    assert tried[2] == ("landlock", in_order)


def test_the_page_tells_no_time_and_no_place() -> None:
    """Are the bytes of the page those of the attacks alone: no seconds, no date, no folder of this machine?"""
    slow = Row(
        "slow",
        "stopping",
        (),
        "took 41 s, at 8 s a cell",
        ("took 41 s, at 8 s a cell",),
        {"landlock": "0"},
        {"landlock": ()},
    )
    quick = replace(slow, nbgrader="took 44 s, at 8 s a cell", nbgrader_successes=("took 44 s, at 8 s a cell",))
    assert page([slow]) == page([quick])
    assert "took longer than it may" in page([slow])
    assert re.search(r"\d{4}-\d\d-\d\d|/tmp|uid", page([slow])) is None


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
