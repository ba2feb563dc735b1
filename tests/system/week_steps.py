"""One week of a course on JupyterHub, in real browsers: two students, an assistant, an instructor.

In: a browser and a running hub. Out: clicks, and what was seen. What people press are JupyterLab's, nbgrader's and our
pages' own buttons; only the answers come out of a file. Set SAITEN_SCREENSHOTS to a folder to keep a picture of every
page that is met, in every language that it has.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from built_exercises import ROOT, build
from lab_steps import AssignmentList, log_in
from playwright.sync_api import Browser, Page, expect

from saiten.course import Course
from saiten.hub.trial import Place, prepare
from saiten.sample import copy_course
from saiten.sample.write import exercise

NAME = "03-max-pooling"
WRONG = "pool-2x2"
"""a question that the first answer gets wrong"""
WAIT = 120_000
"""milliseconds in which a hand-in is marked, the engine's own start included, on a machine that is busy"""


Run = Callable[[Sequence[str]], subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class WeekHub:
    """A hub on which the week takes place."""

    address: str
    place: Place
    run: Run
    """runs a program of the hub's own environment in the course's folder, as the course's account"""


def make_place(folder: Path) -> Place:
    """Make a class of two for one exercise, which is built and not released.

    Args:
        folder: gets all of it; the hub's account has to own it.
    """
    build(NAME)
    whole = Course.find(ROOT)
    with tempfile.TemporaryDirectory() as course:
        copy_course(whole, whole.assignment(NAME), Path(course))
        return prepare(Course.find(Path(course)), folder, 2)


@contextmanager
def person(browser: Browser, hub: WeekHub, name: str) -> Iterator[tuple[Page, str]]:
    """Somebody's own browser window, and their password."""
    context = browser.new_context(viewport={"width": 1300, "height": 900}, locale="ja-JP")
    context.set_default_timeout(60_000)
    password = next(each.password for each in hub.place.people if each.name == name)
    try:
        yield context.new_page(), password
    finally:
        context.close()


def picture(page: Page, name: str) -> None:
    """Keep what is seen, where somebody wants to look."""
    folder = os.environ.get("SAITEN_SCREENSHOTS")
    if not folder:
        return
    page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
    if page.locator("#show-en").count():
        page.check("#show-en")
        page.screenshot(path=str(Path(folder) / f"{name}-en.png"), full_page=True)
        page.check("#show-ja")


def answers(hub: WeekHub, wrong: bool) -> bytes:
    """The notebook with every answer, or with one that is wrong."""
    made = exercise(hub.place.course, hub.place.course.assignment(NAME))
    cells = made.answers()
    if wrong:
        (key, _), *_ = made.solution_cells(WRONG)
        cells[key] += (
            "\n\n\ndef max_pool_2x2(image):\n    return image[..., ::2, ::2]  # every other pixel, not the largest\n"
        )
    files = made.hand_in(cells, "").files()
    return files[f"{NAME}.ipynb"]


def home(hub: WeekHub, student: str) -> Path:
    """The student's folder of the exercise, once it is fetched."""
    return hub.place.state / "homes" / student / NAME


def points_shown(page: Page) -> float:
    """Points that a student's page shows of the newest hand-in, question by question."""
    if not page.locator(".hand-in .questions").first.is_visible():
        page.locator(".hand-in summary").first.click()
    found = []
    for text in page.locator(".hand-in .questions .got").all_inner_texts():
        # "14 点中 3 点", "3 of 14 points"; without a number it is not marked yet
        numbers = [float(each) for each in re.findall(r"[0-9]+(?:[.][0-9]+)?", text)]
        found += [min(numbers)] if numbers else []
    assert found
    return sum(found)


def live_through_a_week(browser: Browser, hub: WeekHub) -> None:
    """Release, fetch, validate, submit, feedback, a second try, marking by hand, export."""
    base = hub.address.rstrip("/")
    marking = f"{base}/services/marking"
    _release(browser, hub, base, marking)
    _hand_in_twice(browser, hub, base, marking)
    _the_other_student(browser, hub, base, marking)
    _export(hub, _mark_by_hand(browser, hub, base))


def _release(browser: Browser, hub: WeekHub, base: str, marking: str) -> None:
    """The instructor releases the exercise on the staff page; a student cannot."""
    with person(browser, hub, "student-001") as (page, password):
        log_in(page, base, "student-001", password)
        page.wait_for_url("**/hub/home")
        refused = page.goto(f"{marking}/staff")
        assert refused is not None
        assert refused.status == 403
        picture(page, "staff-page-refused")
    with person(browser, hub, "instructor") as (page, password):
        log_in(page, base, "instructor", password)
        page.wait_for_url("**/hub/home")
        page.goto(f"{marking}/staff")
        picture(page, "staff-before-release")
        page.click(f"#do-release-{NAME}")
        page.locator("#jobs .badge.done").first.wait_for(timeout=WAIT)
        picture(page, "staff-released")
    assert (hub.place.exchange / hub.place.course.coursedir.course_id / "outbound" / NAME / f"{NAME}.ipynb").is_file()


def _hand_in_twice(browser: Browser, hub: WeekHub, base: str, marking: str) -> None:
    """A wrong answer, feedback on it, the right one, feedback in JupyterLab."""
    with person(browser, hub, "student-001") as (page, password):
        lab = AssignmentList(page, base, "student-001", password)
        lab.fetch(NAME)
        (home(hub, "student-001") / f"{NAME}.ipynb").write_bytes(answers(hub, wrong=True))
        said = lab.validate(NAME, NAME)
        assert "failed" in said
        picture(page, "lab-validated")
        lab.submit(NAME)
        picture(page, "lab-submitted")
        mine = page.context.new_page()
        mine.goto(f"{marking}/mine")
        mine.locator(".hand-in .badge.marked").first.wait_for(timeout=WAIT)
        picture(mine, "mine-wrong")
        points = points_shown(mine)
        mine.get_by_role("link", name="フィードバックを読む").first.click()
        expect(mine.locator("body")).to_contain_text("max_pool_2x2")
        picture(mine, "feedback-wrong")
        mine.goto(f"{marking}/hand-ins/1")
        expect(mine.locator("#hand-in .badge.marked")).to_be_visible()
        picture(mine, "hand-in-wrong")
        mine.goto(f"{marking}/mine")

        (home(hub, "student-001") / f"{NAME}.ipynb").write_bytes(answers(hub, wrong=False))
        lab.submit(NAME)
        expect(mine.locator(".hand-in h3").first).to_contain_text("2", timeout=WAIT)
        expect(mine.locator(".hand-in .badge").first).to_have_class(re.compile("marked"), timeout=WAIT)
        picture(mine, "mine-right")
        better = points_shown(mine)
        assert better > points
        lab.refresh()
        lab.fetch_feedback(NAME)
        picture(page, "lab-feedback")
        feedback = list((home(hub, "student-001") / "feedback").rglob("*.html"))
        assert feedback, "Fetch Feedback has brought nothing"
        assert any("max_pool_2x2" in each.read_text("utf-8") for each in feedback)


def _the_other_student(browser: Browser, hub: WeekHub, base: str, marking: str) -> None:
    """Another one hands in the right answers, in English, on a phone; the page follows by itself."""
    with person(browser, hub, "student-002") as (page, password):
        lab = AssignmentList(page, base, "student-002", password)
        lab.fetch(NAME)
        (home(hub, "student-002") / f"{NAME}.ipynb").write_bytes(answers(hub, wrong=False))
        mine = page.context.new_page()
        mine.set_viewport_size({"width": 390, "height": 844})
        mine.goto(f"{marking}/mine")
        picture(mine, "phone-nothing-yet")
        lab.submit(NAME)
        mine.locator(".hand-in .badge.marked").first.wait_for(timeout=WAIT)
        picture(mine, "phone-marked")
        assert mine.goto(f"{marking}/students/student-001").status == 403  # type: ignore[union-attr]


def _mark_by_hand(browser: Browser, hub: WeekHub, base: str) -> float:
    """The assistant marks the written answers of one hand-in in formgrader; returns the points given."""
    course = hub.place.course.coursedir.course_id
    marking = f"{base}/services/marking"
    with person(browser, hub, "assistant") as (page, password):
        log_in(page, base, "assistant", password)
        page.wait_for_url("**/hub/home")
        page.goto(f"{marking}/staff")
        picture(page, "staff-assistant")
        assert page.locator(f"#do-release-{NAME}").count() == 0, "an assistant does not release"
        _look_around(page, marking)
        page.goto(f"{base}/services/{course}/formgrader/gradebook/{NAME}/{NAME}")
        page.get_by_role("link", name="Submission #1").click()
        waiting = page.locator("input.score.needs_manual_grade")  # the class comes with the points, after the page
        waiting.first.wait_for()
        picture(page, "formgrader-waiting")
        by_hand = 0.0
        for left in range(waiting.count(), 0, -1):
            with page.expect_response(lambda answer: "/api/grade" in answer.url and answer.request.method == "PUT"):
                waiting.first.fill("1.5")
                waiting.first.press("Tab")
            expect(waiting).to_have_count(left - 1)
            by_hand += 1.5
        picture(page, "formgrader-marked")
        return by_hand


def _look_around(page: Page, marking: str) -> None:
    """Every other page that staff have is there, with the class on it."""
    for address, holds in {
        "staff/hand-ins": "student-002",
        "staff/hand-ins?state=marked&student=student-001": "student-001",
        f"staff/assignments/{NAME}": "student-002",
        "staff/log": "instructor",
        "students/student-001": NAME,
        "hand-ins/1": "student-001",
    }.items():
        page.goto(f"{marking}/{address}")
        expect(page.locator("body")).to_contain_text(holds)
        picture(page, "staff-" + re.sub(r"\W+", "-", address.removeprefix("staff/")))


def _export(hub: WeekHub, by_hand: float) -> None:
    """Saiten's export has the mark that is complete and leaves the other one empty; nbgrader's own has both."""
    root = hub.place.course.root
    done = hub.run(["nbgrader", "export", "--to", "marks.csv"])
    assert done.returncode == 0, done.stderr
    with (root / "marks.csv").open(encoding="utf-8") as file:
        theirs = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == NAME}
    assert theirs.keys() == {"student-001", "student-002"}
    assert sorted(theirs.values())[1] - sorted(theirs.values())[0] == by_hand, "both gave the same answers"
    done = hub.run(["saiten", "export", "--output", "ours.csv"])
    assert done.returncode == 1, done.stderr
    with (root / "ours.csv").open(encoding="utf-8-sig") as file:
        ours = {row["student"]: row[NAME] for row in csv.DictReader(file)}
    marked = max(theirs, key=lambda student: theirs[student])
    assert float(ours.pop(marked)) == theirs[marked]
    assert list(ours.values()) == [""], "written answers of the other one wait for a person"
