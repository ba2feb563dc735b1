"""Do the exercises keep to the course's terms (docs/reference/terms.md), and is their Japanese of one kind?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from prose import JAPANESE, MASK, Passage, passages, settings_passages

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "terms.md"
NOTEBOOKS = sorted(path for path in ROOT.glob("source/*/*.py") if path.stem == path.parent.name)
MODEL = ROOT / "source" / "01-regularization" / "01-regularization.py"

GOOD = """\
# %% [markdown] tags=["lang-ja"]
# **正則化** は過剰適合を防ぎます。

# %% [markdown] tags=["lang-en"]
# **Regularisation** prevents overfitting.

# %%
assert True, "訓練データだけで当てはめましたか / fitted on training data only?"

"""
"""A notebook without a slip."""

LEAST_TERMS = 5
"""Terms that every exercise has to use."""


@dataclass(frozen=True, slots=True)
class Term:
    """One row of the page."""

    japanese: str
    english: tuple[str, ...]
    avoid: tuple[str, ...]
    exercises: frozenset[str]
    """numbers of the exercises that have to use it"""


def split(cell: str, separator: str) -> tuple[str, ...]:
    """Split a table's cell; an empty one gives nothing."""
    return tuple(part.strip() for part in cell.split(separator) if part.strip())


def read_terms(page: str) -> list[Term]:
    """Read every table of the page: five columns for terms, two for spelling."""
    found = []
    for line in page.splitlines():
        if not line.startswith("|") or line.startswith("|---"):
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in ("日本語", "use"):
            continue
        if len(cells) == 5:
            japanese, english, _, avoid, exercises = cells
            found.append(Term(japanese, split(english, ","), split(avoid, "·"), frozenset(split(exercises, ","))))
        else:
            _, avoid = cells
            found.append(Term("", (), split(avoid, "·"), frozenset()))
    return found


TERMS = read_terms(PAGE.read_text(encoding="utf-8"))


def pattern(form: str) -> re.Pattern[str]:
    """Say where a form stands, as the page explains."""
    words = re.escape(form).replace(r"\ ", " ")
    if re.search(f"[{JAPANESE}]", form):
        return re.compile(words)
    if form != form.lower():
        return re.compile(rf"(?<!\w){words}s?(?!\w)")
    return re.compile(rf"(?<![^\W_]){words}", re.IGNORECASE)


def avoided(text: str) -> Iterator[str]:
    """Yield a complaint for every form in a text that the page tells to avoid."""
    for term in TERMS:
        rest = text
        for own in (term.japanese, *term.english):
            rest = pattern(own).sub(MASK, rest) if own else rest
        for form in term.avoid:
            if hit := pattern(form).search(rest):
                better = " / ".join((term.japanese, ", ".join(term.english))).strip(" /") or "British spelling"
                around = rest[max(0, hit.start() - 15) : hit.end() + 15]
                yield f"{hit[0]!r} in {around!r}: write {better}"


NARROW = re.compile("[\uff01-\uff5e\uff61-\uff9f\u3000]")
COMMA = re.compile(rf"[{JAPANESE}][,.]")
TIGHT = re.compile(rf"[{JAPANESE}][A-Za-z0-9]|[A-Za-z0-9][{JAPANESE}]")
BOLD = re.compile(r"(.?)\*\*(?=[^\s*])(?:[^*]|\*(?!\*))+?(?<=[^\s*])\*\*(.?)", re.DOTALL)
POLITE = ("です", "ます", "でした", "ました", "でしょう", "ましょう", "ません", "ください")
PLAIN = re.compile(r"(?:た|だ|ない|だろう|であろう|[うくぐすつぬぶむる])$")


NO_RUNNING_TEXT = re.compile(r"^(?:\s*[#|].*|\s*(?:[-*+]|\d+\.)\s.*(?:\n[ \t]+\S.*)*)$", re.MULTILINE)
"""Headings, rows of tables, items of lists."""


def sentences(passage: Passage) -> Iterator[str]:
    """Yield what stands before each 。 of running text, without quoted speech and remarks in brackets at its end."""
    lines = NO_RUNNING_TEXT.sub("", passage.text).splitlines()
    text = re.sub(r"「[^「」]*」|『[^『』]*』", MASK, " ".join(lines))
    for sentence in text.split("。")[:-1]:
        yield re.sub(r"(?:\s*\([^()]*\))+$", "", sentence).rstrip(" *_")


def style(passage: Passage) -> Iterator[str]:
    """Yield a complaint for everything in a Japanese passage that is not as the other exercises have it."""
    text = passage.joined
    for hit in NARROW.finditer(text):
        yield f"{hit[0]!r}: punctuation, letters and digits are the narrow ones, katakana the wide ones"
    for hit in COMMA.finditer(re.sub(r"\([^()]*\)", MASK, text)):
        yield f"{hit[0]!r}: write 、 or 。"
    for hit in TIGHT.finditer(text):
        yield f"{text[max(0, hit.start() - 8) : hit.end() + 8]!r}: a blank between Japanese and Latin letters or digits"
    for hit in BOLD.finditer(passage.text):
        if any(re.match(rf"[\w{JAPANESE}{MASK}]", side) for side in hit.groups()):
            yield f"{hit[0]!r}: a blank on both sides of **bold**"
    for sentence in sentences(passage):
        if PLAIN.search(sentence) and not sentence.endswith(POLITE):
            yield f"{sentence[-20:]!r}: です・ます, please"


def unseen_bold(passage: Passage) -> Iterator[str]:
    """Yield a complaint for every ** that Markdown leaves standing."""
    for block in MarkdownIt("commonmark").enable("table").parse(passage.text):
        for child in block.children or ():
            if child.type == "text" and "**" in child.content:
                yield f"{child.content[:40]!r}: Markdown does not see this **"


def offences(path: Path) -> list[str]:
    """List everything in a notebook, and in the settings beside it, that goes against the page."""
    found = []
    for passage in (*passages(path), *settings_passages(path.parent)):
        complaints = list(avoided(passage.joined))
        if passage.language != "mixed":
            complaints += unseen_bold(passage)
        if passage.language == "ja":
            complaints += style(passage)
        elif hit := re.search("[\uff10-\uff5a\uff61-\uff9f]", passage.text):
            complaints.append(f"{hit[0]!r}: letters and digits are the narrow ones, katakana the wide ones")
        found += [f"{passage.where} ({passage.language}): {complaint}" for complaint in complaints]
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_prose_keeps_to_the_terms(path: Path) -> None:
    """Is there no form in the exercise that the page tells to avoid, and is its Japanese of one kind?"""
    assert offences(path) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_an_exercise_uses_the_terms_of_its_topic(path: Path) -> None:
    """Does the prose name the things of its lecture by their terms, in both languages?"""
    asked = [term for term in TERMS if path.stem.partition("-")[0] in term.exercises]
    assert len(asked) >= LEAST_TERMS
    assert missing(path, asked) == []


def missing(path: Path, asked: list[Term]) -> list[str]:
    """List the terms that the prose of a notebook does not use."""
    text = dict.fromkeys(("ja", "en"), "")
    for passage in passages(path):
        if passage.language in text:
            text[passage.language] += passage.joined + "\n"
    lost = [term.japanese for term in asked if term.japanese not in text["ja"]]
    return lost + [
        ", ".join(term.english) for term in asked if not any(pattern(form).search(text["en"]) for form in term.english)
    ]


def test_there_are_exercises_and_terms() -> None:
    """Is anything held to anything?"""
    assert MODEL in NOTEBOOKS
    assert len(TERMS) > 60
    assert sum(len(term.avoid) for term in TERMS) > 150


def test_the_page_agrees_with_itself() -> None:
    """Does every term stand once, no form ask for what another row forbids, and every column hold what it should?"""
    named = [term.japanese for term in TERMS if term.japanese]
    assert len(named) == len(set(named))
    for term in TERMS:
        for own in (term.japanese, *term.english):
            assert list(avoided(own)) == [], own
        assert all(re.fullmatch(r"\d\d", number) for number in term.exercises), term
        assert bool(term.japanese) == bool(term.english)


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("ja", "過学習を避けます。"),
        ("ja", "マックスプーリングを\n使います。"),
        ("ja", "畳\n込みを計算します。"),
        ("ja", "第一次視覚野の複雑型細胞です。"),
        ("ja", "微調整とは、全部の層を訓練することです。"),
        ("ja", "これは過剰適合である。"),
        ("ja", "点は増えた (なぜだろう)。"),
        ("ja", "値が大きくならない。"),
        ("ja", "- 一つ\n- 二つ\n\n二つある。"),
        ("ja", "畳み込みは，このように計算します。"),
        ("ja", "畳み込みは, このように計算します。"),
        ("ja", "32画素の画像です。"),
        ("ja", "幅は３２です。"),
        ("ja", "画像 (がぞう）です。"),
        ("ja", "ﾌﾟｰﾘﾝｸﾞ層です。"),
        ("ja", "これは**とても**大切です。"),
        ("ja", "これは **「大切」**です。"),
        ("en", "This is over-fitting."),
        ("en", "We compare Max-Pooling layers."),
        ("en", "Then comes finetuning."),
        ("en", "The fine\ntuned network."),
        ("en", "Regularization helps."),
        ("en", "A gray picture."),
        ("en", "Two data-sets."),
        ("code", 'raise AssertionError("ピクセルの数がちがいます / wrong number")'),
        ("code", 'def f(x):\n    """最大プーリング / max pooling."""'),
        ("code", 'def f(x):\n    """最大値プーリング / max-pooling."""'),
        ("code", "x = 3  # 閾値 / threshold"),
        ("markdown", "答え: 汎化しないから。"),
    ],
    ids=lambda value: value if value.isalpha() and value.isascii() else "slip",
)
def test_a_planted_sentence_is_caught(kind: str, sentence: str, tmp_path: Path) -> None:
    """Does each slip, put behind good prose, give a complaint, and exactly where it was planted?"""
    if kind == "code":
        planted = f"# %%\n{sentence}\n"
    else:
        tag = "" if kind == "markdown" else f' tags=["lang-{kind}"]'
        planted = f"# %% [markdown]{tag}\n" + "".join(f"# {line}\n" for line in sentence.splitlines())
    path = tmp_path / "planted.py"
    path.write_text(GOOD + planted, encoding="utf-8")
    found = offences(path)
    assert found
    assert all(complaint.startswith("planted, cell 4") for complaint in found)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("ja", "閾値を動かします。"), ("ja", "値を見る。"), ("en", "Normalize it."), ("en", "A gray picture.")],
    ids=["term", "style", "ise", "colour"],
)
def test_a_planted_hint_is_caught(language: str, sentence: str, tmp_path: Path) -> None:
    """Does a hint beside a good notebook give a complaint that names it, and a good hint none?"""
    path = tmp_path / "planted.py"
    path.write_text(GOOD, encoding="utf-8")
    hints = {"ja": "しきい値を動かします。", "en": "Move the threshold."}
    for texts, complaints in ((hints, 0), (hints | {language: sentence}, 1)):
        lines = "".join(f'{code} = "{text}"\n' for code, text in texts.items())
        (tmp_path / "assignment.toml").write_text(f"[hints.one]\n{lines}", encoding="utf-8")
        found = offences(path)
        assert len(found) == complaints, found
        assert all(f"assignment.toml one ({language})" in complaint for complaint in found)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("ja", "「これは何だろう。だめだ。」と思ったら、**正解** です。"),
        ("ja", "**訓練**・**検証**・**テスト** に分けました (**三つ** あります)。"),
        ("ja", "`F.max_pool2d` は **最大値プーリング** です。\n\n- 重みを数える。罰する\n  のはこちら。\n\n以上です。"),
        ("ja", "$x_i$ と 3 枚の画像、[表](https://example.org/データ) を見てください。"),
        ("ja", "画像の形は (高さ, 幅) です (Poggio たち, 1985)。なぜでしょうか。やってみましょう。"),
        ("ja", "クロスした線と、第 1 次視覚野の細胞です。"),
        ("ja", "| 式 | 意味である。 |\n|---|---|\n| $a$ | b |"),
        ("mixed", '方法は "finetune" か "scratch" / the way'),
        ("en", 'The dog in the centre; `cmap="gray"` is grey.'),
        ("en", "Max pooling, **fine-tuning** and overfitting."),
    ],
    ids=lambda value: value if value.isalpha() and value.isascii() else "sentence",
)
def test_good_prose_is_left_alone(language: str, sentence: str) -> None:
    """Is what the course does write free of complaints?"""
    passage = Passage("here", language, sentence)
    assert [*avoided(passage.joined), *unseen_bold(passage)] == []
    assert language != "ja" or list(style(passage)) == []


def test_a_term_that_is_not_used_is_missed(tmp_path: Path) -> None:
    """Is an exercise told which term of its topic it never uses, in either language?"""
    path = tmp_path / "06-empty.py"
    path.write_text(
        '# %% [markdown] tags=["lang-ja"]\n# 正則化です。\n\n# %% [markdown] tags=["lang-en"]\n# A ridge.\n',
        encoding="utf-8",
    )
    asked = [Term("正則化", ("regularisation",), (), frozenset()), Term("尾根", ("ridge",), (), frozenset())]
    assert missing(path, asked) == ["尾根", "regularisation"]
