"""Do the marking service's pages show each reader what is theirs, and refuse all else on the server?

The pages run as they do on a hub, with JupyterHub's own login code; the hub and the desk are stand-ins.
"""

from __future__ import annotations

import html
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from fake_desk import NOW, FakeDesk, lively
from fake_hub import BASE, Served, as_token, running
from saiten.cli import main
from saiten.errors import HubError, UserError
from saiten.hub.model import Event, HandIn, Job, JobKind, JobState, Shown, State, Withheld
from saiten.hub.web.live import MOST_STREAMS
from saiten.hub.web.reader import Right, reader_of
from saiten.hub.web.render import render, tongue_for
from saiten.hub.web.serve import hub_auth_from, place_of, serve
from saiten.hub.web.views import ask_again, exercises, next_step
from saiten.hub.web.words import WORDS

ME = "student-017"
OWN_PAGES = ("mine", f"students/{ME}", "hand-ins/1", "hand-ins/4", "hand-ins/4/feedback", "hand-ins/4/feedback/essay")
OTHERS = ("students/student-018", "hand-ins/5", "hand-ins/5/feedback", "hand-ins/10", "hand-ins/999")
STAFF_PAGES = ("staff", "staff/hand-ins", "staff/log", "staff/assignments/03-max-pooling")
ALL_PAGES = (*OWN_PAGES, *OTHERS[:-2], *STAFF_PAGES)
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)>\"'{{7*7}}"


@pytest.fixture
def desk() -> FakeDesk:
    """A small class."""
    return lively()


@pytest.fixture
def served(desk: FakeDesk) -> Iterator[Served]:
    """Its pages."""
    with running(desk) as served:
        yield served


def token_on(page: httpx.Response) -> str:
    """The token that a page's forms send back."""
    found = re.search(r'data-xsrf="([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


def asked_for(desk: FakeDesk, verb: str) -> list[tuple[object, ...]]:
    """What the desk was asked for by one method."""
    return [each for each in desk.asked if each[0] == verb]


# --- who sees what -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", OWN_PAGES)
def test_a_student_reads_what_is_ones_own(served: Served, page: str) -> None:
    """Are one's exercises, hand-ins and feedback there, with a token as in a browser?"""
    with served.as_token(ME) as program, served.as_browser(ME) as browser:
        assert program.get(page).status_code == 200
        assert browser.get(page).status_code == 200


@pytest.mark.parametrize("page", [*OTHERS, *STAFF_PAGES])
@pytest.mark.parametrize("reader", [ME, "almost"])
def test_what_is_not_ones_own_is_refused(served: Served, desk: FakeDesk, page: str, reader: str) -> None:
    """Is it 403, in both languages and without the data, for students and for scopes that only look like staff's?"""
    with served.as_token(reader) as program, served.as_browser(reader) as browser:
        for answer in (program.get(page), browser.get(page)):
            assert answer.status_code == 403
            assert WORDS["ja"]["error_403"] in answer.text
            assert WORDS["en"]["error_403"] in answer.text
            assert "student-018" not in answer.text
            assert "student-021" not in answer.text
    assert not asked_for(desk, "page")
    assert not asked_for(desk, "jobs")
    assert all(each[-1] is False for each in desk.asked if each[0] in ("hand_ins", "hand_in"))


@pytest.mark.parametrize("page", ALL_PAGES)
@pytest.mark.parametrize("reader", ["assistant-1", "teacher", "dean"])
def test_staff_read_everything(served: Served, page: str, reader: str) -> None:
    """Do assistants and instructors get every page?"""
    with served.as_token(reader) as program:
        assert program.get(page).status_code == 200 or (page == f"students/{ME}" and reader == ME)


def test_staff_who_ask_for_nothing_are_told_so(served: Served) -> None:
    """Is a hand-in, assignment or page that does not exist 404 for staff?"""
    with served.as_token("teacher") as program:
        for page in ("hand-ins/999", "staff/assignments/nothing", "hand-ins/3/feedback", "nowhere", "staff/nothing"):
            assert program.get(page).status_code == 404, page


@pytest.mark.parametrize("page", ["", *ALL_PAGES, "events"])
def test_who_has_no_name_or_no_access_sees_nothing(served: Served, desk: FakeDesk, page: str) -> None:
    """Is a browser without a login sent to the hub, and a token that is none, or of a stranger, refused?"""
    with httpx.Client(base_url=served.address) as nobody:
        answer = nobody.get(page)
        assert answer.status_code == 302
        assert answer.headers["location"].startswith("/hub/api/oauth2/authorize?")
        assert nobody.get(page, headers={"Sec-Fetch-Mode": "cors"}).status_code == 403
    for name in ("nobody", "stranger"):
        with served.as_token(name) as program:
            assert program.get(page).status_code == 403
    assert desk.asked == []


def test_a_service_of_the_hub_has_no_exercises(served: Served, desk: FakeDesk) -> None:
    """Is a program with a service's token, whose name might be a student's, no student?"""
    desk.all_hand_ins.append(HandIn(11, "robot", "02-filters", NOW, State.WAITING, 1, False))
    with served.as_token("robot") as program:
        for page in ("mine", "students/robot", "hand-ins/11"):
            assert program.get(page).status_code == 403


def test_the_first_page_leads_to_ones_work(served: Served) -> None:
    """Are students led to their exercises, staff to the assignments?"""
    for name, place in ((ME, "mine"), ("assistant-1", "staff"), ("teacher", "staff")):
        with served.as_browser(name) as browser:
            assert browser.get("").url.path.endswith(f"/{place}")


def test_rights_are_scopes_exactly_as_named() -> None:
    """Does only the whole name of a scope give a right, and never a name, a group or admin?"""
    base = {"name": "x", "kind": "user", "admin": True, "groups": ["formgrade-vision", "instructors-vision"]}
    assert reader_of({**base, "scopes": ["custom:saiten", "custom:saiten:assistant", "admin:users"]}).right is Right.OWN
    assert reader_of({**base, "scopes": ["custom:saiten:assist"]}).right is Right.ASSIST
    assert reader_of({**base, "scopes": ["custom:saiten:instruct"]}).right is Right.INSTRUCT
    assert reader_of({"name": "x", "kind": "service", "scopes": []}).is_student("x") is False


# --- what is done --------------------------------------------------------------------------------------------------

BUTTONS = {"assistant-1": {"mark-all", "mark-changed", "feedback"}, "teacher": set(JobKind), "dean": set(JobKind)}


@pytest.mark.parametrize("kind", JobKind)
@pytest.mark.parametrize("reader", [*BUTTONS, ME, "almost"])
def test_who_may_start_what(served: Served, desk: FakeDesk, kind: JobKind, reader: str) -> None:
    """Does the server decide by the reader's scopes, whatever buttons the page had?"""
    with served.as_token(reader) as program:
        answer = program.post("staff/jobs", data={"kind": kind, "assignment": "03-max-pooling"})
    if kind in BUTTONS.get(reader, ()):
        assert answer.status_code == 303
        assert answer.headers["location"].endswith("/staff/assignments/03-max-pooling")
        assert asked_for(desk, "start") == [("start", kind, "03-max-pooling", reader)]
    else:
        assert answer.status_code == 403
        assert asked_for(desk, "start") == []


@pytest.mark.parametrize("reader", BUTTONS)
def test_a_page_has_the_buttons_that_work(served: Served, reader: str) -> None:
    """Are exactly the buttons there that this reader may press?"""
    with served.as_token(reader) as program:
        page = program.get("staff/assignments/03-max-pooling").text
    assert set(re.findall(r'name="kind" value="([^"]+)"', page)) == BUTTONS[reader]


def test_cancel(served: Served, desk: FakeDesk) -> None:
    """May an assistant stop marking but no build, a student nothing, and is a job that is none 404?"""
    expected = {
        (ME, 3): 403,
        ("assistant-1", 3): 303,
        ("assistant-1", 1): 403,
        ("teacher", 1): 303,
        ("teacher", 9): 404,
    }
    for (name, number), status in expected.items():
        with served.as_token(name) as program:
            assert program.post(f"staff/jobs/{number}/cancel").status_code == status, (name, number)
    assert asked_for(desk, "cancel") == [("cancel", 3, "assistant-1"), ("cancel", 1, "teacher")]


@pytest.mark.parametrize("forged", [{}, {"_xsrf": "forged"}, {"_xsrf": "of another login"}])
def test_a_forged_request_does_nothing(served: Served, desk: FakeDesk, forged: dict[str, str]) -> None:
    """Is a POST with a browser's cookies alone refused, while the page's own form works?"""
    with served.as_browser("teacher") as browser, served.as_browser("assistant-1") as other:
        page, others = browser.get("staff"), other.get("staff")
        if forged.get("_xsrf", "").startswith("of"):
            forged = {"_xsrf": token_on(others)}
        job = {"kind": "build", "assignment": "03-max-pooling"}
        for mode in ("navigate", "cors", "no-cors"):
            answer = browser.post("staff/jobs", data={**job, **forged}, headers={"Sec-Fetch-Mode": mode})
            assert answer.status_code == 403
            assert WORDS["en"]["error_xsrf"] in answer.text
        assert asked_for(desk, "start") == []
        done = browser.post("staff/jobs", data={**job, "_xsrf": token_on(page)})
        assert done.status_code == 200
        assert asked_for(desk, "start") == [("start", "build", "03-max-pooling", "teacher")]


def test_nothing_is_done_by_reading(served: Served, desk: FakeDesk) -> None:
    """Is what changes something a POST only?"""
    with served.as_token("teacher") as program:
        for path in ("staff/jobs?kind=build&assignment=03-max-pooling", "staff/jobs/3/cancel"):
            for method in ("GET", "PUT", "DELETE", "HEAD"):
                assert program.request(method, path).status_code == 405
    assert asked_for(desk, "start") == asked_for(desk, "cancel") == []


def test_what_the_desk_refuses_is_said(served: Served, desk: FakeDesk) -> None:
    """Does staff read the sentence and the next step, escaped, with 409?"""
    desk.refuse = UserError("03 is not built <b>.", "Build it first.")
    with served.as_token("teacher") as program:
        answer = program.post("staff/jobs", data={"kind": "release", "assignment": "03-max-pooling"})
        assert program.post("staff/jobs", data={"kind": "no such", "assignment": "x"}).status_code == 404
        assert program.post("staff/jobs", data={"assignment": "x"}).status_code == 400
    assert answer.status_code == 409
    assert "03 is not built &lt;b&gt;." in answer.text
    assert "Build it first." in answer.text


def test_an_outcome_is_said_in_both_languages(served: Served, desk: FakeDesk) -> None:
    """Does a page say what the service says of a job in each language, and a command's own lines once, escaped?"""
    words = "Students can fetch it now.\nstudent-017: <b> cannot be written"
    job = Job(1, JobKind.RELEASE, "03-max-pooling", "teacher", NOW, JobState.DONE, message=words)
    desk.all_jobs = [job]
    with served.as_token("teacher") as program:
        page = program.get("staff/assignments/03-max-pooling").text
    assert "Students can fetch it now." in page
    assert "学生が取得できるようになりました。" in page
    assert "student-017: &lt;b&gt; cannot be written" in page


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


# --- live ----------------------------------------------------------------------------------------------------------


class Stream:
    """An open stream of events, read in a thread."""

    def __init__(self, served: Served, name: str) -> None:
        self.kinds: list[str] = []
        self.ended = threading.Event()
        self._open = threading.Event()
        self._client = served.as_token(name)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        assert self._open.wait(10)

    def _read(self) -> None:
        with self._client as client, client.stream("GET", "events", timeout=20) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                self._open.set()
                if line.startswith("data: "):
                    self.kinds.append(line.removeprefix("data: "))
        self.ended.set()

    def wait_for(self, kind: str) -> list[str]:
        """Return what was heard up to an event of a kind, which ends the wait."""
        for _ in range(500):
            if kind in self.kinds:
                return self.kinds
            time.sleep(0.02)
        raise AssertionError(f"heard {self.kinds} only")

    def join(self) -> None:
        """Wait for its end."""
        assert self.ended.wait(20)
        self._thread.join()


def test_events_reach_only_who_may_see(desk: FakeDesk) -> None:
    """Does a student hear of own hand-ins and of assignments, staff of all, and do streams end with the service?"""
    with running(desk) as served:
        mine, other, staff = (Stream(served, name) for name in (ME, "student-018", "assistant-1"))
        desk.happen(Event("hand-in", "03-max-pooling", "student-018", 5))
        desk.happen(Event("job", "03-max-pooling"))
        desk.happen(Event("worker"))
        desk.happen(Event("hand-in", "03-max-pooling", "", 6))
        # what happens in one moment is told together, by kind; a slow machine may tell the first hand-in by itself
        told = staff.wait_for("worker")
        assert sorted(dict.fromkeys(told)) == ["hand-in", "job", "worker"]
        assert (told.count("job"), told.count("worker")) == (1, 1)
        assert told.count("hand-in") <= 2
        assert other.wait_for("hand-in") == ["hand-in"]
        desk.happen(Event("card", "02-filters"))  # a count: none of a student's business
        desk.all_cards[2] = replace(desk.all_cards[2], released=True)
        desk.happen(Event("card", "04-faces"))
        # what came before would have been heard before
        assert mine.wait_for("card") == ["card"]
        assert other.wait_for("card") == ["hand-in", "card"]
    for stream in (mine, other, staff):
        stream.join()
    assert desk.listeners == []


def test_a_stream_in_a_browser_needs_the_pages_token(served: Served) -> None:
    """Is a stream refused to a page that has the cookies only, as one on another server of the hub would?"""
    fetched = {"Sec-Fetch-Mode": "cors"}
    with served.as_browser(ME) as browser:
        page = browser.get("mine")
        assert browser.get("events", headers=fetched).status_code == 403
        with browser.stream("GET", "events", params={"_xsrf": token_on(page)}, headers=fetched) as answer:
            assert answer.status_code == 200
        assert browser.get("mine", headers=fetched).status_code == 403
        assert browser.get("mine", headers={**fetched, "X-XSRFToken": token_on(page)}).status_code == 200


def test_one_reader_cannot_hold_all_connections(served: Served) -> None:
    """Does one stream too many end the oldest of that reader, and nobody else's?"""
    other = Stream(served, "student-018")
    streams = [Stream(served, ME) for _ in range(MOST_STREAMS + 1)]
    assert streams[0].ended.wait(10)
    assert not any(each.ended.is_set() for each in (*streams[1:], other))
    assert len(served.house.broker) == MOST_STREAMS + 1


def test_streams_that_readers_close_are_let_go(served: Served) -> None:
    """Is nothing kept of who has gone?"""
    with served.as_token(ME) as program:
        for _ in range(3):
            with program.stream("GET", "events") as answer:
                assert answer.status_code == 200
    for _ in range(500):
        if len(served.house.broker) == 0:
            break
        time.sleep(0.02)
    assert len(served.house.broker) == 0


# --- the server ----------------------------------------------------------------------------------------------------


def test_without_a_hub_it_says_what_to_do() -> None:
    """Is what is missing named, with the next step?"""
    with pytest.raises(HubError, match="JUPYTERHUB_API_TOKEN") as told:
        hub_auth_from({"JUPYTERHUB_API_URL": "http://127.0.0.1:8081/hub/api"})
    assert "saiten hub" in told.value.next_step


def test_places() -> None:
    """Are host and port read from what the hub says, and is what is none refused?"""
    assert place_of("http://127.0.0.1:10101").port == 10101
    assert place_of("http://0.0.0.0:80/").host == "0.0.0.0"
    assert place_of("127.0.0.1:0").port == 0
    for wrong in ("127.0.0.1", "http://127.0.0.1", "http://127.0.0.1:x", "http://:80", "http://h:99999"):
        with pytest.raises(HubError):
            place_of(wrong)


def test_a_large_request_is_cut_off(served: Served) -> None:
    """Is what is far larger than a form not read into memory?"""
    host, port = served.origin.removeprefix("http://").split(":")
    head = f"POST /services/marking/staff/jobs HTTP/1.1\r\nHost: {host}\r\nContent-Length: {10**9}\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(head.encode())
        assert b"200" not in connection.recv(1000)[:20]


SERVE = """
import sys
sys.path.insert(0, sys.argv[1])
from fake_desk import lively
from saiten.hub.web.serve import place_of, serve
serve(lively(), place_of("127.0.0.1:0"), lambda address: print(address, flush=True))
"""


def test_a_signal_ends_it_cleanly(served: Served) -> None:
    """SIGTERM with a stream open: does the process end by itself, without a traceback, and the stream with it?"""
    environment = {
        **os.environ,
        "JUPYTERHUB_API_TOKEN": "secret",
        "JUPYTERHUB_API_URL": f"{served.origin}/hub/api",
        "JUPYTERHUB_CLIENT_ID": "service-marking",
        "JUPYTERHUB_SERVICE_NAME": "marking",
        "JUPYTERHUB_SERVICE_PREFIX": BASE,
    }
    command = [sys.executable, "-c", SERVE, str(Path(__file__).parent)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:"), process.communicate(timeout=30)
            with as_token(address, ME) as program, program.stream("GET", "events", timeout=30) as answer:
                assert answer.status_code == 200
                process.send_signal(signal.SIGTERM)
                list(answer.iter_lines())
            _, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert "Traceback" not in said
    assert "200 GET /services/marking/events" in said


def test_without_a_hub_the_command_ends_with_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does `saiten serve` by hand say what to do, before it opens a course?"""
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    done = CliRunner().invoke(main, ["serve", "--course", "/nowhere"])
    assert done.exit_code == 2
    assert "There is no hub around" in done.output


def test_a_taken_port_is_said(served: Served) -> None:
    """Is the address named that something else listens at?"""
    environment = dict.fromkeys(("JUPYTERHUB_API_TOKEN", "JUPYTERHUB_API_URL", "JUPYTERHUB_CLIENT_ID"), "x")
    with pytest.raises(HubError, match="cannot be listened at"):
        serve(lively(), place_of(served.origin), print, {**environment, "JUPYTERHUB_SERVICE_PREFIX": BASE})
