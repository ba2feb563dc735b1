"""Do tables, figures and formulas survive in outputs, and nothing that would run in the page of whoever looks?"""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from rendered import page

from saiten.sanitise.budget import Budget
from saiten.sanitise.html import clean_html
from saiten.sanitise.outputs import clean_output
from saiten.sanitise.pictures import picture_size


def picture(kind: str, size: tuple[int, int] = (3, 2)) -> str:
    """A real picture, as base64."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def shown(data: dict[str, Any], metadata: Any = None) -> tuple[dict[str, Any], list[str]]:
    """Clean a display; returns it and what was noted."""
    notes: list[str] = []
    output = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
    cleaned = clean_output(output, Budget(), notes.append)
    assert cleaned is not None
    assert clean_output(cleaned, Budget(), lambda _: None) == cleaned
    return cleaned, notes


# -- what survives ---------------------------------------------------------------------------------------------------


def test_a_table_of_pandas_style() -> None:
    """Is the table there, to the cell, without pandas' style sheet?"""
    html = (
        "<div>\n<style scoped>\n    .dataframe tbody tr th {\n        vertical-align: top;\n    }\n</style>\n"
        '<table border="1" class="dataframe">\n  <thead>\n    <tr style="text-align: right;">\n      <th></th>\n'
        "      <th>alpha</th>\n    </tr>\n  </thead>\n  <tbody>\n    <tr>\n      <th>0</th>\n      <td>&lt;0.5</td>\n"
        "    </tr>\n  </tbody>\n</table>\n<p>1 rows × 1 columns</p>\n</div>"
    )
    cleaned, notes = shown({"text/html": html, "text/plain": "   alpha\n0  <0.5"})
    kept = cleaned["data"]["text/html"]
    assert notes == []
    assert page(kept).tags == ["div", "table", "thead", "tr", "th", "th", "tbody", "tr", "th", "td", "p"]
    assert '<table border="1" class="dataframe">' in kept
    assert '<tr style="text-align:right">' in kept
    assert "&lt;0.5" in kept
    assert "vertical-align: top" not in kept
    assert "1 rows × 1 columns" in kept


def test_coloured_tables() -> None:
    """Do colours of single cells stay, and spans over rows?"""
    html = '<table><tr><td rowspan="2" style="color: red; background-color: #ff0; width: 99em">1</td></tr></table>'
    (cleaned, notes) = shown({"text/html": html})
    assert 'rowspan="2" style="color:red;background-color:#ff0"' in cleaned["data"]["text/html"]
    assert notes == []


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif"])
def test_figures(kind: str) -> None:
    """Do pictures of the plain kinds stay, with their sizes?"""
    mime, text = f"image/{kind}", picture(kind)
    metadata = {mime: {"width": 300, "height": 200, "needs_background": "light"}}
    cleaned, notes = shown({mime: text, "text/plain": "<Figure size 640x480 with 1 Axes>"}, metadata)
    assert cleaned["data"] == {mime: text, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    assert cleaned["metadata"] == metadata
    assert notes == []
    assert picture_size(mime, text) == (3, 2)


def test_a_figure_of_matplotlib() -> None:
    """Does what the inline back end puts out stay, line ends and all?"""
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    figure = Figure()
    figure.subplots().plot([1, 2, 4])
    figure.savefig(buffer, format="png")
    text = base64.encodebytes(buffer.getvalue()).decode()
    cleaned, notes = shown({"image/png": text})
    assert (cleaned["data"], notes) == ({"image/png": text}, [])
    figure.savefig(buffer := io.BytesIO(), format="jpeg")
    assert picture_size("image/jpeg", base64.b64encode(buffer.getvalue()).decode()) == (640, 480)


def test_a_picture_inside_html() -> None:
    """Does a table of pictures stay?"""
    html = f'<table><tr><td><img src="data:image/png;base64,{picture("png")}" width="30"></td></tr></table>'
    cleaned, notes = shown({"text/html": html, "text/plain": "<IPython.core.display.HTML object>"})
    assert f'<img src="data:image/png;base64,{picture("png")}" width="30">' in cleaned["data"]["text/html"]
    assert notes == []


def test_formulas_and_prose() -> None:
    """Do LaTeX and markdown of outputs stay?"""
    data = {"text/latex": "$\\displaystyle \\int_0^1 x\\,dx < 1$", "text/markdown": "**bold** $x$", "text/plain": "x"}
    cleaned, notes = shown(data)
    assert (cleaned["data"], notes) == (data, [])


def test_links_open_safely() -> None:
    """Do web links stay, without a way back to the page?"""
    (cleaned, _) = shown({"text/html": '<a href="https://example.org" target="_blank" ping="http://t">x</a>'})
    assert cleaned["data"]["text/html"] == '<a href="https://example.org" rel="noopener noreferrer nofollow">x</a>'


def test_streams_and_errors() -> None:
    """Do colours of tracebacks stay, and all text?"""
    stream = {"output_type": "stream", "name": "stderr", "text": ["warn: \x1b[33ma\x1b[0m\n", "b\x1b[2J\n"]}
    assert clean_output(stream, Budget(), print) == {
        "output_type": "stream", "name": "stderr", "text": "warn: \x1b[33ma\x1b[0m\nb\n",
    }  # fmt: skip
    error = {
        "output_type": "error",
        "ename": "E\u202e",
        "evalue": "\x1b[31mv",
        "traceback": ["\x1b[31mline\x1b]8;;x\x07"],
    }
    assert clean_output(error, Budget(), print) == {
        "output_type": "error", "ename": "E\\u202e", "evalue": "v", "traceback": ["\x1b[31mline"],
    }  # fmt: skip


def test_an_estimator_shows_as_text() -> None:
    """Is HTML that leans on scripts replaced by the text that says the same?"""
    html = '<style>x</style><div><input class="sk-toggleable__control" type="checkbox"><pre>Ridge()</pre></div>'
    cleaned, notes = shown({"text/html": html, "text/plain": "Ridge(alpha=2)"})
    assert cleaned["data"] == {"text/plain": "Ridge(alpha=2)"}
    assert notes == ["left out: text/html"]


def test_what_only_shows_as_html_keeps_its_text() -> None:
    """Does HTML stay, cleaned, where its text form says nothing?"""
    html = "<b>Result</b><script>alert(1)</script>"
    cleaned, notes = shown({"text/html": html, "text/plain": "<IPython.core.display.HTML object>"})
    assert cleaned["data"] == {"text/html": "<b>Result</b>", "text/plain": "<IPython.core.display.HTML object>"}
    assert notes == ["taken out of action: parts of HTML that act"]


def test_a_figure_as_svg_keeps_its_picture() -> None:
    """Is SVG left out, and what stands beside it kept?"""
    text = picture("png")
    cleaned, notes = shown({"image/svg+xml": "<svg></svg>", "image/png": text, "text/plain": "<Figure>"})
    assert cleaned["data"] == {"image/png": text, "text/plain": "<Figure>"}
    assert notes == ["left out: image/svg+xml"]


# -- what does not ----------------------------------------------------------------------------------------------------

HOSTILE_HTML = [
    "<script>document.title='x'</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>x</script></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mi xlink:href=javascript:x>y</mi><annotation-xml encoding=text/html><img src=x onerror=y>z</math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>x</script></template>",
    "<form action=http://t><input autofocus onfocus=x><button formaction=javascript:x>go</button></form>",
    "<iframe src=javascript:x srcdoc='<script>x</script>'></iframe>",
    "<object data=data:text/html,x></object><embed src=http://t>",
    "<a href=javascript:alert(1)>x</a><a href=' java\tscript:x'>y</a><a href=data:text/html,x>z</a>",
    "<a href=/hub/logout>x</a><a href=evil.html>y</a><a href=//t>z</a><a href=vbscript:x>w</a><a href=file:///etc>v</a>",
    "<img src=http://t/x.png><img src=/hub/logout><img srcset='http://t/x.png 1x'><img src=//t/x>",
    "<img src='data:image/svg+xml;base64,PHN2Zz4='><img src='data:image/png;base64,PHN2Zz4='>",
    "<div style='position:fixed;inset:0;background:url(http://t)'>x</div>",
    "<div style='background-color:url(http://t/x)'>x</div><p style='color:\\75rl(http://t)'>x</p>",
    "<style>body{background:url(http://t)}</style><link rel=stylesheet href=http://t>",
    "<base href=http://t><meta http-equiv=refresh content=0;url=http://t>",
    "<div id=statusmessage class='modal-backdrop score tabbable' name=x>x</div>",
    "<table background=http://t><tr><td background=http://t>x</table>",
    "<video poster=http://t src=http://t></video><audio src=http://t></audio><picture><source srcset=http://t></picture>",
    "</div></div></body></html><script>x</script>",
    "<plaintext>", "<xmp><script>x</script></xmp>", "<textarea></textarea><script>x</script>",
    "<!--[if IE]><script>x</script><![endif]--><?xml-stylesheet href=http://t ?>",
    "<b onclick=x>x</b><details ontoggle=alert(1) open>x</details><marquee onstart=x>y</marquee>",
    "<p dir=rtl contenteditable draggable=true tabindex=1 accesskey=x data-link=x>x</p>",
    "<ol start=-99999999999 type=x><li value=x>y</ol><td colspan=99999999999>z",
]  # fmt: skip


@pytest.mark.parametrize("html", HOSTILE_HTML)
def test_nothing_in_html_acts(html: str) -> None:
    """Is there no tag, attribute or address left but harmless ones?"""
    assert set(page(html).faults) - ALLOWED_HERE or html.startswith("</div>")
    cleaned = clean_html(html, Budget())
    assert cleaned is not None
    seen = page(cleaned)
    assert [fault for fault in seen.faults if fault not in ALLOWED_HERE] == []
    for word in ("http://t", "javascript", "onerror", "onclick", "hub/logout", "evil.html", "statusmessage", "modal"):
        assert word not in cleaned.replace("alert", ""), cleaned


ALLOWED_HERE = {"<a rel>", "<details>", "<details open>", "<table border>", "<div style>", "<p style>", "<li value>"}


@pytest.mark.parametrize("html", ["\\hr<!-- -->ef{x}{y}", "\\hr<zz>ef{x}{y}", "&#92;href{x}{y}", "\\&#104;ref{x}{y}"])
def test_no_command_in_the_formulas_of_html(html: str) -> None:
    """Can a TeX command not be put together by what is taken away?"""
    cleaned = clean_html(f"<td>${html}$</td>", Budget())
    assert cleaned is not None
    assert "\\href" not in page(cleaned).text


@pytest.mark.parametrize(
    "kind",
    [
        *("application/javascript", "image/svg+xml", "text/vnd.mermaid", "application/pdf", "application/json"),
        *("application/vnd.jupyter.widget-view+json", "application/vnd.plotly.v1+json", "application/x-anything"),
    ],
)
def test_other_kinds_are_left_out_with_a_note(kind: str) -> None:
    """Is there a word in its place, and one for staff?"""
    cleaned, notes = shown({kind: {"model_id": "<script>"}})
    assert cleaned["data"] == {"text/plain": f"[left out: {kind}]"}
    assert notes == [f"left out: {kind}"]


def test_a_kind_that_is_no_kind() -> None:
    """Is a made-up name of a kind not repeated?"""
    cleaned, notes = shown({"<script>alert(1)</script>": "x", "\x1b]0;x\x07": "y"})
    assert cleaned["data"] == {"text/plain": "[left out: an unknown kind of output]"}
    assert notes == ["left out: an unknown kind of output"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("image/png", base64.b64encode(b"<svg onload=x>").decode()),
        ("image/png", picture("jpeg")),
        ("image/jpeg", picture("png")),
        ("image/png", picture("png") + '" onerror="alert(1)'),
        ("image/png", "not base64 at all é"),
        ("image/png", ""),
        ("image/png", base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\0\xff\xff" * 2 + bytes(30)).decode()),
        ("image/gif", base64.b64encode(b"GIF89a\xff\xff\xff\xff" + bytes(30)).decode()),
        ("image/jpeg", base64.b64encode(b"\xff\xd8\xff\xe0\0\1" + bytes(100)).decode()),
        ("image/png", picture("png") + "A" * (12 << 20)),
        ("image/webp", picture("png")),
    ],
)
def test_pictures_that_are_none(kind: str, text: str) -> None:
    """Is what says it is a picture looked at, and its size?"""
    cleaned, notes = shown({kind: text})
    assert cleaned["data"] == {"text/plain": f"[left out: {kind}]"}
    assert notes == [f"left out: {kind}"]


def test_pictures_are_counted_by_their_pixels() -> None:
    """Does a notebook of small files with huge pictures not fill a browser's memory?"""
    huge = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\0\x30\0" * 2 + bytes(30)).decode()
    budget, kept = Budget(), 0
    for _ in range(3):
        cleaned = clean_output({"output_type": "display_data", "data": {"image/png": huge}}, budget, lambda _: None)
        assert cleaned is not None
        kept += "image/png" in cleaned["data"]
    assert kept == 0
    half = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\0\x18\0" * 2 + bytes(30)).decode()
    for _ in range(5):
        cleaned = clean_output({"output_type": "display_data", "data": {"image/png": half}}, budget, lambda _: None)
        assert cleaned is not None
        kept += "image/png" in cleaned["data"]
    assert kept == 2


@pytest.mark.parametrize("width", ["1 onload=alert(1)", "99999", 99999, -1, True, 1.5, [1], {"a": 1}, None, "100%"])
def test_sizes_are_numbers(width: Any) -> None:
    """Is a width not a way into the page? nbconvert writes it without quotation marks."""
    text = picture("png")
    metadata = {"image/png": {"width": width, "needs_background": "x", "filenames": {"image/png": "http://t"}}}
    cleaned, _ = shown({"image/png": text}, {**metadata, "filenames": {"image/png": "http://t"}, "isolated": True})
    assert cleaned["metadata"] == {}


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000,
        "<b x>" * 2000 + "<p>" * 2000,
        "x" * 700_000,
        "".join(f"<b a{i}>" for i in range(800)) + "<p>" * 800,
    ],
)
def test_html_that_costs_too_much(html: str) -> None:
    """Is it left out before it is read?"""
    assert clean_html(html, Budget()) is None
    cleaned, notes = shown({"text/html": html, "text/plain": "x"})
    assert cleaned["data"] == {"text/plain": "x"}
    assert notes == ["left out: text/html"]


@pytest.mark.parametrize(
    "output",
    [
        *(None, 3, "x", [], {}, {"output_type": []}, {"output_type": "pyout"}, {"output_type": "stream"}),
        *({"output_type": "stream", "name": ["x"], "text": {"a": 1}}, {"output_type": "error", "traceback": "x"}),
        *({"output_type": "error", "ename": 3, "evalue": None, "traceback": [None, 3, "x"]},),
        *({"output_type": "display_data", "data": 3, "metadata": 3}, {"output_type": "execute_result"}),
        *({"output_type": "display_data", "data": {"text/plain": [3, None, "x"], 3: 4}, "metadata": {"image/png": 3}},),
        *({"output_type": "execute_result", "data": {}, "execution_count": "<script>"},),
    ],
)
def test_anything_is_an_output_or_none(output: Any) -> None:
    """Does whatever stands there become a valid output, or nothing?"""
    from nbformat.v4 import nbformat_schema, new_code_cell, new_notebook  # noqa: F401
    from nbformat.validator import validate

    cleaned = clean_output(output, Budget(), lambda _: None)
    cell = new_code_cell(outputs=[] if cleaned is None else [cleaned], id="a")
    validate(new_notebook(cells=[cell]))
