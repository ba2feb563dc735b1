"""Can characters that a terminal or a page obeys be seen instead, and does ordinary text stay?"""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbconvert.filters.ansi import ansi2html

from saiten.sanitise import for_json, for_terminal
from saiten.sanitise.text import for_output, for_page

ESC = "\x1b"
HONEST = (
    "plain", "日本語のテキスト、タブ\tと\n改行", "שלום עולם\u200f", "العربية\u200e", "e\u0301 หนึ่ง हिन्दी", "🇯🇵 👩‍👩‍👧",
    "100%\r 50%", "", "│ box ▁▂▃ α≤β", "no\u00a0break",
)  # fmt: skip


@pytest.mark.parametrize("text", HONEST)
def test_ordinary_text_stays(text: str) -> None:
    """Is what people write in any script left alone?"""
    assert for_page(text) == text
    assert for_output(text) == text


@pytest.mark.parametrize(
    ("text", "page", "output"),
    [
        (f"{ESC}[31mred{ESC}[0m", "red", f"{ESC}[31mred{ESC}[0m"),
        (f"{ESC}[1;38;5;200mx{ESC}[m", "x", f"{ESC}[1;38;5;200mx{ESC}[m"),
        (f"{ESC}[38;2;1;2;3;4mx", "x", f"{ESC}[38;2;1;2;3;4mx"),
        (f"{ESC}[38mx", "x", "x"),
        (f"{ESC}[48;5mx", "x", "x"),
        (f"{ESC}[38;2;1;2mx", "x", "x"),
        (f"{ESC}[38;5;256mx", "x", "x"),
        (f"{ESC}[38;7;1mx", "x", "x"),
        (f"{ESC}[{'9' * 5000}mx", f"\\x1b[{'9' * 5000}mx", f"\\x1b[{'9' * 5000}mx"),
        (f"{ESC}[2J{ESC}[H{ESC}[?1049hx", "x", "x"),
        (f"{ESC}]8;;http://t/\x07click{ESC}]8;;\x07", "click", "click"),
        (f"{ESC}]8;;http://t/{ESC}\\click{ESC}]8;;{ESC}\\", "click", "click"),
        (f"{ESC}]0;title\x07x", "x", "x"),
        (f"{ESC}]52;c;AAAA\x07x", "x", "x"),
        (f"{ESC}Pq#0{ESC}\\x", "x", "x"),
        (f"{ESC}]0;never ended", "\\x1b]0;never ended", "\\x1b]0;never ended"),
        (f"{ESC}cx", "\\x1bcx", "\\x1bcx"),
        ("\x9b31mx\x9d0;t\x07", "\\x9b31mx\\x9d0;t\\x07", "\\x9b31mx\\x9d0;t\\x07"),
        ("a\x00b\x08c\x7fd", "a\\x00b\\x08c\\x7fd", "a\\x00b\\x08c\\x7fd"),
        ("if a\u202e}\u2066{\u2069", "if a\\u202e}\\u2066{\\u2069", "if a\\u202e}\\u2066{\\u2069"),
        ("a\u2028b", "a\\u2028b", "a\\u2028b"),
        ("\ud800x", "\\ud800x", "\\ud800x"),
        ("a" + "\u0301" * 1000, "a" + "\u0301" * 6, "a" + "\u0301" * 6),
    ],
)
def test_what_would_be_obeyed(text: str, page: str, output: str) -> None:
    """Is it gone or visible, with whole colour codes left in outputs?"""
    assert for_page(text) == page
    assert for_output(text) == output
    assert for_output(output) == output
    ansi2html(output)


def test_a_cut_colour_code_does_stop_nbconvert() -> None:
    """Is there a reason to look at each colour code?"""
    with pytest.raises(IndexError):
        ansi2html(f"{ESC}[38m")


def test_colours_are_counted() -> None:
    """Does a text of nothing but colours become one that nbconvert can read in time?"""
    cleaned = for_output(f"{ESC}[1mx" * 100_000)
    assert cleaned.count(ESC) == 2000
    assert cleaned.count("x") == 100_000


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from([*"\x1b[]0123489;mJ?PX\\\x07\x9b\u202e ab\n\r\t\u0301\ud800"]), max_size=40))
def test_any_mixture(text: str) -> None:
    """Is what comes out free of commands, the same when cleaned again, and readable for nbconvert?"""
    for cleaned in (for_page(text), for_output(text)):
        cleaned.encode()
        assert not set(cleaned) & set("\x07\x9b\u202e\ud800")
        ansi2html(cleaned)
    assert ESC not in for_page(text)
    assert for_page(for_page(text)) == for_page(text)
    assert for_output(for_output(text)) == for_output(text)
    shown = for_terminal(text)
    assert all(char.isprintable() or char in "\n\t" for char in shown)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=50))
def test_json_means_the_same(text: str) -> None:
    """Does a terminal see none of it, and a program the very same?"""
    line = for_json(json.dumps({"name": text}, ensure_ascii=False))
    assert json.loads(line) == {"name": text}
    assert not [char for char in line if 0x7F <= ord(char) <= 0x9F or char in "\u202e\u2066\u2028\x1b"]
