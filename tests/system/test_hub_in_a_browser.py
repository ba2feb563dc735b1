"""Do the marking service's pages hold in a real browser: readable, live, and dead to what students write?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect
from playwright.sync_api import Page as Tab

from fake_desk import NOW, FakeDesk, lively
from fake_hub import Served, running
from saiten.hub.model import Event, JobKind, JobState, QuestionScore, Shown, State

pytestmark = pytest.mark.system

DEVICES = {"phone": {"width": 390, "height": 844}, "desk": {"width": 1280, "height": 900}}
ME = "student-017"
READABLE = {
    ME: ("mine", "hand-ins/4", "hand-ins/3", "hand-ins/9"),
    "student-018": ("mine", "staff"),
    "teacher": (
        *("staff", "staff/assignments/03-max-pooling", "staff/assignments/04-faces", "staff/hand-ins", "staff/log"),
        *(f"students/{ME}", "hand-ins/5", "hand-ins/6", "nowhere"),
    ),
}
WANTED = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TAKEN = "document.title='taken'"
ATTACKS = (
    f"<script>{TAKEN}</script>",
    f'"\'><img src=x onerror="{TAKEN}"><svg onload="{TAKEN}">',
    f"</p></div></main></title></style></script><script>{TAKEN}</script>",
    f"javascript:{TAKEN}",
    "{{ 7 * 7 }} {% raw %} ${7*7}",
)


@contextmanager
def visitor(browser: Browser, served: Served, name: str, **options: Any) -> Iterator[BrowserContext]:
    """A browser in which somebody is logged in at the hub."""
    context = browser.new_context(timezone_id="Asia/Tokyo", **options)
    context.add_cookies([{"name": "who", "value": name, "url": served.origin}])
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def desk() -> FakeDesk:
    """A class in which everything occurs."""
    return lively()


@pytest.fixture
def served(desk: FakeDesk) -> Iterator[Served]:
    """Its pages."""
    with running(desk) as served:
        yield served


def long_words(text: str) -> FakeDesk:
    """A class with long names and messages."""
    desk = lively(text)
    desk.all_hand_ins = [
        replace(each, student=text) if each.student == "student-018" else each for each in desk.all_hand_ins
    ]
    return desk


@pytest.mark.parametrize(
    ("device", "language", "scheme", "text"),
    [("desk", "ja", "light", ""), ("phone", "en", "dark", "長い説明 " * 20 + "x" * 200)],
    ids=["desk", "phone"],
)
@pytest.mark.parametrize("name", READABLE)
def test_everybody_can_read_every_page(
    browser: Browser, device: str, language: str, scheme: Any, text: str, name: str
) -> None:
    """Does axe-core (WCAG 2.2 AA) find nothing, does nothing overflow, in both languages, light and dark?"""
    options = {"viewport": DEVICES[device], "color_scheme": scheme, "locale": language}
    other = {"ja": "en", "en": "ja"}[language]
    with (
        running(long_words(text) if text else lively()) as served,
        visitor(browser, served, name, **options) as context,
    ):
        tab = context.new_page()
        for page in READABLE[name]:
            tab.goto(f"{served.address}{page}")
            tab.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            found = Axe().run(tab, options={"runOnly": {"type": "tag", "values": WANTED}})
            broken = [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]]
            assert (page, broken) == (page, [])
            assert tab.evaluate("document.documentElement.lang") == language, page
            assert tab.locator(f".in-{language}:visible").count() > 5, page
            assert tab.locator(f".in-{other}:visible").count() == 0, page
            assert tab.evaluate("document.documentElement.scrollWidth") <= DEVICES[device]["width"], page


def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    """Can the test above fail?"""
    tab = browser.new_page()
    tab.set_content("<button></button><p style='color:#eee'>pale</p>")
    assert {each["id"] for each in Axe().run(tab).response["violations"]} >= {"button-name", "color-contrast"}
    tab.close()


def watched(context: BrowserContext) -> tuple[Tab, list[str]]:
    """A new page; also what its console says and which other hosts it asks."""
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: None if "//127.0.0.1:" in request.url else said.append(request.url))
    return tab, said


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_students_write_does_nothing(browser: Browser, attack: str) -> None:
    """Do names, messages and answers stay text on every page that staff or their writer see, live parts included?"""
    desk = long_words(attack)
    with running(desk) as served, visitor(browser, served, "teacher") as context:
        tab, said = watched(context)
        for page in ("staff", "staff/assignments/03-max-pooling", "staff/hand-ins", "staff/log", "hand-ins/10"):
            tab.goto(f"{served.address}{page}")
            title = tab.title()
            desk.all_cards[0] = replace(desk.all_cards[0], students=desk.all_cards[0].students + 1)
            with tab.expect_response(lambda answer, page=page: answer.url.endswith(page)):
                desk.happen(Event("card"))
            assert tab.title() == title
            assert "taken" not in title
            assert tab.locator("main script, main img, main svg, main iframe").count() == 0
            assert "49" not in tab.locator("main").inner_text().replace("2026", "")
        assert said == []


def test_a_script_in_a_feedback_page_is_dead(browser: Browser, desk: FakeDesk, served: Served) -> None:
    """Even where cleaning had failed: does a page with a script, a form and a frame do nothing, and hold no cookie?"""
    page = (
        f'<!DOCTYPE html><title>feedback</title><script>{TAKEN}</script><img src=x onerror="{TAKEN}">'
        f'<iframe srcdoc="<script>parent.{TAKEN}</script>"></iframe><form action=/services/marking/staff/jobs '
        "method=post><input name=kind value=build><button id=go>go</button></form><a id=a href='#b'>b</a>"
        "<a id=out target=_blank rel=noopener href=/services/marking/health>out</a><style>p{color:red}</style><p id=b>"
    )
    desk.pages[4, "essay"] = page.encode()
    with visitor(browser, served, "teacher") as context:
        tab = context.new_page()
        tab.goto(f"{served.address}hand-ins/4/feedback/essay")
        tab.wait_for_load_state()
        assert tab.title() == "feedback"
        tab.locator("#go").click()
        tab.locator("#a").click()
        assert tab.url.endswith("#b")
        with context.expect_page() as opened:
            tab.locator("#out").click()
        assert "ok" in opened.value.locator("body").inner_text()
        assert not [each for each in desk.asked if each[0] == "start"]
        bare = context.new_page()
        bare.set_content(page)
        assert bare.title() == "taken", "the page would act where nothing forbids it"


def test_a_student_watches_a_hand_in_being_marked(browser: Browser, desk: FakeDesk, served: Served) -> None:
    """Do state, place and points change by themselves, what is open stay open, and what is focused stay focused?"""
    with visitor(browser, served, ME, locale="en") as context:
        tab, said = watched(context)
        tab.goto(f"{served.address}mine")
        newest = tab.locator(".hand-in").first
        assert "Place in the queue: 2" in newest.inner_text()
        assert "12:00" not in newest.inner_text()
        assert "11:55" in newest.inner_text(), "moments are in the reader's own time zone"
        filters = tab.locator("#older-02-filters")
        filters.locator("summary").click()
        link = newest.get_by_role("link", name="Details")
        link.focus()
        at = next(at for at, each in enumerate(desk.all_hand_ins) if each.number == 9)
        desk.all_hand_ins[at] = replace(
            desk.all_hand_ins[at], state=State.MARKED, position=None, expected=None, shown=Shown.QUESTIONS, score=9.5,
            max_score=10, questions=(QuestionScore("pool", {"ja": "p", "en": "Pooling"}, 9.5, 10, "nearly"),),
        )  # fmt: skip
        desk.happen(Event("hand-in", "03-max-pooling", ME, 9))
        newest.get_by_text("9.5 of 10 points").first.wait_for()
        assert "nearly" in newest.inner_text()
        assert filters.get_attribute("open") is not None
        assert tab.evaluate("document.activeElement.getAttribute('href')") == "/services/marking/hand-ins/9"
        assert "9.5 of 10" in (tab.locator("#latest").text_content() or "")
        assert said == []


def test_staff_start_watch_and_cancel_a_job(browser: Browser, desk: FakeDesk, served: Served) -> None:
    """By keyboard: press "Mark what changed", see it progress, cancel it?"""
    desk.all_jobs.clear()
    with visitor(browser, served, "assistant-1", locale="en") as context:
        tab, said = watched(context)
        tab.goto(f"{served.address}staff")
        button = tab.locator("#do-mark-changed-03-max-pooling")
        button.focus()
        tab.keyboard.press("Enter")
        tab.wait_for_url("**/staff/assignments/03-max-pooling")
        assert [each for each in desk.asked if each[0] == "start"] == [
            ("start", JobKind.MARK_CHANGED, "03-max-pooling", "assistant-1")
        ]
        assert "0 of 40" in tab.locator("#jobs").inner_text()
        desk.all_jobs[0] = replace(desk.all_jobs[0], done=17, seconds=4.0, processor_seconds=7.5)
        desk.happen(Event("job", "03-max-pooling", "", 1))
        tab.get_by_text("17 of 40").wait_for()
        assert "7.5 s of processor time" in tab.locator("#jobs").inner_text()
        tab.locator("#cancel-1").click()
        assert ("cancel", 1, "assistant-1") in desk.asked
        desk.all_jobs[0] = replace(desk.all_jobs[0], state=JobState.CANCELLED)
        desk.happen(Event("job", "03-max-pooling", "", 1))
        tab.get_by_text("cancelled").wait_for()
        assert tab.locator("#cancel-1").count() == 0
        assert said == []


def test_without_scripts_all_is_there(browser: Browser, desk: FakeDesk, served: Served) -> None:
    """With scripts off: is the language switched, the filter used, a job started?"""
    with visitor(browser, served, "teacher", java_script_enabled=False, locale="ja") as context:
        tab = context.new_page()
        tab.goto(f"{served.address}staff/hand-ins?student={ME}&state=marked")
        assert tab.locator("#rows tbody tr").count() == 3
        tab.locator("select[name=assignment]").select_option("02-filters")
        tab.locator("form.tools button").click()
        assert tab.locator("#rows tbody tr").count() == 2
        tab.locator("#show-en").check()
        assert tab.locator("h1 .in-en").is_visible()
        tab.goto(f"{served.address}staff/assignments/04-faces")
        assert tab.locator("#do-release-04-faces").is_disabled()
        tab.locator("#do-build-04-faces").click()
        assert ("start", JobKind.BUILD, "04-faces", "teacher") in desk.asked


def test_the_language_is_kept(browser: Browser, served: Served) -> None:
    """Is what one chose on a page that of the next, labels of its controls included?"""
    with visitor(browser, served, ME, locale="ja") as context:
        tab = context.new_page()
        tab.goto(f"{served.address}mine")
        assert tab.locator("h1 .in-ja").is_visible()
        tab.locator("#show-en").check()
        assert tab.locator("h1 .in-en").is_visible()
        tab.goto(f"{served.address}hand-ins/4")
        assert tab.locator("h1 .in-en").first.is_visible()
        assert not tab.locator("h1 .in-ja").first.is_visible()
        assert tab.evaluate("document.documentElement.lang") == "en"
        assert tab.locator("nav").get_attribute("aria-label") == "Pages"


def test_what_can_be_chosen_follows_the_language(browser: Browser, served: Served) -> None:
    """A list to choose from holds one language: is it the one that the reader switches to, and stays what is chosen?"""
    with visitor(browser, served, "assistant-1", locale="ja") as context:
        tab = context.new_page()
        tab.goto(f"{served.address}staff/hand-ins")
        states = tab.locator("select[name=state]")
        states.select_option("trouble")
        before = states.inner_text()
        tab.locator("#show-en").check()
        expect(states).not_to_have_text(before)
        assert states.locator("option[value=marked]").inner_text() == "marked"
        assert states.input_value() == "trouble"


def test_a_page_finds_the_service_again(browser: Browser, desk: FakeDesk, served: Served) -> None:
    """When the stream ends, does the page open another and look at what it missed?"""
    with visitor(browser, served, ME, locale="en") as context:
        tab = context.new_page()
        tab.goto(f"{served.address}hand-ins/1")
        while not len(served.house.broker):
            tab.wait_for_timeout(50)
        (ears,) = served.house.broker._ears.values()
        desk.all_hand_ins[0] = replace(desk.all_hand_ins[0], score=3.25, arrived=NOW)
        served.loop.call_soon_threadsafe(ears[0].close)
        tab.get_by_text("3.25 of 12 points").first.wait_for(timeout=20_000)
        while not len(served.house.broker):
            tab.wait_for_timeout(50)


def test_another_site_cannot_frame_or_press(browser: Browser, desk: FakeDesk, served: Served) -> None:
    """Can a page of another host, or of another server of this hub, show a staff page in a frame, or send its form?"""
    with visitor(browser, served, "teacher") as context:
        tab = context.new_page()
        tab.goto(f"{served.address}staff")
        form = (
            f"<form method=post action='{served.address}staff/jobs'><input name=kind value=build>"
            f"<input name=assignment value=03-max-pooling><button>win a prize</button></form>"
        )
        for place in (
            f"{served.origin}/user/{ME}/files/prize.html",
            f"http://localhost:{served.origin.split(':')[-1]}/x",
        ):
            tab.route(place, lambda route: route.fulfill(content_type="text/html", body=form))
            tab.goto(place)
            tab.evaluate(
                "async (address) => { const frame = document.createElement('iframe'); frame.src = address;"
                " document.body.append(frame); await new Promise((done) => { frame.onload = done; }); }",
                f"{served.address}staff",
            )
            assert "03-max-pooling" not in tab.frames[1].content()
            tab.locator("button").click()
            tab.wait_for_load_state()
            assert "03-max-pooling" not in tab.locator("body").inner_text()
        assert [each for each in desk.asked if each[0] == "start"] == []
