"""Does a student's prose stay what it was, and does nothing of it act, however it is rendered?"""

# ruff: noqa: E501  (a piece of markdown is easier to read on one line)

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rendered import page_of

from saiten.sanitise.budget import Budget
from saiten.sanitise.markdown import Prose, clean_markdown, clean_raw

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def clean(source: str, attachments: tuple[str, ...] = (), reserved: tuple[str, ...] = ()) -> Prose:
    """Clean with a notebook's whole budget."""
    return clean_markdown(source, Budget(), attachments, reserved)


# -- what survives ---------------------------------------------------------------------------------------------------

HONEST = {
    "prose": "Ridge は *縮小* します。 **なぜ** なら、 `alpha` が大きいから。\n\nFive < six, 3<4, a <- b & c && d; 5 > 4.",
    "lists": "1. one\n2. two\n   - inner `x <= y`\n   - other\n\n* a\n* b\n\n- [x] done\n- [ ] open",
    "headings": "# Answer\n\n## Why? ##\n\nSetext\n======\n\nSub\n---",
    "tables": "| alpha | error |\n|------:|:-----:|\n| 0.1 | **3.2** |\n| 1 | $2.5 < x$ |",
    "quotations": "> quoted\n>\n> > deeper\n\n---",
    "code": "```python\ndef f(x: list[int]) -> int:\n    if x[0] < 1 and x[1] > 2:\n        return y[-1]\n    a = {'b': x[1:]}\n```\n\n    indented[0] = 1",
    "formulas": "$\\hat\\beta = (X^\\top X + \\alpha I)^{-1} X^\\top y$, $a < b$ and\n\n$$\\begin{aligned} a &= b \\\\ c &= \\frac{1}{2} \\end{aligned}$$\n\n$$\\begin{pmatrix} 1 & 2 \\\\[2em] 3 & 4 \\end{pmatrix}$$",
    "more formulas": "$\\mathbb{R}\\ \\text{if } x \\quad \\hspace{1cm} \\color{red}{x} \\operatorname{arg\\,max} \\left\\{ \\right\\} \\label{a} \\tag{1} \\mathrm{d}x \\urcorner \\classical \\reg$",
    "links": "[docs](https://numpy.org/doc/stable/a_(b).html?x=1&y=2#z \"NumPy\") and https://example.org/a?b=c, [up](#answer), [r]\n\n[r]: https://example.org/r\n[mail](mailto:a@example.org)",
    "pictures": f"![a figure](figure.png) ![](./plots/fig-1.jpeg \"t\") ![p](data:image/png;base64,{PIXEL})",
    "plain tags": "H<sub>2</sub>O, x<sup>2</sup>, <b>bold</b>, <kbd>Ctrl</kbd><br>next<br/>line<br />",
    "entities": "&lt;b&gt; &amp; &nbsp; &alpha; &copy; AT&T",
    "emphasis of brackets": "[1] says so [2, p. 3]; f[x] (y), an array a[0] and b[1][2].",
    "other scripts": "שלום 한국어 العربية नमस्ते ไทย e\u0301 ñ 🇯🇵 👩‍👩‍👧",
}  # fmt: skip


@pytest.mark.parametrize("kind", HONEST)
def test_honest_prose_stays_to_the_letter(kind: str) -> None:
    """Is nothing of it changed, and nothing remarked on?"""
    assert clean(HONEST[kind]) == Prose(HONEST[kind])
    assert not page_of(HONEST[kind]).faults


def test_an_attached_picture_stays() -> None:
    """Does a picture that the cell carries stay, and one that it does not carry not stop nbconvert?"""
    source = "![pasted](attachment:scan.png) and ![gone](attachment:other.png)"
    cleaned = clean(source, ("scan.png",))
    assert cleaned.source == "![pasted](attachment:scan.png) and ! [gone](attachment:other.png)"
    assert page_of(clean("![gone](attachment:other.png)").source).text == "! gone\n"
    with pytest.raises(Exception, match="missing attachment"):
        page_of("![gone](attachment:other.png)")


def test_a_picture_by_tag_becomes_markdown() -> None:
    """Is the usual way to give a picture a size understood?"""
    assert clean('see <img src="plots/fig.png" width="300"/>.').source == "see ![](plots/fig.png)."
    assert clean('<img src="https://example.org/fig.png">').source == '< img src="https://example.org/fig.png">'


def test_code_stays_readable() -> None:
    """Does what looks like a tag in code get one space, and nothing else?"""
    source = "```cpp\n#include <vector>\nstd::vector<int> v; for (int i=0;i<n;++i) {}\n```"
    expected = "```cpp\n#include < vector>\nstd::vector< int> v; for (int i=0;i< n;++i) {}\n```"
    assert clean(source) == Prose(expected)


# -- what does not ----------------------------------------------------------------------------------------------------

HOSTILE = {
    "script": "<script>document.title='x'</script>",
    "script in capitals": "<ScRiPt src=//t></sCrIpT>",
    "event": "<img src=x onerror=alert(1)>",
    "event on a plain tag": "<b onclick=alert(1)>x</b> <br onclick=alert(1)>",
    "event in an address": "<https://x/onclick=alert(1)> <a@b.c onclick=1>",
    "tag over two lines": "<img\nsrc=x\nonerror\n=alert(1)>",
    "tag without end": "text <svg/onload=alert(1)//",
    "tag in code that is none": "`<img src=x onerror=alert(1)>\n\n`",
    "tag behind a fence": "~~~\n```\n~~~\n<script>x</script>\n```",
    "tag in a table": "| <iframe src=javascript:x> |\n|---|\n| <script>x</script> |",
    "tag in a formula": "$x<script>y</script>$ $$<img src=x onerror=y>$$ \\begin{a}<script>\\end{a}",
    "tag in a heading": "# <a id=statusmessage onfocus=x autofocus>\n\n<h1 id=x>y</h1>",
    "tag in a link": "[<img src=x onerror=y>](https://x.org) ![<script>](fig.png)",
    "tag in a title": '[x](https://x.org "<script>") ![x](fig.png "><script>x</script>")',
    "quote in an address": '[x](https://x.org/"onmouseover="alert(1)) [y](https://x.org/\'onclick=\'x)',
    "quote in a title": "[x](https://x.org '\" onmouseover=\"alert(1)')",
    "quote in alt": '![" onerror="alert(1)](fig.png)',
    "mermaid": "```mermaid\n<img src=x onerror=alert(1)>\n```\n\n> ~~~  mermaid\n> <script>x</script>",
    "style": "<style>body{display:none}</style>",
    "frame": "<iframe src=https://x.org></iframe><object data=x></object><embed src=x>",
    "form": "<form action=https://x.org><input autofocus onfocus=x><button formaction=javascript:x>",
    "base and meta": "<base href=https://x.org><meta http-equiv=refresh content='0;url=https://x.org'>",
    "comment": "<!--><script>x</script>--> <?php x ?> <![CDATA[<script>x</script>]]> <!DOCTYPE x>",
    "covering": "<div style='position:fixed;inset:0;background:white;z-index:9999'></div>",
    "closing tags": "</div></div></body></html>",
    "javascript link": "[x](javascript:alert(1))",
    "javascript in disguise": "[x](  JaVa\tScRiPt:alert(1)) [y](java&#115;cript:alert(1)) [z](javascript&colon;alert(1))",
    "javascript behind a line": "[x](\njavascript:alert(1)) [y](<\njavascript:x>) [z](< javascript:alert(1)>)",
    "javascript by reference": "[x][y]\n\n[y]: javascript:alert(1)",
    "javascript by reference, in disguise": "[a][b]\n\n[b]:\n   <javascript:alert(1)>\n\n> [c][d]\n>\n> [d]:\n> javascript:x",
    "javascript by reference with entities": "[x][y] [y]\n\n[y]: javascript&colon;alert(1) \"t\"",
    "javascript escaped": "[x](javascript\\:alert(1)) [y](\\javascript:alert(1))",
    "javascript as address": "<javascript:alert(1)> <vbscript:x>",
    "data link": "[x](data:text/html;base64,PHNjcmlwdD4=) [y](data:image/svg+xml;base64,AAAA)",
    "page of one's own": "[x](/hub/logout) [y](../../evil.html) [z](evil.html) [f](file:///etc/passwd) [h](//x.org)",
    "remote picture": "![x](http://t/x.png) ![x](//t/x.png) ![x][y]\n\n[y]: http://t/y.png\n\n![y]",
    "picture of the server": "![x](/hub/logout) ![x](/hub/logout.png) ![x](../../api.png) ![x](a/../../b.png)",
    "picture in disguise": "![x](h&#116;tp://t/x.png) ![x](\\/hub/x.png) ![x](%2e%2e/x.png)",
    "picture that is none": "![x](data:image/png;base64,PHNjcmlwdD4=) ![x](data:image/svg+xml;base64,AAAA)",
    "vector picture": "![x](evil.svg) ![x](data:image/svg+xml,%3Csvg%3E)",
    "broken brackets": "[a](b](javascript:x) [[x](javascript:y)](javascript:z) ![![x](http://t/a.png)](http://t/b.png)",
    "html block, then markdown": "<br>\n[x](javascript:y) ![](http://t/x.png)\n<br>",
    "line separators": "[x](java\u2028script:alert(1))\n<scr\u2028ipt>",
    "NUL": "<scr\0ipt>x</script> <\0script>",
    "attachment that is missing": "![x](attachment:nothing.png) ![x](attachment:../x) ![y][z]\n\n[z]: attachment:no.png",
    "definition list": "a\n: <script>x</script>\n: [x](javascript:y)",
    "strikethrough": "~~<script>x</script>~~ ~~[x](javascript:y)~~",
}  # fmt: skip


@pytest.mark.parametrize("attack", HOSTILE)
def test_nothing_acts(attack: str) -> None:
    """Is there no tag, attribute or address in the page but harmless ones?"""
    cleaned = clean(HOSTILE[attack])
    assert page_of(cleaned.source).faults == []
    assert clean(cleaned.source).source == cleaned.source


STOPPED_BY_NBCONVERT = {
    *("event in an address", "tag in a formula", "tag in a title", "quote in an address", "quote in a title"),
    *("quote in alt", "html block, then markdown", "NUL"),
}
"""Here for other programs that render markdown, or another version of this one."""
BEYOND_THE_CELL = {"tag without end", "closing tags"}
"""They act on what comes after the cell; tests/system shows that."""
STOPS_NBCONVERT = {"attachment that is missing"}
REAL = sorted(HOSTILE.keys() - STOPPED_BY_NBCONVERT - BEYOND_THE_CELL - STOPS_NBCONVERT)


@pytest.mark.parametrize("attack", REAL)
def test_the_attack_is_real(attack: str) -> None:
    """Does it reach nbconvert's page where nobody cleans it?"""
    assert page_of(HOSTILE[attack]).faults


FRAGMENTS = [
    *(
        "<",
        ">",
        "&",
        "\\",
        "`",
        "```",
        "~~~",
        "$",
        "$$",
        "[",
        "]",
        "(",
        ")",
        "![",
        "](",
        "]:",
        "!",
        '"',
        "'",
        "\n",
        "\n\n",
    ),
    *(
        " ",
        "  ",
        "    ",
        "\t",
        "> ",
        "- ",
        "1. ",
        "# ",
        "| ",
        "|---|\n",
        "* ",
        "_",
        "**",
        "~~",
        ":",
        "/",
        "//",
        "#",
        ";",
    ),
    *(
        "script",
        "<script>",
        "</script>",
        "<img src=x onerror=y>",
        "<br>",
        "<b>",
        "</b>",
        "<!--",
        "-->",
        "<?",
        "<![CDATA[",
    ),
    *("javascript:", "javascript:alert(1)", "&colon;", "&#58;", "&lt;", "&Tab;", "data:text/html,x", "http://t/x.png"),
    *("https://x.org", "mailto:a@b", "fig.png", "attachment:a.png", "mermaid", "\\begin{a}", "\\end{a}", "\\(", "\\)"),
    *(
        "\\[",
        "\\]",
        "\\\\[",
        "\\\\]",
        "[a]: ",
        "[a]",
        "a",
        "x",
        "=",
        "===",
        "---",
        "onload=y",
        " onclick=alert(1) ",
        "\r",
    ),
    *(
        "<a href=",
        "<svg/",
        "<https://",
        "<a@b.c>",
        "%",
        "\u2028",
        "\0",
        "\x1b[",
        "あ",
        "<sub>x</sub>",
        "<div\n",
        "style=",
    ),
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
@example("<br>\n<script>x")
@example("[a]:\n<https://x.org/onclick=x>")
def test_no_mixture_acts(source: str) -> None:
    """Is there no order of such pieces in which something of them acts, and is twice the same as once?"""
    cleaned = clean(source).source
    assert page_of(cleaned).faults == [], cleaned
    assert clean(cleaned).source == cleaned


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_gives_text(source: str) -> None:
    """Does anything at all become text that can be written?"""
    cleaned = clean(source).source
    cleaned.encode()
    assert page_of(cleaned).faults == []


def test_a_heading_does_not_take_the_id_of_a_score_box() -> None:
    """Are formgrader's boxes found by their grade_id, whatever a heading says?"""
    reserved = ("ridge-fit", "statusmessage")
    source = "# ridge-fit\n\n## *Ridge* fit-comment\n\nridge fit\n=========\n\n# statusmessage\n\n# r&#105;dge-fit\n\n# other"
    assert {"ridge-fit", "statusmessage", "ridge-fit-comment"} & {each.casefold() for each in page_of(source).ids}
    cleaned = clean(source, reserved=reserved)
    ids = page_of(cleaned.source).ids
    assert len(ids) == 6
    assert not [each for each in ids if each.casefold().startswith(reserved)]
    assert "other" in ids
    assert clean(cleaned.source, reserved=reserved).source == cleaned.source


MACROS = [
    *(r"\href{javascript:x}{y}", r"\url{x}", r"\unicode{x41}", r"\style{position:fixed}{x}", r"\class{score}{x}"),
    *(r"\cssId{x}{y}", r"\htmlId{x}{y}", r"\htmlStyle{x}{y}", r"\htmlData{x}{y}", r"\require{html}", r"\def\a{\a\a}"),
    *(r"\gdef\a{x}", r"\newcommand{\a}{x}", r"\renewcommand\x{y}", r"\let\a\b", r"\DeclareMathOperator{\a}{x}"),
    *(r"\rule{999em}{999em}", r"\kern-99em", r"\raise9em{x}", r"\bbox[position:fixed]{x}", r"\hspace{-9em}"),
    *(r"\hspace{999cm}", r"\mmlToken{mi}[href='x']{y}", r"\above 99em", r"a \\[-9em] b", r"\includegraphics{x}"),
    *(r"\mskip-99mu", r"\moveleft 99em{x}", r"\csname href\endcsname", r"\genfrac{}{}{99em}{}{x}{y}", r"\toggle"),
]


@pytest.mark.parametrize("macro", MACROS)
@pytest.mark.parametrize("around", ["$ % $", "$$ % $$", "text % text", "\\begin{equation}%\\end{equation}", "`%`"])
def test_no_command_beyond_the_formula(macro: str, around: str) -> None:
    """Is it shown as letters, with a remark?"""
    cleaned = clean(around.replace("%", macro))
    assert macro not in cleaned.source
    assert macro not in page_of(cleaned.source).text
    assert cleaned.remarks == ("TeX commands that do more than show a formula",)


def test_no_command_by_entities() -> None:
    """Can a backslash not be brought in by another name?"""
    for source in ("$&#92;href{x}{y}$", "$&bsol;href{x}{y}$", "$&#x5c;rule{99em}{99em}$", "$\\hr&#101;f{x}{y}$"):
        assert not re.search(r"\\(href|rule)", page_of(clean(source).source).text)
        assert re.search(r"\\(href|rule)", page_of(source.replace("$", "")).text)


def test_work_is_bounded() -> None:
    """Are cells that cost a renderer minutes cut, or taken apart?"""
    assert len(clean("a" * 1_000_000).source) == 40_000
    budget = Budget()
    assert sum(len(clean_markdown("a" * 30_000, budget).source) for _ in range(100)) < 401_000
    assert "[] :" in clean("[]:" * 13_000).source
    many = "\\begin{a} " * 5000
    assert "\\begin{" not in clean(many).source
    assert page_of(clean("![" * 40_000 + "](" * 10_000).source).faults == []


def test_raw_cells_hold_no_tags() -> None:
    """Is HTML of a raw cell, which nbconvert passes on, shown as text?"""
    assert (
        clean_raw("<div class=score>&#60;b $\\href{x}{y}$</div>") == "< div class=score>& #60;b $\\ href{x}{y}$< /div>"
    )
    assert clean_raw("a < b") == "a < b"
