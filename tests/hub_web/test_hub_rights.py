"""Do the marking service's pages show each reader what is theirs, and refuse all else on the server?

The pages run as they do on a hub, with JupyterHub's own login code; the hub and the desk are stand-ins.
"""

from __future__ import annotations

import re

import httpx
import pytest

from fake_desk import NOW, FakeDesk
from fake_hub import Served
from hub_readers import ALL_PAGES, ME, OTHERS, OWN_PAGES, STAFF_PAGES, asked_for, token_on
from saiten.errors import UserError
from saiten.hub.model import HandIn, Job, JobKind, JobState, State
from saiten.hub.web.reader import Right, reader_of
from saiten.hub.web.words import WORDS

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
