"""On a real hub: does Lab's menu lead to the pages that work, and does formgrader's Autograde mark there, behind walls?

The hub is the one of `saiten hub`, with a tiny course; who clicks uses a real browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from lab_steps import log_in
from playwright.sync_api import Browser, Page

from fake_course import GRADES, rows
from formgrader_server import BUTTONS
from saiten.course import Course
from saiten.formgrader.lab import FORMGRADER_LABEL, MARKING_LABEL
from saiten.hub.trial import RunningHub, choose_ports, prepare, proxy_command, start
from tiny_course import ASSIGNMENT, RIGHT, make_tiny_course, submitted

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

SPY = f"""{RIGHT}
import glob, os
seen = [name for name in os.environ if name.startswith(("JUPYTER", "SAITEN_"))]
for path in glob.glob("/proc/*/environ"):
    try:
        seen += [path] if b"JUPYTERHUB_API_TOKEN" in open(path, "rb").read() else []
    except OSError:
        pass
print("the spy saw", seen)"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """A hub whose course has one hand-in, collected by hand and not marked."""
    root = make_tiny_course(tmp_path_factory.mktemp("course"))
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "tiny"\n' + BUTTONS)
    place = prepare(Course.find(root), tmp_path_factory.mktemp("hub"), 1)
    submitted(place.course.root, "student-001", SPY, "It is the middle of the mass.")
    running = start(place, choose_ports(0), proxy_command(), print)
    yield running
    running.stop()


@contextmanager
def somebody(browser: Browser, hub: RunningHub, name: str, then: str) -> Iterator[Page]:
    """Somebody who has logged in, at a page of the hub."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(120_000)
    password = next(each.password for each in hub.place.people if each.name == name)
    page = context.new_page()
    log_in(page, hub.address.rstrip("/"), name, password, then)
    try:
        yield page
    finally:
        context.close()


def from_menu(page: Page, label: str) -> Page:
    """Choose an entry of Lab's menu "Saiten"; the tab that it opens."""
    page.locator(".lm-MenuBar-itemLabel", has_text="Saiten").click()
    with page.context.expect_page() as opened:
        page.locator(".lm-Menu-itemLabel", has_text=label).click()
    opened.value.wait_for_load_state("domcontentloaded")
    return opened.value


def test_the_menu_leads_to_pages_that_work(browser: Browser, hub: RunningHub, tmp_path: Path) -> None:
    """Do both entries open their page, is nbgrader's own (its tab stays blank) away, and does its link lead on?"""
    with somebody(browser, hub, "instructor", "/hub/spawn") as page:
        page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
        page.locator(".lm-Menu-itemLabel", has_text="Assignment List").wait_for()
        shown = [each.inner_text() for each in page.locator(".lm-Menu-itemLabel").all() if each.is_visible()]
        assert not [label for label in shown if "Formgrader" in label]
        page.keyboard.press("Escape")
        formgrader = from_menu(page, FORMGRADER_LABEL)
        assert formgrader.url == f"{hub.service('tiny')}formgrader/manage_assignments"
        formgrader.locator("h1", has_text="Manage Assignments").wait_for()
        formgrader.locator("td", has_text=ASSIGNMENT).first.wait_for()
        formgrader.screenshot(path=tmp_path / "formgrader.png")
        marking = from_menu(page, MARKING_LABEL)
        assert marking.url.startswith(hub.service("marking"))
        assert marking.locator("h1").first.inner_text()
        page.goto(f"{hub.service('tiny')}lab?formgrader=true")
        assert page.url == f"{hub.service('tiny')}formgrader/manage_assignments"


def test_a_student_is_refused_there(browser: Browser, hub: RunningHub) -> None:
    """Does the same entry bring a student to the hub's 403, and the other to the student's own page?"""
    with somebody(browser, hub, "student-001", "/hub/spawn") as page:
        page.locator(".lm-MenuBar-itemLabel", has_text="Saiten").wait_for()
        refused = from_menu(page, FORMGRADER_LABEL)
        assert "403" in refused.inner_text("body")
        assert "Manage Assignments" not in refused.inner_text("body")


def test_autograde_on_the_hub(browser: Browser, hub: RunningHub) -> None:
    """Does an assistant's click mark, in a service with a token of the hub's that the student's code never sees?"""
    with somebody(browser, hub, "assistant", "/services/tiny/formgrader/manage_submissions/tiny") as page:
        page.locator("td.autograde a").click()
        page.locator(".modal-dialog pre").first.wait_for()
        said = page.locator(".modal-dialog").inner_text()
    assert "4 of 6 points by tests; to be marked by a person: essay" in said
    root = hub.place.course.root
    assert {row["cell"]: row["auto_score"] for row in rows(root, GRADES)} == {"essay": None, "mean-test": 4.0}
    marked = (root / "autograded" / "student-001" / ASSIGNMENT / "mean.ipynb").read_text()
    assert "the spy saw []" in marked
