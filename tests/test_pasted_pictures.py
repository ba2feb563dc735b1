"""Does a photograph that a student pastes into a written answer come back on the feedback page, and nothing else?"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import lessons
import tiny_course
from saiten.cli import main
from saiten.feedback import Gatherer, render
from saiten.results import CellResult, CellStatus, NotebookResult, Result, Status, summarise_question

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SHOWN = f'src="data:image/png;base64,{PIXEL}"'
LESSON = lessons.bundle(lessons.text("## Why (2 points)"), lessons.manual("why", "because", points=2))


def answered(source: str, attachments: object = None) -> str:
    """The page of a student who wrote this."""
    cell = {"cell_type": "markdown", "id": "why", "metadata": {}, "source": [source]}
    part = NotebookResult("lesson", json.dumps({"cells": [cell]}))
    question = summarise_question("why", "lesson", (CellResult("why", "lesson", None, 2.0, CellStatus.NEEDS_MANUAL),))
    marked = Result("student-017", "lesson", Status.NEEDS_MANUAL, 0.0, 2.0, (question,), notebooks=(part,))
    (page,) = Gatherer(LESSON, ("ja", "en"), {}).pages(marked, {}, {"lesson": {"why": attachments}})
    return re.search(r'<div class="answer">(.*?)</div>', render(page), re.DOTALL)[1]  # type: ignore[index]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("The proof: ![scan](attachment:scan.png)", "scan.png"),
        ("The proof: ![scan](attachment:%E5%86%99%E7%9C%9F.png)", "写真.png"),
        (f"The proof: ![scan](data:image/png;base64,{PIXEL})", "not needed"),
    ],
)
def test_a_picture_is_shown_where_it_was_pasted(source: str, name: str) -> None:
    """Is it there with its words, as Jupyter attaches it and as Colab writes it?"""
    shown = answered(source, {name: {"image/png": PIXEL}})
    assert f'The proof: <img {SHOWN} alt="scan">' in shown


@pytest.mark.parametrize(
    ("source", "attachments"),
    [
        ("![plan](attachment:plan.svg)", {"plan.svg": {"image/svg+xml": "PHN2Zz4="}}),
        ("![plan](attachment:plan.png)", {"plan.png": {"image/png": base64.b64encode(b"<script>x").decode()}}),
        ("![plan](attachment:plan.png)", None),
        ("![plan](attachment:plan.png)", [3]),
        ("![plan](data:image/png;base64,PHNjcmlwdD4=)", None),
        ("![plan](data:image/svg+xml;base64,PHN2Zz4=)", None),
        ("![plan](http://t/plan.png)", None),
        ("![plan][there]\n\n[there]: attachment:plan.png", None),
    ],
)
def test_what_is_no_picture_is_words(source: str, attachments: object) -> None:
    """Is nothing fetched or embedded, and is the name there?"""
    shown = answered(source, attachments)
    assert "<img" not in shown
    assert "src=" not in shown
    assert "plan" in shown


def test_words_of_a_picture_stay_in_their_place() -> None:
    """Can what describes a picture close the attribute that it stands in?"""
    shown = answered('![x" onerror="y <b>](attachment:a.png)', {"a.png": {"image/png": PIXEL}})
    assert f'<img {SHOWN} alt="x&#34; onerror=&#34;y &lt;b&gt;">' in shown


def test_a_class_gets_its_pictures_back(tmp_path: Path) -> None:
    """Does one come through `saiten grade` and `saiten feedback`, from what was handed in to both folders?"""
    tiny_course.make_tiny_course(tmp_path)
    path = tiny_course.submitted(tmp_path, "student-017", essay="Because: ![scan](attachment:scan.png)") / "mean.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][-1]["attachments"] = {
        "scan.png": {"image/png": PIXEL},
        "evil.html": {"text/html": "PHNjcmlwdD4="},
    }
    path.write_text(json.dumps(notebook), encoding="utf-8")
    for verb in ("grade", "feedback"):
        done = CliRunner().invoke(main, [verb, "tiny", "--course", str(tmp_path)])
        assert done.exit_code == 0, done.output
    marked = json.loads((tmp_path / "autograded/student-017/tiny/mean.ipynb").read_text(encoding="utf-8"))
    assert marked["cells"][-1]["attachments"] == {"scan.png": {"image/png": PIXEL}}
    page = (tmp_path / "feedback/student-017/tiny/mean.html").read_text(encoding="utf-8")
    assert f'Because: <img {SHOWN} alt="scan">' in page
    assert "PHNjcmlwdD4" not in page
