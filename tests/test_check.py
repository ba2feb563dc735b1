"""Does `saiten check` say that good tests are good, and find each thing that can be wrong with an assignment?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from course_samples import Cell, cell, graded, make_course, quick_run, solution, written
from saiten.build.bundle import make_parts
from saiten.bundle import BundleCell, BundleNotebook, Role
from saiten.check import CheckReport, Fate, Options, State, check_assignment
from saiten.check.hints import look_at_hints
from saiten.check.messages import Search
from saiten.check.order import in_other_order, is_turned
from saiten.check.report import Finding
from saiten.check.secrets import find_secrets
from saiten.check.statics import look
from saiten.check.tails import make_tails
from saiten.check.waivers import Waiver, read_waivers
from saiten.cli import main
from saiten.errors import SourceError

CLAMP = (
    "def clamp(x, low, high):\n    ### BEGIN SOLUTION\n    if x < low:\n        return low\n"
    "    return min(x, high)\n    ### END SOLUTION"
)
STRONG = (
    "for x in range(-9, 20):\n    for low, high in [(0, 7), (-3, 11), (4, 4)]:\n"
    "        right = sorted([x, low, high])[1]\n        assert clamp(x, low, high) == right, 'between the bounds'"
)
SCALE = (
    "def scale(values, factor):\n    ### BEGIN SOLUTION\n    return [value * factor for value in values]\n"
    "    ### END SOLUTION"
)
CELLS = [
    cell("code", "bound = 7\nnames = ['a', 'b']"),
    solution("clamp", CLAMP),
    graded("test-clamp", STRONG, 3),
    cell("code", "drawn = clamp(3, 0, bound)\nprint('a demonstration', drawn)"),
    solution("scale", SCALE),
    graded("test-scale", "assert scale([1], 2) == [2]", 2),
    written("why", "### BEGIN SOLUTION\nBecause.\n### END SOLUTION", 5),
]
RIGHT = (
    "# ---\n# kind: right\n# title: sorted\n# ---\n\n"
    "# %% clamp\ndef clamp(x, low, high):\n    return sorted([x, low, high])[1]\n"
)
MISTAKE = (
    "# ---\n# kind: mistake\n# title: forgets the upper bound\n# scores: {clamp: 0}\n# ---\n\n"
    "# %% clamp\ndef clamp(x, low, high):\n    return max(x, low)\n"
)


def check(
    folder: Path,
    cells: Sequence[Cell] = CELLS,
    *,
    files: Mapping[str, str] | None = None,
    options: Options | None = None,
    toml: str = "",
) -> CheckReport:
    """Check a course of one notebook."""
    assignment = make_course(folder, {"n1": cells}, files=files, toml=toml)
    return check_assignment(assignment, options or Options(mutants=False))


def failed(report: CheckReport) -> dict[str, str]:
    """Check to text of what does not hold."""
    return {each.check: each.text for each in report.findings if each.state is State.FAILS}


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory) -> CheckReport:
    """A question with good tests, one with bad tests, and a right and a wrong planted answer, by two workers."""
    files = {"answers/right-sorted.py": RIGHT, "answers/clamp-no-upper.py": MISTAKE}
    return check(tmp_path_factory.mktemp("proved"), files=files, options=Options(workers=2))


def test_the_reference_and_the_release_are_tried(proved: CheckReport) -> None:
    """Are both runs of the reference and the release among what holds, with the order turned?"""
    held = [each.text for each in proved.findings if each.state is State.HOLDS]
    assert "The reference gets full marks." in held
    assert any("in another order of the questions" in text for text in held)
    assert "The untouched release gets 0 points." in held
    assert (proved.max_score, proved.manual) == (10, 5)


def test_planted_answers_get_what_they_declare(proved: CheckReport) -> None:
    """Are the right way and the mistake marked, each with what it has to get?"""
    rows = {row.name: row for row in proved.answers}
    assert rows["right-sorted"].found == {"clamp": 3, "scale": 2}
    assert rows["clamp-no-upper"].found == {"clamp": 0}
    assert all(row.holds for row in rows.values())
    assert "answers" not in failed(proved)


def test_strong_tests_kill_every_mutant_but_equal_ones(proved: CheckReport) -> None:
    """Does the question with exhaustive tests leave only mutants that are the same function?"""
    clamp = next(each for each in proved.questions if each.question == "clamp")
    assert len(clamp.mutants) >= 10
    alive = [row for row in clamp.mutants if row.fate is Fate.SURVIVED]
    assert [row.diff for row in alive if "x <= low" not in row.diff] == []
    assert (clamp.tests, clamp.right, clamp.mistakes) == (1, 1, 1)


def test_weak_tests_leave_mutants_alive(proved: CheckReport) -> None:
    """Is `value * factor` changed to something that is the same for the one input that the test tries?"""
    scale = next(each for each in proved.questions if each.question == "scale")
    alive = [row for row in scale.mutants if row.fate is Fate.SURVIVED]
    assert any("+    return [factor for value in values]" in row.diff for row in alive)
    share = scale.killed_share
    assert share is not None
    assert share < 0.95
    assert "scale" in failed(proved)["mutants"]
    assert not proved.holds


def test_public_data_is_plain(proved: CheckReport) -> None:
    """Can `--json` print it, with the shares and the fates?"""
    raw = json.loads(json.dumps(proved.public()))
    assert raw["holds"] is False
    assert {"killed", "survived", "waived", "killed_share"} <= set(raw["questions"][0])
    assert raw["questions"][0]["mutants"][0]["fate"] in {"killed", "survived", "waived"}


def test_an_answer_that_declares_something_else(tmp_path: Path) -> None:
    """Is a mistake that passes named, with file, question and both numbers?"""
    wrong = MISTAKE.replace("max(x, low)", "max(low, min(x, high))")
    report = check(tmp_path, files={"answers/clamp-no-upper.py": wrong})
    (finding,) = [each for each in report.findings if each.state is State.FAILS]
    assert finding.cell == "answers/clamp-no-upper.py"
    assert "clamp has to get 0, got 3" in finding.text


def test_a_mistake_that_spoils_a_later_question(tmp_path: Path) -> None:
    """Is it seen that a wrong answer costs points in a question behind it, too?"""
    cells = [
        *CELLS[:4],
        solution("twice", "def twice(x):\n    return clamp(2 * x, 0, 7)"),
        graded("t2", "assert twice(9) == 7"),
    ]
    report = check(tmp_path, cells, files={"answers/clamp-no-upper.py": MISTAKE})
    (row,) = report.answers
    assert row.found == {"clamp": 0, "twice": 0}
    assert "twice has to get 1, got 0" in failed(report)["answers"]


def test_mistakes_beyond_their_question(tmp_path: Path) -> None:
    """Is a mistake in two questions run whole, and one refused that declares a loss where nothing uses its cell?"""
    wide = (
        MISTAKE.replace("{clamp: 0}", "{clamp: 0, scale: 0}")
        + "\n# %% scale\ndef scale(values, factor):\n    return 0\n"
    )
    far = MISTAKE.replace("{clamp: 0}", "{clamp: 0, scale: 1}")
    report = check(tmp_path, files={"answers/wide.py": wide, "answers/far.py": far})
    rows = {row.name: row for row in report.answers}
    assert rows["wide"].holds
    assert rows["wide"].found == {"clamp": 0, "scale": 0}
    assert "scale has to get 1, got what the reference gets" in failed(report)["answers"]


def test_a_right_way_that_loses_points(tmp_path: Path) -> None:
    """Is a right answer that the tests reject shown with the test's words?"""
    report = check(tmp_path, files={"answers/right.py": RIGHT.replace("[1]", "[0]")})
    assert "clamp has to get 3, got 0" in failed(report)["answers"]
    assert "between the bounds" in failed(report)["answers"]


def test_a_right_way_that_stops_a_demonstration(tmp_path: Path) -> None:
    """Is a right answer found that gets its points but stops a later cell, and none that stops where all do?"""
    cells = [*CELLS, cell("code", "assert type(clamp(3, 0, bound)) is int, 'a table of whole numbers'")]
    other = RIGHT.replace("sorted([x, low, high])[1]", "float(sorted([x, low, high])[1])")
    said = failed(check(tmp_path / "stops", cells, files={"answers/right.py": other}))
    assert "this cell stops: AssertionError: a table of whole numbers" in said["answers"]
    cells = [*CELLS, cell("code", "clamp(3, 0, bound) / 0", tags=["raises-exception"])]
    assert failed(check(tmp_path / "anyhow", cells, files={"answers/right.py": other})) == {}


def test_a_reference_that_leans_on_hashes(tmp_path: Path) -> None:
    """Does another hash seed show that an answer depends on the order of a set?

    The build runs the reference with this process's own seed; the notebook notes there what it saw.
    """
    words = "['axon', 'soma', 'spine', 'dendrite', 'synapse', 'myelin', 'glia', 'cortex']"
    cells = [
        cell("code", f"words = {words}"),
        solution("order", "def order():\n    return list(set(words))"),
        graded(
            "t",
            "import os\nif os.environ.get('PYTHONHASHSEED') == '0':\n    assert order() == list(set(words))\n"
            "elif os.environ.get('PYTHONHASHSEED') == '4711':\n    assert order() == sorted(words), 'in order'",
        ),
    ]
    report = check(tmp_path, cells)
    assert "reference again" in failed(report)["reference"]
    assert "in order" in failed(report)["reference"]


def test_an_untouched_release_that_gets_points(tmp_path: Path) -> None:
    """Is a test that the released stub passes found?"""
    ready = solution("ready", "### BEGIN SOLUTION\nready = True\n### END SOLUTION")
    stub = "c.ClearSolutions.code_stub = {'python': 'ready = False'}"
    cells = [ready, graded("t", "assert ready in (True, False)", 2)]
    assignment = make_course(tmp_path, {"n1": cells}, config=stub)
    report = check_assignment(assignment, Options(mutants=False))
    assert "gets 2 points" in failed(report)["release"]


def test_a_test_that_leans_on_another_question(tmp_path: Path) -> None:
    """Is a test named that uses another question's answer, and not one that binds the name itself?"""
    cells = [*CELLS[:6], solution("c", "def c():\n    return 1"), graded("t3", "assert c() == clamp(1, 0, 3)")]
    report = check(tmp_path, cells)
    assert [each.cell for each in report.findings if each.check == "independence"] == ["t3"]
    assert "clamp" in failed(report)["independence"]


def test_a_leak_is_a_finding(tmp_path: Path) -> None:
    """Is a solution's line in a public file named, and everything else tried all the same?"""
    report = check(tmp_path, files={"notes.txt": "return [value * factor for value in values]\n"})
    assert "notes.txt" in failed(report)["leaks"]
    assert "The reference gets full marks." in [each.text for each in report.findings]


HINTS = """\
[hints.clamp]
ja = "紙に三つの数を書いてみましょう。"
en = "Write three numbers on paper."

[hints.why]
ja = "図を描きましょう。"
en = "Draw it."
"""


def hints_of(folder: Path, toml: str, config: str = "", cells: Sequence[Cell] = CELLS) -> list[Finding]:
    """What is found about the hints of an assignment.toml."""
    assignment = make_course(folder, {"n1": cells}, toml=toml, config=config)
    return list(look_at_hints(make_parts(assignment, run=quick_run), assignment))


def test_hints_belong_to_questions(tmp_path: Path) -> None:
    """Do good hints hold, for a person's questions as well, and is an assignment without hints left in peace?"""
    (finding,) = hints_of(tmp_path / "good", HINTS)
    assert (finding.check, finding.state) == ("hints", State.HOLDS)
    assert finding.text == "2 of 3 questions have a hint, each in ja, en."
    assert hints_of(tmp_path / "none", "") == []


def test_a_hint_for_no_question(tmp_path: Path) -> None:
    """Is a hint refused that no page would show, with the nearest name, or all names where none is near?"""
    (near,) = hints_of(tmp_path / "near", HINTS.replace("clamp", "clmap"))
    assert near.state is State.FAILS
    assert (near.cell, near.next_step) == ("clmap", "Did you mean [hints.clamp]?")
    (far,) = hints_of(tmp_path / "far", HINTS.replace("clamp", "test-of-nothing"))
    assert far.next_step == "There are: clamp, scale, why."
    (test,) = hints_of(tmp_path / "test", HINTS.replace("clamp", "test-clamp"))
    assert test.state is State.FAILS, "a test cell is no question"


def test_a_hint_in_one_language(tmp_path: Path) -> None:
    """Is a language named that a hint lacks or leaves empty, and only those of the course?"""
    for name, toml in (("gone", HINTS.replace('en = "Draw it."\n', "")), ("empty", HINTS.replace("Draw it.", " "))):
        (finding,) = hints_of(tmp_path / name, toml)
        assert finding.state is State.FAILS
        assert finding.text == "The hint for why lacks en."
    gone = HINTS.replace('en = "Draw it."\n', "")
    (finding,) = hints_of(tmp_path / "ja", gone, config='c.Saiten.languages = ["ja"]')
    assert finding.state is State.HOLDS


@pytest.mark.parametrize("before", ["return ", ""])
def test_a_hint_that_tells_the_solution(before: str, tmp_path: Path) -> None:
    """Is a line of a solution found in a hint, without its `return`, too, and left alone where all can see it?"""
    line = "[value * factor for value in values]"
    told = HINTS.replace("Draw it.", f"Write {before}{line}, and look.")
    (finding,) = hints_of(tmp_path / "told", told)
    assert finding.state is State.FAILS
    assert finding.cell == "why"
    assert "scale" in finding.text
    shown = [cell("markdown", f"Such as `return {line}`."), *CELLS]
    (finding,) = hints_of(tmp_path / "shown", told, cells=shown)
    assert finding.state is State.HOLDS


def test_hints_are_part_of_the_proof(tmp_path: Path) -> None:
    """Does `saiten check` look at hints?"""
    assignment = make_course(tmp_path, {"n1": CELLS}, toml=HINTS.replace("clamp", "clmap"))
    findings = [each for each in look(make_parts(assignment, run=quick_run), assignment) if each.check == "hints"]
    assert [each.cell for each in findings] == ["clmap"]


def test_a_test_that_uses_an_answer_before_it_binds_the_name(tmp_path: Path) -> None:
    """Is keeping another question's answer aside a use of it?"""
    text = "kept = clamp\nclamp = None\nassert c() == 1\nclamp = kept"
    cells = [*CELLS[:6], solution("c", "def c():\n    return 1"), graded("t3", text)]
    assert "clamp" in failed(check(tmp_path, cells))["independence"]


def test_tests_in_the_students_process_and_names_of_ours(tmp_path: Path) -> None:
    """Are tests that can be lied to shown, and a solution that takes the name `reference`?"""
    cells = [
        cell("code", "size = 3"),
        solution("a", "reference = 1\nsize = 4"),
        graded("t", "assert size == 4", tags=["in-student"]),
    ]
    report = check(tmp_path, cells)
    states = {(each.check, each.state) for each in report.findings}
    assert ("in-student", State.LOOK) in states
    assert ("names", State.FAILS) in states
    assert any("binds size anew" in each.text for each in report.findings)


def test_pictures_where_none_are_shown(tmp_path: Path) -> None:
    """Is an author told whose call attaches nothing: in a hidden part, in the student's process; and no other?"""
    call = "with attach_pictures('a', a()):\n    assert a() == 1"
    hidden = f"### BEGIN HIDDEN TESTS\n{call}\n### END HIDDEN TESTS"
    cells = [
        cell("code", "from saiten.pictures import attach_pictures"),
        solution("a", "def a():\n    return 1"),
        graded("public", call),
        graded("hidden", f"{call}\n{hidden}"),
        graded("inside", call, tags=["in-student"]),
    ]
    assignment = make_course(tmp_path, {"n1": cells})
    findings = [each for each in look(make_parts(assignment, run=quick_run), assignment) if each.check == "pictures"]
    assert [(each.cell, each.state) for each in findings] == [("hidden", State.LOOK), ("inside", State.LOOK)]


def test_answers_that_know_nothing(tmp_path: Path, proved: CheckReport) -> None:
    """Are tests found that NaN passes? An answer that zeroes its argument the engine itself keeps from passing."""
    assert [each.state for each in proved.findings if each.check == "cheats"] == [State.HOLDS]
    cells = [
        cell("code", "import numpy as np"),
        solution("half", "def half(x):\n    return x / 2"),
        graded("t1", "wrong = abs(half(3.0) - 1.5) > 1e-9\nassert not wrong, 'half of it'"),
        solution("twice", "def twice(x):\n    return 2 * x"),
        graded("t2", "x = np.ones(4)\ny = twice(x)\nassert np.all(y == 2 * x), 'twice'"),
    ]
    report = check(tmp_path, cells)
    said = [each.text for each in report.findings if each.check == "cheats" and each.state is State.FAILS]
    assert any(text.startswith("half: functions that return NaN") for text in said)
    assert not any(text.startswith("twice") for text in said)


def test_waivers(tmp_path: Path, proved: CheckReport) -> None:
    """Does a waiver count where a mutant survived, and is one refused that a test kills, or that is no mutant?"""
    scale = next(each for each in proved.questions if each.question == "scale")
    clamp = next(each for each in proved.questions if each.question == "clamp")
    alive = next(row.name for row in scale.mutants if row.fate is Fate.SURVIVED)
    dead = next(row.name for row in clamp.mutants if row.fate is Fate.KILLED)
    waive = '[[waive]]\nquestion = "{}"\nmutant = "{}"\nreason = "the same"\n'
    text = waive.format("scale", alive) + waive.format("clamp", dead) + waive.format("clamp", "none-12345678")
    report = check(tmp_path, files={"waivers.toml": text}, options=Options(workers=2))
    again = next(each for each in report.questions if each.question == "scale")
    assert [(row.fate, row.message) for row in again.mutants if row.name == alive] == [(Fate.WAIVED, "the same")]
    said = [each.text for each in report.findings if each.check == "waivers"]
    assert any("a test kills it" in each for each in said)
    assert any("there is no such mutant" in each for each in said)


@pytest.mark.parametrize(
    "text",
    ["not toml", "other = 1", '[[waive]]\nquestion = "a"', '[[waive]]\nquestion = "a"\nmutant = "b"\nreason = " "'],
)
def test_waivers_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    """Is a damaged file told in one sentence that names it?"""
    path = tmp_path / "waivers.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"waivers\.toml"):
        read_waivers(path)


def test_waivers_twice_and_none(tmp_path: Path) -> None:
    """Is one that stands there twice refused, and is no file no waiver?"""
    path = tmp_path / "waivers.toml"
    assert read_waivers(path) == []
    one = '[[waive]]\nquestion = "a"\nmutant = "b"\nreason = "c"\n'
    path.write_text(one, encoding="utf-8")
    assert read_waivers(path) == [Waiver("a", "b", "c")]
    path.write_text(one * 2, encoding="utf-8")
    with pytest.raises(SourceError, match="twice"):
        read_waivers(path)


def code(name: str, role: Role, source: str, brings: Sequence[str] = ()) -> BundleCell:
    """Make a cell of a bundle."""
    points = 1.0 if role in (Role.TEST, Role.MANUAL) else 0.0
    return BundleCell(name, name, role, "code", source, source, points=points, brings=tuple(brings))


NOTEBOOK = BundleNotebook(
    "n",
    (
        code("data", Role.SETUP, "x = [1]", ["x"]),
        code("show", Role.SETUP, "shown = print(x)", ["shown"]),
        code("a", Role.SOLUTION, "def a(): return x", ["a"]),
        code("ta", Role.TEST, "assert a()"),
        code("b", Role.SOLUTION, "def b(): return a()", ["b"]),
        code("tb", Role.TEST, "assert b()"),
        code("work", Role.SETUP, "x.append(2)"),
        code("c", Role.SOLUTION, "def c(): return x", ["c"]),
        code("tc", Role.TEST, "assert c()"),
    ),
)


def test_questions_are_turned_round_where_they_can() -> None:
    """Does the last question come first, and the one that uses another stay behind it?"""
    turned = in_other_order(NOTEBOOK)
    assert [each.id for each in turned.cells] == ["data", "show", "c", "tc", "a", "ta", "b", "tb", "work"]
    assert is_turned(NOTEBOOK, turned)
    assert not is_turned(NOTEBOOK, NOTEBOOK)


def test_tails_hold_what_a_question_needs() -> None:
    """Is the rest left out, and kept where it is asked for; do cells that work on a needed object stay?"""
    from saiten.bundle import Bundle

    bundle = Bundle("a1", (NOTEBOOK,))
    seconds = {"n": {each.id: 1.0 for each in NOTEBOOK.cells}}
    tails = {tail.question: [each.id for each in tail.notebook.cells] for tail in make_tails(bundle, seconds)}
    assert tails == {
        "a": ["data", "a", "ta", "b", "tb"],
        "b": ["data", "a", "b", "tb"],
        "c": ["data", "work", "c", "tc"],
    }
    entire = {tail.question: tail for tail in make_tails(bundle, seconds, prune=False)}
    assert [each.id for each in entire["c"].notebook.cells] == ["data", "show", "a", "b", "work", "c", "tc"]
    assert all(each.role is Role.SETUP for each in entire["c"].notebook.cells[:5])


def test_command_line(tmp_path: Path, proved: CheckReport) -> None:
    """Are findings, the table, a surviving change and the verdict shown, with exit code 1; and JSON for machines?"""
    make_course(tmp_path, {"n1": CELLS})
    ran = CliRunner().invoke(main, ["check", "a1", "--course", str(tmp_path), "--question", "scale"])
    assert ran.exit_code == 1
    for words in ("survived: scale:", "+    return [", "does not hold", "questions: scale", "→ Add an input"):
        assert words in ran.stdout
    ran = CliRunner().invoke(main, ["check", "--course", str(tmp_path), "--no-mutants", "--json"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["assignment"] == "a1"


def test_bad_input_on_the_command_line(tmp_path: Path) -> None:
    """Is what cannot be tried told in one sentence, with exit code 2?"""
    make_course(tmp_path, {"n1": CELLS})
    for arguments, words in [
        (["a2"], "no assignment 'a2'"),
        (["a1", "--question", "other"], "no automatically marked question 'other'"),
    ]:
        ran = CliRunner().invoke(main, ["check", *arguments, "--course", str(tmp_path)])
        assert ran.exit_code == 2
        assert words in ran.output
        assert "Traceback" not in ran.output


HINTED = (
    "### BEGIN HIDDEN TESTS\nimport numpy as np\nvalues = np.random.default_rng(7).uniform(-3, 3, 5)\n"
    "right = reference.scale(values, 2.75)\ngot = scale(values.copy(), 2.75)\n"
    "assert len(got) == 5 and np.allclose(got, right), {message}\n"
    "assert scale(['secret-word'], 2) == ['secret-word' * 2], 'text'\n### END HIDDEN TESTS"
)
TWICE = "def twice(values):\n    ### BEGIN SOLUTION\n    return [2 * value for value in values]\n    ### END SOLUTION"
SHAPES = (
    "### BEGIN HIDDEN TESTS\nfor n in (3, 8):\n    got = twice(list(range(n)))\n"
    "    assert len(got) == n, f'{len(got)} values, not {n} (n={n})'\n"
    "    assert got == [2 * k for k in range(n)], f'wrong (n={n})'\n### END HIDDEN TESTS"
)
HINTING = [
    solution("scale", SCALE),
    graded("test-scale", HINTED.format(message="f'you gave {got}'"), 2),
    solution("twice", TWICE),
    graded("test-twice", SHAPES, 2),
]


def test_a_message_that_tells_what_a_hidden_test_knows(tmp_path: Path) -> None:
    """Is it found that an answer which repeats its argument could read it, and are sizes no secret?"""
    report = check(tmp_path, HINTING)
    (finding,) = [each for each in report.findings if each.check == "messages"]
    assert (finding.state, finding.cell) == (State.FAILS, "test-scale")
    assert "(cheat:echo) would read the number" in finding.text


def test_which_texts_tell_a_secret(tmp_path: Path) -> None:
    """Are inputs, expected values, texts and lines found in a message, and nothing where there is nothing?"""
    import numpy as np

    values = np.random.default_rng(7).uniform(-3, 3, 5)
    parts = make_parts(make_course(tmp_path, {"n1": HINTING}))
    search = Search(parts.notebooks, find_secrets(parts))
    leaks = [
        *(f"wrong for {values[0]:.4f}", f"wrong for {values[1]:.3e}", f"got {values}", f"not {2.75 * values[3]}"),
        *("wrong where factor = 2.75", "try secret-word", "see right = reference.scale(values, 2.75) there"),
    ]
    assert [leak for leak in leaks if not search.find(leak)] == []
    harmless = [
        *("2 of 5 values are wrong (n=5): see 3.14", "値が 2 個違います: (5, 3) / 12345 values, 0.125", "", "2.7 2.76"),
        *(f"wrong for {values[0] + 0.01:.4f}", "your code raised TypeError (in your code: cell scale, line 2)"),
    ]
    assert [text for text in harmless if search.find(text)] == []
