"""Does `saiten similar` find copied work, whatever was done to hide it, and leave independent work alone?"""

from __future__ import annotations

import ast
import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from course_samples import Cell, make_course, notebook_json, solution, written
from saiten.answers import Kind as AnswerKind
from saiten.answers import read_answers
from saiten.build import make_bundle
from saiten.bundle import Bundle
from saiten.cli import main
from saiten.course import Assignment, Course
from saiten.errors import CourseError
from saiten.grading.reference import ReferenceCell
from saiten.sample.work import Exercise
from saiten.similar import Comparison, Similar, compare_works, rows, write_similar
from saiten.similar.compare import most_students, released_grams, worth
from saiten.similar.normal import MOST_CHARACTERS, of_code, of_prose
from saiten.similar.passages import side_by_side
from saiten.similar.prints import CODE, fingerprints, grams
from saiten.similar.words import WORDS
from saiten.similar.work import Kind, Part, Work, parts_of

ROOT = Path(__file__).parent.parent
LESSON = "01-regularization"
SCRIPT = "<script>document.title='taken'</script>"
ESSAY = (
    "訓練データの誤差は次数とともに小さくなりますが、検証データの誤差は途中から大きくなりました。これは過剰適合です。"
    "次数が高いと曲線が点の間で大きく振れてしまうので、罰則を加えて係数を小さくするとよいと考えました。"
)
OTHER_ESSAY = (
    "図を見ると、点が少ない所で線が暴れていました。人を増やして測り直したら落ち着いたので、データの量が大事だと思います。"
    "罰則については、強すぎると平らになり、弱すぎると何も変わらないことを、実際に値を変えて確かめました。"
)


def nothing_run(cells: Sequence[object], **_: object) -> list[ReferenceCell]:
    """Stand in for the reference run: what cells say is all that is compared."""
    return [ReferenceCell() for _ in cells]


def bundle_of(assignment: Assignment) -> Bundle:
    """A bundle without running anything."""
    return make_bundle(assignment, run=nothing_run)


# -- disguise --------------------------------------------------------------------------------------------------------


class Renamer(ast.NodeTransformer):
    """Gives every argument and every variable that is assigned a new name."""

    def __init__(self, tree: ast.AST) -> None:
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        self.new = {name: f"my_{at}_{name[::-1]}" for at, name in enumerate(sorted(names))}

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A variable."""
        return ast.Name(self.new.get(node.id, node.id), node.ctx)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """An argument."""
        return ast.arg(self.new[node.arg], node.annotation)


def disguised(source: str) -> str:
    """The same code under other names, its functions in another order, with other comments and another layout."""
    tree = ast.parse(source)
    tree.body.sort(key=lambda node: -node.lineno if isinstance(node, ast.FunctionDef) else -10_000)
    lines = ast.unparse(ast.fix_missing_locations(Renamer(tree).visit(tree))).splitlines()
    return "\n".join(f"{line}  # 私の考え {at}" if at % 2 else f"{line}\n" for at, line in enumerate(lines))


# -- the class of a real exercise ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exercise() -> Exercise:
    """The first exercise, nothing of it run."""
    course = Course.find(ROOT)
    assignment = course.assignment(LESSON)
    released = (course.release_dir(LESSON) / f"{LESSON}.ipynb").read_bytes()
    return Exercise(bundle_of(assignment), {LESSON: released})


@pytest.fixture(scope="module")
def right_ways(exercise: Exercise) -> dict[str, Mapping[str, str]]:
    """Independent right answers, the reference among them."""
    answers = read_answers(ROOT / "source" / LESSON / "answers")
    return {"reference": exercise.answers()} | {
        each.name: each.cells for each in answers if each.kind is AnswerKind.RIGHT
    }


def works_of(exercise: Exercise, texts: Mapping[str, Mapping[str, str]]) -> list[Work]:
    """Works as they are read of submissions."""
    stubs = exercise.stubs()
    return [Work(name, "", {**stubs, **cells}) for name, cells in sorted(texts.items())]


def compared(exercise: Exercise, texts: Mapping[str, Mapping[str, str]], top: int = 50) -> Comparison:
    """Compare a class of the exercise; parts are named by cell, so that texts need no notebook."""
    parts = [
        Part(key, Kind.CODE if cell.cell_type == "code" else Kind.PROSE, {"en": key}, frozenset({cell.id}), LESSON)
        for key, cell in _cells(exercise)
    ]
    return compare_works(exercise.bundle, parts, works_of(exercise, texts), [], top)


def _cells(exercise: Exercise) -> list[tuple[str, Any]]:
    keys = exercise.stubs()
    return [(cell.grade_id, cell) for cell in exercise.bundle.notebooks[0].cells if cell.grade_id in keys]


def test_planted_pairs_are_the_first(exercise: Exercise, right_ways: dict[str, Mapping[str, str]]) -> None:
    """Do two copies under other names, comments and order rank first, and are independent ways not reported?"""
    copies = {
        f"copy of {name}": {key: disguised(text) for key, text in right_ways[name].items() if _is_code(exercise, key)}
        for name in ("right-loops", "right-linear-algebra")
    }
    found = compared(exercise, {**right_ways, **copies})
    assert {(pair.first.student, pair.second.student) for pair in found.pairs} == {
        ("copy of right-loops", "right-loops"),
        ("copy of right-linear-algebra", "right-linear-algebra"),
    }
    assert all(pair.whole > 0.6 for pair in found.pairs), [pair.whole for pair in found.pairs]
    assert sum(found.bins[1:6]) == 0, "between the copies and all others there is nothing"
    assert {frozenset(work.student for work in group) for group in found.groups} == {
        frozenset({"copy of right-loops", "right-loops"}),
        frozenset({"copy of right-linear-algebra", "right-linear-algebra"}),
    }


def _is_code(exercise: Exercise, key: str) -> bool:
    return dict(_cells(exercise))[key].cell_type == "code"


def test_independent_ways_would_be_reported_below_the_limits(
    exercise: Exercise, right_ways: dict[str, Mapping[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Can the test above fail: are they compared at all, and how far are they from the limits?"""
    assert compared(exercise, right_ways).pairs == ()
    monkeypatch.setattr("saiten.similar.compare.LEAST_WHOLE", 0.005)
    found = compared(exercise, right_ways).pairs
    assert found
    assert max(pair.whole for pair in found) < 0.05
    assert max(pair.best.alike for pair in found) < 0.25


@pytest.mark.parametrize("name", ["02-filters", "03-max-pooling", "04-viola-jones", "05-transfer-learning"])
def test_right_ways_of_other_exercises_are_apart(name: str) -> None:
    """Is no pair of independent right answers reported in any exercise?"""
    bundle = bundle_of(Course.find(ROOT).assignment(name))
    answers = [each for each in read_answers(ROOT / "source" / name / "answers") if each.kind is AnswerKind.RIGHT]
    cells = {cell.grade_id: cell for each in bundle.notebooks for cell in each.cells if cell.grade_id}
    keys = sorted({key for each in answers for key in each.cells})
    parts = [Part(key, Kind.CODE, {"en": key}, frozenset({cells[key].id}), name) for key in keys]
    works = [Work(each.name, "", each.cells) for each in answers]
    assert len(works) == 4
    assert compare_works(bundle, parts, works, [], 50).pairs == ()
    twice = [*works, Work("again", "", works[0].texts)]
    assert [pair.second.student for pair in compare_works(bundle, parts, twice, [], 50).pairs] == ["again"]


def test_the_release_alone_is_nothing(exercise: Exercise, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are students who handed in the release as it is, or a little more, not alike?"""
    stubs = exercise.stubs()
    texts = {
        "student-001": stubs,
        "student-002": stubs,
        "student-003": {key: f"{text}\n" for key, text in stubs.items()},
    }
    assert compared(exercise, texts).pairs == ()
    monkeypatch.setattr("saiten.similar.compare.released_grams", lambda bundle, kind: frozenset())
    # two of them: three of three would be the class
    assert compared(exercise, {key: texts[key] for key in ("student-001", "student-002")}).pairs, "so it can fail"


# -- what the class shares -------------------------------------------------------------------------------------------

ANSWERS = {
    "loop": "def twice(x):\n    total = []\n    for each in range(len(x)):\n        total.append(x[each] + x[each])\n"
    "        if total[-1] > 1000 and each % 7 == 3:\n            total[-1] = total[-1] * 1 + 0\n    return total\n"
    "def half(x):\n    low, high = 0, len(x) - 1\n    while high - low > 1:\n        middle = (low + high) // 2\n"
    "        low, high = (middle, high) if x[middle] < 0.5 else (low, middle)\n    return x[low] / 2 - x[high] / 4",
}


def of_own(number: int) -> str:
    """An answer like no other's."""
    return "\n".join(
        f"def own_{at}(x):\n    return (x ** {number + 3 * at} - {7 * number}) @ x[{number}:{at}] % {number * at + 11}"
        for at in range(12)
    )


@pytest.mark.parametrize(("sharing", "reported"), [(2, 1), (5, 10), (6, 0), (12, 0)])
def test_what_many_share_is_nothing(tmp_path: Path, sharing: int, reported: int) -> None:
    """Of twelve students, are two or five with one answer reported, and six or all of them not?"""
    bundle = bundle_of(make_course(tmp_path))
    parts = parts_of(bundle, ("en",))
    works = [
        Work(f"student-{at:03}", "", {"double": ANSWERS["loop"] if at < sharing else of_own(at)}) for at in range(12)
    ]
    found = compare_works(bundle, parts, works, [], 50)
    assert found.reported == reported
    assert [len(group) for group in found.groups] == ([sharing] if reported else [])


def test_how_many_may_share() -> None:
    """Is it two in the smallest class, half of a small one, five, and then a tenth, and is each sharer worth less?"""
    assert [most_students(number) for number in (1, 2, 4, 6, 10, 30, 60, 300)] == [2, 2, 2, 3, 5, 5, 6, 30]
    assert worth(2, 2) == worth(2, 300) == 1.0
    values = [worth(number, 300) for number in range(2, 31)]
    assert values == sorted(values, reverse=True)
    assert 0.4 < values[-1] < 0.5


def test_little_text_is_not_very_much_alike(tmp_path: Path) -> None:
    """Is one common line not a copied question?"""
    bundle = bundle_of(make_course(tmp_path))
    line = "answer = [a ** 2 + b ** 3 - c % 5 for a, b, c in zip(one, two, three) if a > 1]"
    works = [Work(f"student-{at:03}", "", {"double": line if at < 2 else of_own(at)}) for at in range(8)]
    found = compare_works(bundle, parts_of(bundle, ("en",)), works, [], 50)
    assert found.pairs == ()
    assert sum(each.worth != {} for each in found.traits) == 1, "it was seen"


# -- texts -----------------------------------------------------------------------------------------------------------


def test_code_is_normalised_as_copydetect_does() -> None:
    """Is every planted answer, magic and broken code filtered as copydetect's own function does?"""
    from copydetect.utils import filter_code

    texts = [text for each in read_answers(ROOT / "source" / LESSON / "answers") for text in each.cells.values()]
    texts += [
        "%matplotlib inline\n!ls\nclass A(B):\n    'doc'\n    x: int = f'{a!r:>{w}} b'",
        "def f(:\n  '''",
        "\t\n\t\nx",
    ]
    for text in texts:
        assert of_code(f"{text}\n").text == filter_code(f"{text}\n", "x.py", "python")[0]


@given(st.lists(st.sampled_from([*"ab_ =(\n\t'\"#\\", "def ", "for ", "あ", "1.5", '"""', "\xa0"]), max_size=80))
def test_every_character_knows_where_it_stood(pieces: list[str]) -> None:
    """Do places lead back to what a character stands for, in order, in code and in prose?"""
    text = "".join(pieces)
    for found in (of_code(text), of_prose(text)):
        assert len(found.text) == len(found.starts) == len(found.ends)
        assert np.all(np.diff(found.starts) >= 0)
        assert np.all(found.ends > found.starts)
        assert not len(found.ends) or found.ends.max() <= len(text)
    kept = [text[start:end] for start, end in zip(of_code(text).starts, of_code(text).ends, strict=True)]
    assert all(char in (there, '"', "V", "F", "O", "S") or char in there for char, there in zip(of_code(text).text, kept, strict=True))  # fmt: skip  # noqa: E501


def test_prose_is_compared_by_its_letters() -> None:
    """Do punctuation, case, width, accents and the way a Mac writes kana make no difference?"""
    assert of_prose("ＲＩＤＧＥ, the Ridgé!").text == of_prose("ridge THE   ridge").text
    assert of_prose("か\u3099くしゅう").text == of_prose("がくしゅう").text
    assert len(of_prose("学習 ab").text) == 6


def test_fingerprints_are_the_same_in_every_process() -> None:
    """Do they hang on the text alone, not on Python's hash seed?"""
    assert sorted(fingerprints("for V in range(len(V)):V[V]+=V[V]*V", CODE)) == sorted(PINNED)
    assert fingerprints("too short", CODE) == frozenset()


PINNED = (250447720826869, 1320443917011004, 1801216852181589)


@given(st.text("VF=+(,1", min_size=30, max_size=60), st.text("xyz", max_size=40), st.text("uvw", max_size=40))
def test_a_long_common_passage_leaves_a_common_fingerprint(common: str, before: str, behind: str) -> None:
    """Is winnowing's promise kept: what is as long as the guarantee is seen, what is below the noise is not?"""
    one, other = fingerprints(before + common + behind, CODE), fingerprints(behind + common + before, CODE)
    assert one & other
    short = common[: CODE.noise - 1]
    assert not fingerprints(f"{before}X{short}X", CODE) & fingerprints(f"{behind}Y{short}Y", CODE)


# -- side by side ----------------------------------------------------------------------------------------------------


def test_what_is_marked_is_what_they_share(exercise: Exercise, right_ways: dict[str, Mapping[str, str]]) -> None:
    """Are both texts whole, common passages under the same number on both sides, and released lines not marked?"""
    loops = right_ways["right-loops"]
    copy = {key: disguised(text) for key, text in loops.items() if _is_code(exercise, key)}
    found = compared(exercise, {**right_ways, "copy": copy})
    (pair,) = found.pairs
    released = released_grams(exercise.bundle, Kind.CODE)
    for traits in found.traits:
        if traits.part.name not in {share.part.name for share in pair.shares}:
            continue
        sides = side_by_side(pair, traits, released)
        for work, pieces in zip((pair.first, pair.second), sides, strict=True):
            assert "".join(piece.text for piece in pieces) == work.texts[traits.part.name]
        left, right = ({number for piece in side for number in piece.numbers} for side in sides)
        assert left
        assert left == right
        marked = [piece.text for piece in sides[0] if piece.numbers]
        assert not any(set(grams(of_code(text).text, CODE).tolist()) <= released for text in marked)


# -- on disk ---------------------------------------------------------------------------------------------------------


def hand_in(root: Path, student: str, code: str, essay: str = "", raw: bytes | None = None, name: str = "a1") -> Path:
    """Hand in an answer of the small assignment."""
    folder = root / "submitted" / student / name
    folder.mkdir(parents=True)
    cells: list[Cell] = [solution("double", code), written("why", essay)]
    (folder / "n1.ipynb").write_bytes(notebook_json(cells).encode() if raw is None else raw)
    return folder


def similar(assignment: Assignment, *last_year: Path, top: int = 50) -> Similar:
    """Compare and write."""
    return write_similar(assignment.course, assignment, bundle_of(assignment), last_year, top)


def names(made: Similar) -> list[tuple[str, str]]:
    """The pairs by student."""
    return [(pair.first.student, pair.second.student) for pair in made.comparison.pairs]


def test_written_answers_are_compared(tmp_path: Path) -> None:
    """Is a copied Japanese text found, its punctuation changed and a sentence put elsewhere, and another one not?"""
    assignment = make_course(tmp_path)
    first, second, rest = ESSAY.partition("。")
    changed = f"{rest.replace('、', ' ')}\n\n**まとめ** {first}!{second}"
    for student, essay in (("student-001", ESSAY), ("student-002", changed), ("student-003", OTHER_ESSAY)):
        hand_in(tmp_path, student, "", essay)
    made = similar(assignment)
    assert names(made) == [("student-001", "student-002")]
    assert made.comparison.pairs[0].best.part.name == "why"
    assert "<mark>" in (made.page.parent / "pair-001.html").read_text(encoding="utf-8")


def test_own_cells_are_compared(tmp_path: Path) -> None:
    """Is code found that was moved into a cell of the student's own?"""
    assignment = make_course(tmp_path)
    for at in range(4):
        cells = [solution("double", of_own(at)), {"cell_type": "code", "metadata": {}, "source": of_own(at + 20)}]
        if at < 2:
            cells[1]["source"] = ANSWERS["loop"]
        hand_in(tmp_path, f"student-{at:03}", "", raw=notebook_json(cells).encode())
    made = similar(assignment)
    assert names(made) == [("student-000", "student-001")]
    assert made.comparison.pairs[0].best.part.name == "(own cells)"
    assert "own code cells" in (made.page.parent / "pair-001.html").read_text(encoding="utf-8")


def test_last_years_work_is_found(tmp_path: Path) -> None:
    """Is a copy of last year's work found, from the course or its folder, and are last year's not compared with each
    other?"""
    assignment = make_course(tmp_path / "now")
    for at in range(3):
        hand_in(tmp_path / "now", f"student-{at:03}", ANSWERS["loop"] if at == 2 else of_own(at))
    for student, text in (
        ("student-801", disguised(ANSWERS["loop"])),
        ("student-802", of_own(7)),
        ("student-803", of_own(7)),
    ):
        hand_in(tmp_path / "2025", student, text)
    assert names(similar(assignment)) == []
    for folder in (tmp_path / "2025", tmp_path / "2025" / "submitted"):
        made = similar(assignment, folder)
        assert names(made) == [("student-002", "student-801")]
        assert made.comparison.pairs[0].second.year == "2025"
        assert sum(made.comparison.bins) == 3 + 3 * 3
        assert "2025" in made.page.read_text(encoding="utf-8")


def test_a_wrong_folder_of_last_year_is_refused(tmp_path: Path) -> None:
    """Is this year's own folder refused, and one that holds nothing?"""
    assignment = make_course(tmp_path)
    hand_in(tmp_path, "student-001", "")
    with pytest.raises(CourseError, match="this year's own"):
        similar(assignment, tmp_path / "submitted")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CourseError, match="Nobody has handed in"):
        similar(assignment, tmp_path / "empty")


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Are a broken notebook, a link and one that is too long named, and all others compared?"""
    assignment = make_course(tmp_path)
    for student in ("student-001", "student-002"):
        hand_in(tmp_path, student, ANSWERS["loop"])
    hand_in(tmp_path, "student-003", "", raw=b'{"cells": [')
    hand_in(tmp_path, "student-004", "x = 1\n" * MOST_CHARACTERS)
    (tmp_path / "submitted" / "student-005" / "a1").mkdir(parents=True)
    (tmp_path / "submitted" / "student-005" / "a1" / "n1.ipynb").symlink_to("/etc/passwd")
    made = similar(assignment)
    assert names(made) == [("student-001", "student-002")]
    said = {each.student: each.reason for each in made.left_out}
    assert said.keys() == {"student-003", "student-004", "student-005"}
    assert "JSON" in said["student-003"]
    assert "first 10000" in said["student-004"]
    assert "symbolic link" in said["student-005"]
    text = made.page.read_text(encoding="utf-8")
    assert all(student in text for student in said)


def test_nothing_of_a_students_acts(tmp_path: Path) -> None:
    """Are ids and texts that are markup, formulas or terminal commands only text?"""
    assignment = make_course(tmp_path)
    answer = f"{ANSWERS['loop']}\nprint({SCRIPT!r}, '\u202e\x1b[2J{{{{ 7 * 7 }}}}')\n</pre><img src=x onerror=alert(1)>"
    ids = ("<img src=x onerror=alert(1)>", "=1+1", "\u202egpj\x1b[31m")
    for student in ids:
        hand_in(tmp_path, student, answer, ESSAY + SCRIPT)
    for at in range(4):
        hand_in(tmp_path, f"student-{at:03}", of_own(at))
    made = similar(assignment)
    assert made.comparison.reported == 3
    for path in sorted(made.page.parent.glob("*.html")):
        text = path.read_text(encoding="utf-8")
        assert text.lower().count("<script") == (1 if path.name == "index.html" else 0), "ours, for the table"
        assert "<img" not in text
        assert not {"\u202e", "\x1b"} & set(text)
    table = list(csv.reader((made.page.parent / "pairs.csv").read_text(encoding="utf-8-sig").splitlines()))
    cells = [cell for row in table for cell in row]
    assert "'=1+1" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@"))]
    shown = run(tmp_path)
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def run(root: Path, *arguments: str) -> str:
    """Run the command on the small course, whose bundle is made on the way."""
    done = CliRunner().invoke(main, ["similar", "a1", "--course", str(root), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_command(tmp_path: Path) -> None:
    """Do table, JSON and CSV say the same, and is it said who was not compared?"""
    make_course(tmp_path)
    for student in ("student-001", "student-002"):
        hand_in(tmp_path, student, ANSWERS["loop"])
    hand_in(tmp_path, "student-003", "", raw=b"")
    table = run(tmp_path)
    assert "student-001 – student-002" in table
    assert "no proof" in table
    assert "student-003" in table
    (row,) = [json.loads(line) for line in run(tmp_path, "--json").splitlines() if line.startswith("{")]
    assert (row["first"], row["second"], row["question"], row["page"]) == ("student-001", "student-002", "double", "pair-001.html")  # fmt: skip  # noqa: E501
    assert row["question_alike"] > 0.9
    assert f"1,student-001,,student-002,,{row['whole']:g}" in run(tmp_path, "--csv")
    wrong = CliRunner().invoke(main, ["similar", "a1", "--course", str(tmp_path), "--csv", "--json"])
    assert wrong.exit_code == 2


def test_nobody_handed_in(tmp_path: Path) -> None:
    """Is there one sentence and the next step?"""
    make_course(tmp_path)
    done = CliRunner().invoke(main, ["similar", "a1", "--course", str(tmp_path)])
    assert done.exit_code == 2
    assert "Nobody has handed in a1" in done.output


def test_a_second_run_leaves_what_is_so(tmp_path: Path) -> None:
    """Does the same class give the same bytes, and go pages of pairs that are no more?"""
    assignment = make_course(tmp_path)
    for student in ("student-001", "student-002", "student-003"):
        hand_in(tmp_path, student, ANSWERS["loop"])
    for at in range(4):
        hand_in(tmp_path, f"student-1{at:02}", of_own(at))
    folder = similar(assignment).page.parent
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()}
    assert before.keys() == {"index.html", "pairs.csv", *(f"pair-{rank:03}.html" for rank in (1, 2, 3))}
    similar(assignment)
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.iterdir()} == before
    shutil.rmtree(tmp_path / "submitted" / "student-003")
    made = similar(assignment)
    assert {path.name for path in folder.iterdir()} == {"index.html", "pairs.csv", "pair-001.html"}
    assert [row["rank"] for row in rows(made.comparison)] == [1]


def test_words_are_complete() -> None:
    """Has every language every word?"""
    assert WORDS["ja"].keys() == WORDS["en"].keys()
