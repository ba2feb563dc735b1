"""Do readers hear of what happens, only of what they may see, and does the server start and end as it should?

The pages run as they do on a hub, with JupyterHub's own login code; the hub and the desk are stand-ins.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from fake_desk import FakeDesk, lively
from fake_hub import BASE, Served, as_token, running
from hub_readers import ME, token_on
from saiten.cli import main
from saiten.errors import HubError
from saiten.hub.model import Event
from saiten.hub.web.live import MOST_STREAMS
from saiten.hub.web.serve import hub_auth_from, place_of, serve

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
    command = [sys.executable, "-c", SERVE, str(Path(__file__).parents[1])]
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
