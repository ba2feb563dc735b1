"""Does a drawn part of the mutants try every kind of change, the same each time, and is it not taken for all?"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from course_samples import cell, graded, make_course, solution
from saiten.check import CheckReport, Fate, MutantRow, Options, QuestionProof, State, check_assignment
from saiten.check.html import render
from saiten.check.mutants import MutantJob, draw, judge
from saiten.check.report import Finding
from saiten.check.waivers import Waiver
from saiten.cli import main
from saiten.cli.check_table import print_check
from saiten.mutate import Mutant

NUMBERS = {"comparison": 40, "arithmetic": 9, "constant": 3, "return": 1}
"""Operator to how many mutants it makes."""
DRAWN = 3


def made() -> list[MutantJob]:
    """Mutants of one question, operators mixed as in a text."""
    names = [(operator, number) for operator, total in NUMBERS.items() for number in range(total)]
    names.sort(key=lambda each: (each[1], each[0]))
    return [
        MutantJob(f"{operator}-{number}", mutant=Mutant(f"{operator}-{number}", operator, "", 1, "", ""), cell="c")
        for operator, number in names
    ]


def kinds(jobs: Sequence[MutantJob]) -> Counter[str]:
    """How many of each operator there are."""
    return Counter(job.mutant.operator for job in jobs)


@pytest.mark.parametrize("number", [4, 5, 12, 20, 52])
def test_every_kind_of_change_is_drawn(number: int) -> None:
    """Does each operator get its turn before any gets another, until the number is full, in the order of the text?"""
    every = made()
    chosen = draw(every, number, "seed")
    assert len(chosen) == number
    assert chosen == [job for job in every if job in chosen]
    counts = kinds(chosen)
    most = max(counts.values())
    assert all(counts[each] >= min(total, most - 1) for each, total in NUMBERS.items())


def test_the_same_seed_draws_the_same() -> None:
    """Does another seed draw others, and no order in which they are made change anything?"""
    every = made()
    names = {job.name for job in draw(every, 8, "seed")}
    assert names == {job.name for job in draw(every[::-1], 8, "seed")}
    assert any(names != {job.name for job in draw(every, 8, seed)} for seed in ("a", "b", "c"))
    once = {draw(every, 1, f"seed {number}")[0].mutant.operator for number in range(40)}
    assert once == NUMBERS.keys(), "where there is no room for all, none is always left out"


@pytest.mark.parametrize("number", [None, 53, 1000])
def test_all_are_taken_where_there_is_room(number: int | None) -> None:
    """Is nothing left out that need not be?"""
    every = made()
    assert draw(every, number, "seed") == every


def proof(*fates: Fate, drawn_from: int | None) -> QuestionProof:
    """A question with mutants m0, m1, ... that ended so."""
    rows = tuple(MutantRow(f"m{number}", "comparison", "c", 1, "", fate) for number, fate in enumerate(fates))
    return QuestionProof("q", 4, 1, 0, 0, rows, drawn_from)


def said(proofs: Sequence[QuestionProof], waivers: Sequence[Waiver]) -> list[Finding]:
    """The judgement on question q, of which there are a hundred mutants."""
    return list(judge(proofs, waivers, {"q": {f"m{number}" for number in range(100)}}, whole=True))


def test_waivers_of_what_was_not_drawn() -> None:
    """Is a waiver stale only if there is no such mutant or a test kills it, and does each count against the limit?"""
    proofs = [proof(*[Fate.KILLED] * 9, Fate.WAIVED, drawn_from=100)]
    drawn, other, killed, gone = (Waiver("q", name, "equal") for name in ("m9", "m50", "m3", "m100"))
    (mutants, waivers) = said(proofs, [drawn, other])
    assert mutants.text == "9 of 10 mutants, drawn from 100, killed, at least 95% in every question."
    assert (waivers.state, waivers.text) == (State.HOLDS, "2 of 100 mutants are waived as equal to the reference.")
    texts = [each.text for each in said(proofs, [drawn, killed, gone]) if each.state is State.FAILS]
    assert texts == ["q: m3 is waived, but a test kills it.", "q: m100 is waived, but there is no such mutant."]
    many = [drawn, *(Waiver("q", f"m{number}", "equal") for number in range(50, 55))]
    assert [each.text for each in said(proofs, many) if each.state is State.FAILS] == [
        "6 of 100 mutants are waived, more than 5%."
    ]
    elsewhere = said(proofs, [Waiver("gone", "m1", "equal")])
    assert "gone: m1 is waived, but there is no such mutant." in [each.text for each in elsewhere]


def test_the_floor_holds_for_what_was_drawn() -> None:
    """Does one survivor among twelve fail, with what was drawn; and is nothing claimed where all are waived?"""
    (weak,) = said([proof(*[Fate.KILLED] * 11, Fate.SURVIVED, drawn_from=100)], [])
    assert weak.state is State.FAILS
    assert weak.text.startswith("q: 91.7% of 12 mutants, drawn from 100, killed, not 95%: m11")
    (look, waived) = said([proof(Fate.WAIVED, drawn_from=100)], [Waiver("q", "m0", "equal")])
    assert (look.state, look.text) == (State.LOOK, "q: every mutant that was tried is waived.")
    assert waived.check == "waivers"


CELLS = [
    cell("code", "bound = 7"),
    solution(
        "clamp",
        "def clamp(x, low, high):\n    ### BEGIN SOLUTION\n    if x < low:\n        return low\n"
        "    return min(x, high)\n    ### END SOLUTION",
    ),
    graded(
        "test-clamp",
        "for x in range(-9, 20):\n    for low, high in [(0, 7), (-3, 11), (4, 4)]:\n"
        "        assert clamp(x, low, high) == sorted([x, low, high])[1], 'between the bounds'",
        3,
    ),
]
EQUAL = '[[waive]]\nquestion = "clamp"\nmutant = "{}"\nreason = "At the bound both branches give the bound."\n'


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> CheckReport:
    """A course of which three mutants were drawn."""
    assignment = make_course(tmp_path_factory.mktemp("drawn"), {"n1": CELLS})
    return check_assignment(assignment, Options(draw=DRAWN))


def test_what_was_drawn_is_marked_and_said(report: CheckReport, capsys: pytest.CaptureFixture[str]) -> None:
    """Do the table, `--json` and the page say how many of how many, and does the verdict say that it is in part?"""
    (question,) = report.questions
    assert len(question.mutants) == DRAWN
    assert len({row.operator for row in question.mutants}) == DRAWN
    assert question.made > 10
    words = f"{DRAWN} of {question.made} drawn"
    print_check(report)
    shown = capsys.readouterr().out
    assert words in " ".join(shown.split("┃")[-1].replace("│", " ").split())
    assert f"only in part: mutants: {words}" in shown
    raw = json.loads(json.dumps(report.public()))
    assert raw["options"] == {"mutants": words}
    assert (raw["questions"][0]["made"], raw["questions"][0]["drawn_from"]) == (question.made, question.made)
    page = render(report, ("ja", "en"), {"ja": "範囲", "en": "Bounds"})
    assert words in page
    assert f"{question.made} 個から {DRAWN} 個を抽出" in page


def test_command_line(tmp_path: Path) -> None:
    """Is a part drawn with `--draw`, as large as there is, and is it refused together with `--no-mutants`?"""
    make_course(tmp_path, {"n1": CELLS}, files={"waivers.toml": EQUAL.format("none-12345678")})
    ran = CliRunner().invoke(main, ["check", "a1", "--course", str(tmp_path), "--draw", "1", "--json"])
    assert ran.exit_code == 1
    raw = json.loads(ran.stdout)
    assert [len(each["mutants"]) for each in raw["questions"]] == [1]
    assert [each["text"] for each in raw["findings"] if each["state"] == "fails"] == [
        "clamp: none-12345678 is waived, but there is no such mutant."
    ]
    for arguments in (["--draw", "0"], ["--draw", "2", "--no-mutants"]):
        ran = CliRunner().invoke(main, ["check", "a1", "--course", str(tmp_path), *arguments])
        assert ran.exit_code == 2
