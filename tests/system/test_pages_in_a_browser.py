"""Do feedback and report hold in a real browser: readable by everybody, dead to every attack on their reader?"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from saiten.check.html import render as render_check
from saiten.check.report import AnswerRow, CheckReport, Fate, Finding, MutantRow, QuestionProof, State
from saiten.feedback import Page, render
from saiten.feedback.model import Check, Code, Figure, QuestionPage, Shown
from saiten.pictures.draw import boxes_of, pictures_of
from saiten.report import figures
from saiten.report import render as render_report
from saiten.report.weeks import WeekRow, Weeks
from saiten.results import CellResult, CellStatus, NotebookResult, Picture, Result, Status, summarise_question

DEVICES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TAKEN = "document.title='taken'"
ATTACKS = (
    f"<script>{TAKEN}</script>",
    f'<img src=x onerror="{TAKEN}">',
    f'<svg onload="{TAKEN}"><a href="javascript:{TAKEN}">x</a></svg>',
    f'<iframe srcdoc="<script>parent.{TAKEN}</script>"></iframe>',
    f"[press](javascript:{TAKEN}) <javascript:{TAKEN}>",
    f"[press](data:text/html;base64,{base64.b64encode(f'<script>{TAKEN}</script>'.encode()).decode()})",
    "<style>main{display:none} body::before{content:'all points';position:fixed;inset:0}</style>",
    "</pre></code></title></style></textarea>--><script>" + TAKEN + "</script>",
    "$\\href{javascript:" + TAKEN + "}{x}$ $\\unicode{<script>}$ \\require{html}",
    "{{ 7 * 7 }} {% raw %} ${7*7} `</code><script>" + TAKEN + "</script>`",
    "![x](http://127.0.0.1:9/beacon.png) <link rel=stylesheet href=http://127.0.0.1:9/s.css>",
)

pytestmark = pytest.mark.system


def question(text: str, state: str = "partial") -> QuestionPage:
    """A question that says the same thing in every place that a student, or a person, can write to."""
    figure = Figure("png", base64.b64encode(DOT).decode(), text)
    return QuestionPage(
        name=text,
        titles={"ja": text, "en": text},
        state=state,
        score=None if state == "needs_manual" else 1.0,
        max_score=2.0,
        checks=(Check("passed", 1.0, 1.0, ""), Check("failed", 0.0, 1.0, text, tuple(pictures(text)))),
        codes=(Code(f"x = 1\n{text}\n# 日本語", 2),),
        answers=(text,),
        comments=(text,),
        extra=0.5,
        hints={"ja": text, "en": text},
        shown=Shown((figure,), (text,), (text,)),
    )


def pictures(name: str) -> list[Picture]:
    """All that a test may attach: three of a result, boxes on a picture, a sentence in place of one."""
    grey = np.linspace(-1, 1, 48).reshape(6, 8)
    return [
        *pictures_of(name, grey, grey[::-1]),
        *boxes_of(name, [(1, 1, 4, 3)], [(0, 0, 2, 2)], grey),
        *pictures_of(name, [[None]], None),
        Picture("result", name, "", {"ja": name, "en": name}, {"ja": name, "en": name}),
    ]


def page(*texts: str) -> Page:
    """A page with a question for each text, in turn through the states."""
    states = ("partial", "failed", "passed", "needs_manual", "unanswered", "marked")
    questions = tuple(question(text, states[number % len(states)]) for number, text in enumerate(texts))
    title = {"ja": f"演習 {texts[0]}", "en": f"Exercise {texts[0]}"}
    own = Shown((), (texts[0],), (texts[0],))
    return Page(texts[0], "lesson", texts[0], title, ("ja", "en"), questions, 1.0, 90_000.0, own=own)


def class_report(*texts: str) -> str:
    """A report of a class in which everybody's id, code, message and note is one of these texts."""
    results = []
    for at, text in enumerate(texts * 3):
        words = f"your code raised TypeError: {text} (in your code: cell mean, line 1)"
        cells = (CellResult("mean-test", "ps1", at % 2, 1.0, CellStatus.FAILED, "" if at % 2 else words),)
        document = json.dumps({"cells": [{"cell_type": "code", "id": "mean", "metadata": {}, "source": text}]})
        questions, parts = (summarise_question("mean", "ps1", cells),), (NotebookResult("ps1", document),)
        student = f"{text}{at}"
        results.append(
            Result(student, "ps1", Status.GRADED, at % 2, 1.0, questions, notes=(text,), notebooks=parts, seconds=0.5)
        )
    results.append(Result("student-000", "ps1", Status.REJECTED, None, 1.0, message=texts[0]))
    title = {"ja": f"演習 {texts[0]}", "en": f"Exercise {texts[0]}"}
    found = figures("ps1", title, ("ja", "en"), {("ps1", "mean"): {"ja": texts[0], "en": texts[0]}}, results, {})
    return render_report(found, Weeks(("ps0", texts[0]), (WeekRow(texts[0], (None, 0.2), True),)))


def proof(*texts: str) -> str:
    """A proof whose every text is one of these."""
    rows = tuple(
        MutantRow(f"m{at}", text, text, 1, f"--- a\n+++ b\n-x = 1\n+{text}", fate, text)
        for at, (text, fate) in enumerate(zip(texts * 3, (*Fate, *Fate), strict=False))
    )
    questions = tuple(QuestionProof(text, 3.0, 1, 1, 1, rows) for text in texts)
    answers = tuple(
        AnswerRow(text, "mistake", text, {texts[0]: 1.0}, {texts[0]: at}, text) for at, text in enumerate(texts)
    )
    states = (State.HOLDS, State.LOOK, State.FAILS)
    findings = tuple(Finding(text, state, text, text, text) for text in texts for state in states)
    titles = {"ja": f"演習 {texts[0]}", "en": f"Exercise {texts[0]}"}
    return render_check(CheckReport(texts[0], findings, questions, answers, 100.0), ("ja", "en"), titles)


KINDS: dict[str, Callable[..., str]] = {
    "feedback": lambda *texts: render(page(*texts)),
    "report": class_report,
    "check": proof,
}


def open_page(browser: Browser, path: Path, text: str, *, script: bool = True, **options: Any) -> tuple[Tab, list[str]]:
    """Open a page; also the list of what it asked the network for."""
    path.write_text(text, encoding="utf-8")
    tab = browser.new_context(java_script_enabled=script, **options).new_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url) if not request.url.startswith(("file:", "data:")) else None)  # fmt: skip  # noqa: E501
    tab.goto(path.as_uri())
    return tab, asked


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_on_the_reader_is_dead(browser: Browser, tmp_path: Path, attack: str, kind: str) -> None:
    """Does nothing that a student wrote run, cover the page, or call out, even when every link is followed?"""
    tab, asked = open_page(browser, tmp_path / "page.html", KINDS[kind](attack, "ordinary"))
    title = tab.title()
    tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for link in tab.locator("a[href^='#']:visible").all():
        link.click()
    assert tab.title() == title
    assert title != "taken"
    assert tab.locator("main").is_visible()
    assert tab.locator("iframe, main script, link, main svg, main style, object, embed, form").count() == 0
    for link in tab.locator("a:not([href^='#'])").all():
        target = link.get_attribute("href") or ""
        assert target.startswith("http://127.0.0.1:9/") or target.endswith(".csv")
        assert target.endswith(".csv") or "noopener noreferrer" in (link.get_attribute("rel") or "")
    assert [url for url in asked if url != tab.url] == []
    tab.context.close()


def test_the_attack_would_work(browser: Browser, tmp_path: Path) -> None:
    """Can the test above fail: does the same text, not escaped, change the title?"""
    tab, _ = open_page(browser, tmp_path / "bare.html", f"<title>bare</title>{ATTACKS[0]}{ATTACKS[1]}")
    tab.wait_for_function("document.title == 'taken'")
    tab.context.close()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["ja", "en"])
def test_everybody_can_read_it(
    browser: Browser, tmp_path: Path, kind: str, device: str, scheme: Any, language: str
) -> None:
    """Does axe-core (WCAG 2.2 AA) find nothing, does nothing overflow, in both languages, light and dark?"""
    texts = ("a mean", "長い説明 " * 30, "x" * 300, "code", "five", "six")
    options = {"viewport": DEVICES[device], "color_scheme": scheme}
    tab, _ = open_page(browser, tmp_path / "page.html", KINDS[kind](*texts), **options)
    tab.locator(f"#show-{language}").check()
    other = {"ja": "en", "en": "ja"}[language]
    assert tab.locator(f".in-{other}:visible").count() == 0
    assert tab.locator(f".in-{language}:visible").count() > 15
    wanted = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = Axe().run(tab, options={"runOnly": {"type": "tag", "values": wanted}})
    assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= DEVICES[device]["width"]
    tab.context.close()


def test_axe_finds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """Can the test above fail?"""
    tab, _ = open_page(browser, tmp_path / "bare.html", "<img src=x><p style='color:#eee'>pale</p>")
    assert {each["id"] for each in Axe().run(tab).response["violations"]} >= {"image-alt", "color-contrast"}
    tab.context.close()


def test_it_works_by_keyboard_and_without_scripts(browser: Browser, tmp_path: Path) -> None:
    """With scripts off and hands on the keyboard, can one change the language and go to a question?"""
    tab, _ = open_page(browser, tmp_path / "page.html", render(page("a mean", "two")), script=False)
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowRight")
    assert tab.locator("h1 .in-en").is_visible()
    assert not tab.locator("h1 .in-ja").is_visible()
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.url.endswith("#question-1")
    tab.context.close()


def test_tables_sort_and_filter(browser: Browser, tmp_path: Path) -> None:
    """Does a click on a column sort by it, numbers as numbers, and does the field above leave what fits?"""
    tab, _ = open_page(browser, tmp_path / "page.html", class_report("two", "ten"))
    names = "#students tbody th"
    tab.locator("#students thead button").first.click()
    assert tab.locator(names).all_inner_texts() == ["student-000", *(f"ten{at}" for at in (1, 3, 5)), *(f"two{at}" for at in (0, 2, 4))]  # fmt: skip  # noqa: E501
    points = tab.locator("#students thead button").nth(2)
    points.click()
    assert tab.locator(names).first.inner_text() == "student-000", "who has no score comes first"
    points.press("Enter")
    assert tab.locator(names).last.inner_text() == "student-000"
    assert tab.locator("#students thead [aria-sort]").get_attribute("aria-sort") == "descending"
    tab.locator("[data-filter=students]").fill("TWO4")
    assert tab.locator(f"{names}:visible").all_inner_texts() == ["two4"]
    tab.context.close()
