"""One week of a course on JupyterHub, in real browsers: two students, an assistant, an instructor.

The hub is the one of `saiten hub`. What people press are JupyterLab's, nbgrader's and our pages' own buttons; only the
answers come out of a file. Set SAITEN_SCREENSHOTS to a folder to keep a picture of every page that is met.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from built_exercises import ROOT, build
from lab_steps import AssignmentList, log_in
from playwright.sync_api import Browser, Page, expect

from saiten.course import Course
from saiten.hub.trial import choose_ports, prepare, proxy_command, start
from saiten.hub.trial.run import RunningHub
from saiten.sample import copy_course
from saiten.sample.write import exercise

NAME = "03-max-pooling"
WRONG = "pool-2x2"
"""a question that the first answer gets wrong"""
WAIT = 120_000
"""milliseconds in which a hand-in is marked, the engine's own start included, on a machine that is busy"""

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub with one exercise, which is built and not released."""
    build(NAME)
    course, folder = tmp_path_factory.mktemp("course"), tmp_path_factory.mktemp("hub")
    whole = Course.find(ROOT)
    copy_course(whole, whole.assignment(NAME), course)
    running = start(prepare(Course.find(course), folder, 2), choose_ports(0), proxy_command(), print)
    yield running
    running.stop()


@contextmanager
def person(browser: Browser, hub: RunningHub, name: str) -> Iterator[tuple[Page, str]]:
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
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def answers(hub: RunningHub, wrong: bool) -> bytes:
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


def home(hub: RunningHub, student: str) -> Path:
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


def test_a_week_of_the_course(browser: Browser, hub: RunningHub) -> None:
    """Release, fetch, validate, submit, feedback, a second try, marking by hand, export: does all of it work?"""
    base = hub.address.rstrip("/")
    marking = f"{base}/services/marking"
    _release(browser, hub, base, marking)
    _hand_in_twice(browser, hub, base, marking)
    _the_other_student(browser, hub, base, marking)
    _export(hub, _mark_by_hand(browser, hub, base))


def _release(browser: Browser, hub: RunningHub, base: str, marking: str) -> None:
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


def _hand_in_twice(browser: Browser, hub: RunningHub, base: str, marking: str) -> None:
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
        mine.goto(f"{marking}/mine")

        (home(hub, "student-001") / f"{NAME}.ipynb").write_bytes(answers(hub, wrong=False))
        lab.submit(NAME)
        expect(mine.locator(".hand-in .badge.marked").first).to_be_visible(timeout=WAIT)
        expect(mine.locator(".hand-in h3").first).to_contain_text("2", timeout=WAIT)
        picture(mine, "mine-right")
        better = points_shown(mine)
        assert better > points
        lab.refresh()
        lab.fetch_feedback(NAME)
        picture(page, "lab-feedback")
        feedback = list((home(hub, "student-001") / "feedback").rglob("*.html"))
        assert feedback, "Fetch Feedback has brought nothing"
        assert any("max_pool_2x2" in each.read_text("utf-8") for each in feedback)


def _the_other_student(browser: Browser, hub: RunningHub, base: str, marking: str) -> None:
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


def _mark_by_hand(browser: Browser, hub: RunningHub, base: str) -> float:
    """The assistant marks the written answers of one hand-in in formgrader; returns the points given."""
    course = hub.place.course.coursedir.course_id
    with person(browser, hub, "assistant") as (page, password):
        log_in(page, base, "assistant", password)
        page.wait_for_url("**/hub/home")
        page.goto(f"{base}/services/marking/staff")
        picture(page, "staff-assistant")
        assert page.locator(f"#do-release-{NAME}").count() == 0, "an assistant does not release"
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


def _export(hub: RunningHub, by_hand: float) -> None:
    """Saiten's export has the mark that is complete and leaves the other one empty; nbgrader's own has both."""
    root = hub.place.course.root
    program = str(Path(sys.executable).with_name("nbgrader"))
    subprocess.run([program, "export", "--to", "marks.csv"], cwd=root, check=True, capture_output=True)
    with (root / "marks.csv").open(encoding="utf-8") as file:
        theirs = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file) if row["assignment"] == NAME}
    assert theirs.keys() == {"student-001", "student-002"}
    assert sorted(theirs.values())[1] - sorted(theirs.values())[0] == by_hand, "both gave the same answers"
    command = [sys.executable, "-c", "from saiten.cli import main; main()", "export", "--output", "ours.csv"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    with (root / "ours.csv").open(encoding="utf-8-sig") as file:
        ours = {row["student"]: row[NAME] for row in csv.DictReader(file)}
    marked = max(theirs, key=lambda student: theirs[student])
    assert float(ours.pop(marked)) == theirs[marked]
    assert list(ours.values()) == [""], "written answers of the other one wait for a person"
