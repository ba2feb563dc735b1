"""Does a picture that a student pasted stand in formgrader's page and in the feedback, drawn by a real browser?"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image
from playwright.sync_api import Browser

import lessons
from saiten.feedback import Gatherer, render
from saiten.gradebook import Practice, marked_folder
from saiten.grading.rebuild import pasted
from saiten.results import CellResult, CellStatus, NotebookResult, Result, Status, summarise_question
from saiten.submission import Submission

pytestmark = pytest.mark.system

SCRIPT = "<script>document.title = 'taken'</script>"
LESSON = lessons.bundle(lessons.text("# Prose\n\n## Why"), lessons.manual("why", "because"))
TEXT = "Proof: ![my scan](attachment:写真 (1).jpg) ![again](<attachment:写真 (1).jpg>) ![plan](attachment:plan.svg)"


def photograph() -> bytes:
    """A large picture, as a telephone takes it, with a page hidden behind its end."""
    buffer = io.BytesIO()
    Image.effect_noise((1600, 1200), 90).convert("RGB").save(buffer, "JPEG", quality=60)
    return buffer.getvalue() + SCRIPT.encode()


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """What a grader and a student see of the same hand-in."""
    photo = base64.b64encode(photograph()).decode()
    attachments = {
        "写真 (1).jpg": {"image/jpeg": photo},
        "plan.svg": {"image/svg+xml": base64.b64encode(b"<svg onload='x()'/>").decode()},
    }
    cell = {"cell_type": "markdown", "metadata": {"nbgrader": {"grade_id": "why"}}, "source": TEXT}
    content = lessons.notebook({**cell, "attachments": attachments})
    marked = {"cells": [{"cell_type": "markdown", "id": "why", "metadata": {}, "source": [TEXT]}]}
    question = summarise_question("why", "lesson", (CellResult("why", "lesson", None, 1.0, CellStatus.NEEDS_MANUAL),))
    part = NotebookResult("lesson", json.dumps(marked))
    result = Result("student-017", "lesson", Status.NEEDS_MANUAL, 0.0, 1.0, (question,), notebooks=(part,))
    handed_in = Submission("student-017", "lesson", {"lesson": content})
    wanted = marked_folder(LESSON, handed_in, result, Practice(url=""))
    (page,) = Gatherer(LESSON, ("en",), {}).pages(result, {}, {"lesson": pasted(LESSON.notebooks[0], content)})
    return {"formgrader": formgrader(wanted.files["lesson.ipynb"].decode()), "feedback": render(page)}


def formgrader(notebook: str) -> str:
    """Formgrader's page of a notebook, by its own template."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config import Config

    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    names = ("assignment_id", "notebook_id", "submission_id", "student", "last_name", "first_name", "notebook_path")
    resources: dict[str, Any] = {**dict.fromkeys(names, "x"), "index": 0, "total": 1, "base_url": ""}
    read = nbformat.reads(notebook, 4)
    return str(HTMLExporter(config=config).from_notebook_node(read, resources=resources)[0])


@pytest.mark.parametrize("kind", ["formgrader", "feedback"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_picture_is_drawn(browser: Browser, pages: dict[str, str], tmp_path: Path, kind: str, width: int) -> None:
    """Is it there, decoded, in the page's width, the other attachment told in words, and nothing run?"""
    path = tmp_path / "page.html"
    path.write_text(pages[kind], encoding="utf-8")
    tab = browser.new_context(viewport={"width": width, "height": 900}, offline=True).new_page()
    tab.goto(path.as_uri(), wait_until="domcontentloaded")
    pictures = tab.locator("img[src^='data:image/jpeg']")
    assert pictures.count() >= 1
    assert pictures.first.evaluate("(each) => each.decode().then(() => [each.naturalWidth, each.naturalHeight])") == [1600, 1200]  # fmt: skip  # noqa: E501
    box = pictures.first.bounding_box()
    assert box is not None
    assert 0 < box["width"] <= (width if kind == "feedback" else 1600), "formgrader's style sheets are not here"
    assert pictures.first.get_attribute("alt") in ("my scan", "again")
    body = tab.locator("body").inner_text()
    assert "left out, no PNG, JPEG or GIF picture, or too large: plan" in body
    assert tab.title() != "taken"
    assert "svg+xml" not in pages[kind]
    assert base64.b64encode(SCRIPT.encode()).decode()[8:40] not in pages[kind]
    tab.screenshot(path=tmp_path / f"{kind}-{width}.png")
    tab.context.close()
