"""Do pictures that students paste reach whoever marks them, whole and alone, and does nothing else?"""

from __future__ import annotations

import base64
import io
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from saiten.sanitise import clean_notebook
from saiten.sanitise.attachments import clean_attachments, clean_name, with_references
from saiten.sanitise.budget import Budget
from saiten.sanitise.pictures import MOST_BYTES
from saiten.sanitise.whole import whole_picture

SCRIPT = b"<script>document.title = 'taken'</script>"


def made(form: str, **options: Any) -> bytes:
    """A small picture as a library writes it."""
    buffer = io.BytesIO()
    picture = Image.effect_noise((40, 30), 60).convert("RGB" if form == "JPEG" else "P")
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def frames() -> bytes:
    """A GIF that moves."""
    return made("GIF", save_all=True, append_images=[Image.new("P", (40, 30), at) for at in range(3)])


EXIF = Image.Exif()
EXIF[0x010E] = "a derivation, photographed " * 900
FILES = {
    "png": ("image/png", made("PNG")),
    "png, few colours, text": ("image/png", made("PNG", bits=4, optimize=True)),
    "jpeg": ("image/jpeg", made("JPEG")),
    "jpeg in several scans": ("image/jpeg", made("JPEG", progressive=True, quality=95)),
    "jpeg from a camera": ("image/jpeg", made("JPEG", exif=EXIF, restart_marker_blocks=2)),
    "gif": ("image/gif", made("GIF")),
    "gif that moves": ("image/gif", frames()),
}


def encoded(content: bytes) -> str:
    """Base64 as a notebook holds it."""
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("name", FILES)
def test_a_picture_is_known_by_its_bytes(name: str) -> None:
    """Are kind and size right, and every byte there?"""
    kind, content = FILES[name]
    picture = whole_picture(content)
    assert picture is not None
    assert (picture.kind, picture.size, picture.content) == (kind, (40, 30), content)


@pytest.mark.parametrize("name", FILES)
def test_what_stands_behind_a_picture_goes(name: str) -> None:
    """Is a page that hides behind a picture's end cut off, and the picture still one?"""
    _, content = FILES[name]
    picture = whole_picture(content + SCRIPT)
    assert picture is not None
    assert picture.content == content
    Image.open(io.BytesIO(picture.content)).load()


@pytest.mark.parametrize("name", FILES)
def test_half_a_picture_is_none(name: str) -> None:
    """Is one that broke off anywhere refused, without an error?"""
    _, content = FILES[name]
    for end in {*range(0, len(content), max(1, len(content) // 97)), len(content) - 1, len(content) - 2}:
        assert whole_picture(content[:end]) is None


@pytest.mark.parametrize(
    "content",
    [
        *(
            b"",
            SCRIPT,
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>",
            b"%PDF-1.7\n",
            b"RIFF\0\0\0\0WEBPVP8 ",
        ),
        b"GIF89a" + SCRIPT,
        b"\x89PNG\r\n\x1a\n" + SCRIPT,
        b"\xff\xd8\xff\xe0" + SCRIPT,
        made("PNG").replace(b"IDAT", b"iDAT"),
        made("PNG")[:60] + b"\0" + made("PNG")[61:],
        made("BMP"),
        made("PNG") + bytes(MOST_BYTES),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_anything_else_is_none(content: bytes) -> None:
    """Is what only begins like a picture, or is damaged, too large, or of another kind, refused?"""
    assert whole_picture(content) is None


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(FILES)), st.binary(max_size=12), st.integers(0, 4000), st.integers(0, 12))
def test_any_bytes_at_all(name: str, junk: bytes, place: int, cut: int) -> None:
    """Does a picture that somebody damaged never raise, and give nothing that does not begin as it is said to?"""
    _, content = FILES[name]
    picture = whole_picture(content[:place] + junk + content[place + cut :])
    if picture is not None:
        starts = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}
        assert picture.content.startswith(starts[picture.kind])


def test_the_bytes_decide_and_not_the_mime_type() -> None:
    """Is a photograph kept under its own kind, whatever it was called, and a page that is called a picture not?"""
    left_out: list[str] = []
    raw = {
        "IMG 001 (2).png": {"image/png": encoded(FILES["jpeg"][1])},
        "scan.svg": {"image/svg+xml": encoded(FILES["png"][1] + SCRIPT)},
        "evil.png": {"image/png": encoded(SCRIPT)},
        "split.gif": {"image/gif": [encoded(FILES["gif"][1])[:40] + "\n", encoded(FILES["gif"][1])[40:]]},
        "vector.svg": {"image/svg+xml": "<svg onload='x()'/>"},
        "../../x.png": {"text/html": "PHNjcmlwdD4="},
        "": {"image/png": encoded(FILES["png"][1])},
    }
    kept = clean_attachments(raw, Budget(), left_out)
    assert kept == {
        clean_name("IMG 001 (2).png"): {"image/jpeg": encoded(FILES["jpeg"][1])},
        "scan.svg": {"image/png": encoded(FILES["png"][1])},
        "split.gif": {"image/gif": encoded(FILES["gif"][1])},
    }
    assert left_out == ["evil.png", "vector.svg", clean_name("../../x.png")]


def test_names() -> None:
    """Are names plain, each its own, and plain ones left alone?"""
    names = [
        "image.png",
        "写真 1.jpg",
        "写真 2.jpg",
        "顔.jpg",
        "写.jpg",
        "../../x.png",
        'a" onerror="x',
        "あ" * 500,
        "a" * 501,
    ]
    cleaned = [clean_name(name) for name in names]
    assert len(set(cleaned)) == len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name) for name in cleaned)
    assert [clean_name(name) for name in cleaned] == cleaned
    assert cleaned[0] == "image.png"


@pytest.mark.parametrize(
    "raw", [None, 3, [], {"a": 3}, {3: {}}, {"a": {"image/png": 3}}, {"a": {"x": "あ"}}, {"a": []}]
)
def test_any_attachments_at_all(raw: Any) -> None:
    """Is what has no form of attachments passed over?"""
    assert clean_attachments(raw, Budget(), []) == {}


def test_there_is_an_end_to_pasting() -> None:
    """Are pictures kept only until the notebook's share is used up, in pixels and in bytes?"""
    raw = {f"{at}.png": {"image/png": encoded(FILES["png"][1])} for at in range(9)}
    few = Budget(pixels=3 * 40 * 30)
    assert list(clean_attachments(raw, few, [])) == ["0.png", "1.png", "2.png"]
    left_out: list[str] = []
    small = Budget(attached=2 * len(FILES["png"][1]))
    assert list(clean_attachments(raw, small, left_out)) == ["0.png", "1.png"]
    assert len(left_out) == 7


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("![a](attachment:image.png)", "image.png"),
        ("![my scan](attachment:IMG%20001.jpg)", "IMG%20001.jpg"),
        ("![my scan](attachment:IMG%20001.jpg)", "IMG 001.jpg"),
        ("![my scan](<attachment:IMG 001.jpg>)", "IMG 001.jpg"),
        ("![my scan](<attachment:写真 (1).jpg>)", "写真 (1).jpg"),
        ("![my scan](attachment:写真 (1).jpg)", "写真 (1).jpg"),
        ('![](attachment:7b1a-写真.jpeg "title")', "7b1a-写真.jpeg"),
    ],
)
def test_references_find_their_picture(source: str, name: str) -> None:
    """Does nbconvert, as formgrader calls it, show the picture, however the student's program wrote its name?"""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    cell = {"cell_type": "markdown", "id": "a", "source": source, "attachments": {name: {"image/png": encoded(FILES["png"][1])}}}  # fmt: skip  # noqa: E501
    (cleaned,) = clean_notebook({"cells": [cell]}).notebook["cells"]
    assert list(cleaned["attachments"]) == [clean_name(name)]
    renderer = IPythonRenderer(attachments=cleaned["attachments"])
    page = MarkdownWithMath(renderer=renderer).render("".join(cleaned["source"]))
    assert f'src="data:image/png;base64,{encoded(FILES["png"][1])}"' in page


def test_what_is_left_out_is_said_in_its_place() -> None:
    """Does the text say where a picture is missing, in words that are only words?"""
    source = "before ![plan](attachment:plan.svg) ![](attachment:a&lt;b.html) ![x](attachment:a.png) after"
    words = with_references(source, {"a.png"})
    assert (
        "before (画像ではないか、大きすぎるので省きました / left out, no PNG, JPEG or GIF picture, or too large: plan)"
        in words
    )
    assert ": a-lt-b.html)" in words
    assert words.endswith("![x](attachment:a.png) after")
    assert with_references(words, {"a.png"}) == words


def test_the_remark_for_staff() -> None:
    """Is it told which cell lost a picture, and is the notebook one that cleaning leaves alone?"""
    cell = {
        "cell_type": "markdown",
        "source": "![x](attachment:a b.svg) $x$",
        "attachments": {"a b.svg": {"image/svg+xml": encoded(SCRIPT)}, "b.gif": {"image/gif": encoded(frames())}},
    }
    once = clean_notebook({"cells": [cell]})
    assert once.remarks == ("left out: an attachment that is no PNG, JPEG or GIF picture, or too large, in cell 1",)
    again = clean_notebook(json.loads(json.dumps(once.notebook)))
    assert (again.notebook, again.remarks) == (once.notebook, ())
