"""Are the marking service's pages safe to open, in both languages, and do they say what readers need?

The pages run as they do on a hub, with JupyterHub's own login code; the hub and the desk are stand-ins.
"""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import httpx

from fake_desk import NOW, FakeDesk, lively
from fake_hub import Served, running
from hub_readers import ALL_PAGES, HOSTILE, ME, STAFF_PAGES
from saiten.hub.model import HandIn, Shown, State, Withheld
from saiten.hub.web.render import render, tongue_for
from saiten.hub.web.views import ask_again, exercises, next_step
from saiten.hub.web.words import WORDS

# --- what pages are ------------------------------------------------------------------------------------------------


class _Elements(HTMLParser):
    """Collects elements and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one."""
        self.found.append((tag, dict(attrs)))


def test_what_students_write_is_text() -> None:
    """Does a name, message or answer that is HTML make no element and no attribute on any page?"""
    pages = [f"students/{HOSTILE.replace('/', '%2F')}" if each.startswith("students/") else each for each in ALL_PAGES]
    pages = [each for each in dict.fromkeys((*pages, "hand-ins/10")) if "feedback" not in each]
    with running(lively(HOSTILE)) as served, served.as_token("teacher") as program:
        for page in pages:
            answer = program.get(page)
            assert answer.status_code == 200, page
            elements = _Elements(answer.text).found
            scripts = [attributes for tag, attributes in elements if tag == "script"]
            assert [bool(each["nonce"] and each["src"]) for each in scripts] == [True], page
            assert not [tag for tag, _ in elements if tag in ("img", "iframe", "object", "embed", "base", "style")], (
                page
            )
            assert not [name for _, attributes in elements for name in attributes if name.startswith("on")], page
            links = [attributes.get("href") or "" for tag, attributes in elements if tag == "a"]
            assert all(each.startswith(("/services/", "/hub/", "#")) for each in links), page


def test_headers(served: Served) -> None:
    """Do all pages forbid frames, foreign content, sniffing and keeping, with a new nonce each time?"""
    nonces = set()
    with served.as_token("teacher") as program:
        for page in ("staff", "mine", "hand-ins/5", "nowhere", "hand-ins/999"):
            answer = program.get(page)
            policy = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
            assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
            assert policy["script-src"] == policy["style-src"]
            (nonce,) = re.findall(r"^'nonce-([\w-]+)'$", policy["script-src"])
            assert f'nonce="{nonce}"' in answer.text
            assert 'style="' not in answer.text
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "no-store"
            nonces.add(nonce)
    assert len(nonces) == 5


def test_a_feedback_page_is_sent_as_it_is_and_can_do_nothing(served: Served, desk: FakeDesk) -> None:
    """Is it byte for byte the desk's, in a sandbox without scripts and without the service's origin?"""
    with served.as_token(ME) as program:
        answer = program.get("hand-ins/4/feedback/essay")
    assert answer.content == desk.pages[4, "essay"]
    directives = [each.strip() for each in answer.headers["content-security-policy"].split(";")]
    assert "default-src 'none'" in directives
    (sandbox,) = [each for each in directives if each.startswith("sandbox")]
    assert "allow-scripts" not in sandbox
    assert "allow-same-origin" not in sandbox
    assert not [each for each in directives if each.startswith("script-src")]


def test_cookies_are_as_jupyterhub_has_them(served: Served) -> None:
    """HttpOnly, below the service's path, SameSite; Secure where the reader came by https?"""
    with served.as_browser("teacher") as browser:
        plain = browser.get("staff")
    with served.as_browser("teacher", **{"X-Forwarded-Proto": "https", "X-Scheme": "https"}) as browser:
        browser.follow_redirects = False
        sent = browser.get("staff")
        state = re.search(r"state=([\w-]+)", sent.headers["location"])
        assert state
        kept = sent.headers["set-cookie"].split(";")[0]  # the test's own connection is no https: it would not send it
        secure = browser.get(f"oauth_callback?code=teacher&state={state[1]}", headers={"Cookie": kept})
    cookies = [line for answer in plain.history for line in answer.headers.get_list("set-cookie") if "=" in line]
    logins = [line for line in cookies if re.match(r"(service-marking|_xsrf)=", line)]
    assert len(logins) == 2
    for line in logins:
        for part in ("HttpOnly", "Path=/services/marking/", "SameSite=Lax"):
            assert part in line
        assert "Secure" not in line
    (login,) = [line for line in secure.headers.get_list("set-cookie") if line.startswith("service-marking=")]
    assert "Secure" in login


def test_no_address_is_asked_for_but_our_own(served: Served) -> None:
    """Do pages name no other host: nothing from a CDN?"""
    with served.as_token("teacher") as program:
        for page in (*STAFF_PAGES, "mine"):
            assert not re.findall(r"(?:src|href|action)=\"(?:https?:)?//", program.get(page).text), page
        for name in ("page.css", "live.js"):
            assert not re.search(r"https?:|@import|url\(", program.get(f"static/{name}").text)


def test_health_and_static_files_need_no_login(served: Served) -> None:
    """Can the hub ask whether the service lives?"""
    with httpx.Client(base_url=served.address) as nobody:
        assert nobody.get("health").json() == {"status": "ok", "streams": 0}
        for name in ("page.css", "live.js"):
            assert "immutable" in nobody.get(f"static/{name}").headers["cache-control"]
        assert nobody.get("static/words.py").status_code == 404
        assert nobody.get("static/..%2fapp.py").status_code == 404


def test_the_desk_is_asked_in_threads(served: Served, desk: FakeDesk) -> None:
    """Does the loop that serves everybody wait for no database?"""
    with served.as_token("teacher") as program:
        for page in ALL_PAGES:
            program.get(page)
    assert desk.threads
    assert all(name.startswith("saiten-page") for name in desk.threads)


def test_a_reader_sees_ones_own_language_first(served: Served) -> None:
    """Is it the chosen one, else the browser's, else the course's; is either in the page?"""
    with served.as_token(ME) as program:
        answers = {
            "ja": program.get("mine"),
            "en": program.get("mine", headers={"Accept-Language": "en-GB,en;q=0.9,ja;q=0.5"}),
        }
        program.cookies.set("saiten-language", "en")
        chosen = program.get("mine", headers={"Accept-Language": "ja"})
        program.cookies.set("saiten-language", 'xx"><script>')
        odd = program.get("mine")
    for language, answer in {**answers, "en ": chosen, "ja ": odd}.items():
        assert f'<html lang="{language.strip()}">' in answer.text
        assert "<script>" not in answer.text
        for words in WORDS.values():
            assert words["how_title"] in answer.text


def test_both_languages_have_the_same_words() -> None:
    """Has every key a text in each, with the same gaps?"""
    assert WORDS["ja"].keys() == WORDS["en"].keys()
    for key, english in WORDS["en"].items():
        assert sorted(re.findall(r"\{\w+\}", english)) == sorted(re.findall(r"\{\w+\}", WORDS["ja"][key])), key


def test_a_course_in_one_language_has_no_switch() -> None:
    """Is there nothing to choose where there is one language, and English where there are no words?"""
    page = render(
        "error.html.j2", tongue_for(("de",), "", "de"), reader=None, base="/", hub_url="/", course="c", nonce="n",
        path="/", again=None, live=False, key="404", sentences=[],
    )  # fmt: skip
    assert "<fieldset" not in page
    assert WORDS["en"]["error_404"] in page


# --- what a page makes of the desk's answers -----------------------------------------------------------------------


def test_withheld_points_are_explained_and_not_there(served: Served, desk: FakeDesk) -> None:
    """Does the student read why and until when, and neither points nor messages, while staff read both?"""
    with served.as_token("student-018") as program:
        page = program.get("hand-ins/5").text
    assert html.escape(WORDS["en"]["withheld_quiet"]) in page
    assert (NOW + timedelta(days=0.5)).astimezone().isoformat(timespec="seconds") in page
    assert "gradient of the second" not in page
    assert 'class="score"' not in page
    with served.as_token("assistant-1") as program:
        page = program.get("hand-ins/5").text
    assert "gradient of the second" in page
    assert WORDS["en"]["withheld_from"] in page


def test_points_that_are_known_are_shown_while_a_person_has_to_mark_the_rest(desk: FakeDesk) -> None:
    """Does a student who waits for a written answer's mark see what the tests gave, and that it is not all?"""
    (marked,) = (each for each in desk.all_hand_ins if each.number == 4)
    desk.all_hand_ins = [replace(marked, score=None)]
    with running(desk) as served, served.as_token(ME) as program:
        page = program.get("mine").text
    assert "10 点中、今のところ 5.5 点" in page
    assert "5.5 of 10 points so far" in page


def test_many_questions_are_folded(desk: FakeDesk) -> None:
    """Does a page of several exercises stay short, with every point a press away, and the judge's words in Japanese?"""
    (marked,) = (each for each in desk.all_hand_ins if each.number == 4)
    many = tuple(replace(marked.questions[1], name=f"q{at}", message="no answer") for at in range(5))
    desk.all_hand_ins = [replace(marked, questions=many)]
    with running(desk) as served, served.as_token(ME) as program:
        home, alone = program.get("mine").text, program.get("hand-ins/4").text
    assert f"<summary>{tongue_for(('ja',), '', '').word('by_question', n=5)}".split("</span>")[0] in home
    for page in (home, alone):
        assert page.count('<span class="in-ja" lang="ja">解答がありません</span>') == 5
    assert "<details" not in alone


def test_our_faults_are_no_students_business(served: Served) -> None:
    """Does a student whose hand-in is in trouble read that it is ours, and staff what it is?"""
    with served.as_token("student-019") as program:
        page = program.get("hand-ins/6").text
        assert html.escape(WORDS["en"]["trouble_said"]) in page
        assert "worker died" not in page
    with served.as_token("teacher") as program:
        assert "worker died twice" in program.get("hand-ins/6").text


def test_exercises_stand_in_the_order_in_which_they_press(desk: FakeDesk) -> None:
    """What is due next in front, what is over behind, what is not released nowhere; each with its own hand-ins?"""
    mine = [each for each in desk.all_hand_ins if each.student == ME]
    found = exercises(desk.all_cards, mine, NOW)
    assert [each.card.name for each in found] == ["03-max-pooling", "02-filters"]
    assert found[0].newest is not None
    assert (found[0].newest.number, [each.number for each in found[0].older]) == (9, [4, 3])
    assert (found[0].left, found[0].used) == (12 * 3600, 3)
    late = HandIn(20, ME, "04-faces", NOW, State.WAITING, 1, False)
    assert "04-faces" in [each.card.name for each in exercises(desk.all_cards, [late], NOW)]


def test_what_to_do_next() -> None:
    """Is the advice that of the state, and does a full mark of public tests promise nothing?"""
    marked = HandIn(1, ME, "a", NOW, State.MARKED, 1, False, shown=Shown.FULL, score=3.0, max_score=3.0)
    assert next_step(None, 1.0) == "next_fetch"
    assert next_step(replace(marked, state=State.WAITING), 1.0) == "next_wait"
    assert next_step(replace(marked, state=State.TROUBLE), 1.0) == "next_wait"
    assert next_step(replace(marked, state=State.REJECTED), -1.0) == "next_fix"
    assert next_step(marked, 1.0) == "next_done"
    assert next_step(replace(marked, shown=Shown.PUBLIC), 1.0) == "next_hidden"
    assert next_step(replace(marked, score=None), 1.0) == "next_hidden"
    assert next_step(replace(marked, score=2.0), 1.0) == "next_improve"
    assert next_step(replace(marked, score=2.0), None) == "next_improve"
    assert next_step(replace(marked, score=2.0), -1.0) == "next_late"
    assert next_step(replace(marked, withheld=Withheld.OFF), 1.0) == "next_hidden"


def test_a_page_looks_again_only_while_something_moves(desk: FakeDesk) -> None:
    """Every few seconds while something waits, every minute near a due date, else when it is told?"""
    marked = [each for each in desk.all_hand_ins if each.state is State.MARKED]
    assert ask_again(marked) is None
    assert ask_again(desk.all_hand_ins) == 3
    assert ask_again([], desk.all_jobs) == 3
    assert ask_again([], desk.all_jobs[1:]) is None
    assert ask_again(settled=False) == 3
    assert ask_again(marked, spans=[None, -5.0, 9e9]) is None
    assert ask_again(marked, spans=[3600.0]) == 60


def test_hand_ins_are_filtered(served: Served) -> None:
    """By student, assignment and state, each alone and together?"""
    with served.as_token("assistant-1") as program:

        def numbers(**query: str) -> list[int]:
            text = program.get("staff/hand-ins", params=query).text
            return [int(each) for each in re.findall(r'hand-ins/(\d+)">', text)]

        assert numbers() == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
        assert numbers(student=ME) == [9, 4, 3, 2, 1]
        assert numbers(student=ME, assignment="02-filters") == [2, 1]
        assert numbers(state="marked", assignment="03-max-pooling") == [10, 5, 4]
        assert numbers(student="nobody") == []
        assert program.get("staff/hand-ins", params={"state": "lost"}).status_code == 404


def test_a_filter_looks_at_the_whole_class(served: Served, desk: FakeDesk) -> None:
    """Is an old hand-in in trouble found behind hundreds that are marked?"""
    (marked,) = [each for each in desk.all_hand_ins if each.number == 4]
    desk.all_hand_ins += [replace(marked, number=number) for number in range(11, 260)]
    with served.as_token("assistant-1") as program:
        everything = program.get("staff/hand-ins").text
        assert 'hand-ins/6">' not in everything
        in_trouble = program.get("staff/hand-ins", params={"state": "trouble"}).text
    assert re.findall(r'hand-ins/(\d+)">', in_trouble) == ["6"]
