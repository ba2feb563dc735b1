"""What tests of the marking service's pages share: which page is whose, a page's token, what the desk was asked for."""

from __future__ import annotations

import html
import re

import httpx

from fake_desk import FakeDesk

ME = "student-017"
OWN_PAGES = ("mine", f"students/{ME}", "hand-ins/1", "hand-ins/4", "hand-ins/4/feedback", "hand-ins/4/feedback/essay")
OTHERS = ("students/student-018", "hand-ins/5", "hand-ins/5/feedback", "hand-ins/10", "hand-ins/999")
STAFF_PAGES = ("staff", "staff/hand-ins", "staff/log", "staff/assignments/03-max-pooling")
ALL_PAGES = (*OWN_PAGES, *OTHERS[:-2], *STAFF_PAGES)
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=alert(1)>\"'{{7*7}}"


def token_on(page: httpx.Response) -> str:
    """The token that a page's forms send back."""
    found = re.search(r'data-xsrf="([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


def asked_for(desk: FakeDesk, verb: str) -> list[tuple[object, ...]]:
    """What the desk was asked for by one method."""
    return [each for each in desk.asked if each[0] == verb]
