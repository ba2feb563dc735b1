"""Does nothing of a hostile hand-in act in formgrader's page or in the feedback, in a real browser with scripts on?

A class of attacks is marked. Each marked notebook is made a page by nbgrader's own formgrader template, and by
`nbgrader generate_feedback`; Chromium opens them and tells what it sees. The same is done with the notebooks as they
were before cleaning (the ledger has them): there every attack works.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from staff_attacks import ATTACKS, StaffAttack, course_cells, notebook

from course_samples import make_course, notebook_json
from saiten.results import Result

pytestmark = pytest.mark.system

HONEST = StaffAttack("honest", "Prose, $x < y$, a table:\n\n| a |\n|---|\n| 1 |\n", "print('fine')")
EVERYBODY = (HONEST, *ATTACKS)
MATHJAX = Path("/usr/share/javascript/mathjax")
CHROMIUM = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage", "--mute-audio"),
    *("--remote-debugging-port=0", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)
HARNESS = Path(__file__).with_name("staff_pages.html")


@dataclass
class Visit:
    """What a browser saw of some pages, and what it asked the server for meanwhile."""

    seen: dict[str, Any] = field(default_factory=dict)
    """page to what was observed on it"""
    asked: set[str] = field(default_factory=set)
    """names of attacks whose address was asked for"""


class Server(ThreadingHTTPServer):
    """Serves pages, formgrader's own files and MathJax; notes what is asked for under /attack/."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, static: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.static = static
        self.pages: dict[str, str] = {}
        self.visit = Visit()
        self.done = threading.Event()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def look_at(self, pages: dict[str, str], profile: Path) -> Visit:
        """Have Chromium open pages one after the other; returns what it saw."""
        self.pages, self.visit, self.done = pages, Visit(), threading.Event()
        command = [*CHROMIUM, f"--user-data-dir={profile}", f"{self.address}/"]
        with (profile.parent / f"{profile.name}.log").open("w") as log:
            browser = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                assert self.done.wait(240), f"the browser saw {sorted(self.visit.seen)} only"
            finally:
                browser.terminate()
                browser.wait(30)
        return self.visit


class _Handler(BaseHTTPRequestHandler):
    server: Server
    kinds: ClassVar = {".js": "text/javascript", ".css": "text/css", ".html": "text/html; charset=utf-8"}

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path.startswith("/attack/"):
            self.server.visit.asked.add(path.split("/")[2])
            self._answer(b"")
        elif path == "/":
            names = json.dumps(list(self.server.pages))
            self._answer(HARNESS.read_text(encoding="utf-8").replace("PAGES", names).encode(), ".html")
        elif path.startswith("/page/"):
            self._answer(self.server.pages.get(path.removeprefix("/page/"), "").encode(), ".html")
        else:
            roots = {"/formgrader/static/": self.server.static, "/mathjax/": MATHJAX}
            for prefix, root in roots.items():
                file = (root / path.removeprefix(prefix)).resolve()
                if path.startswith(prefix) and file.is_relative_to(root.resolve()) and file.is_file():
                    return self._answer(file.read_bytes(), file.suffix)
            self.send_error(404)
        return None

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/seen":
            self.server.visit.seen |= body
        else:
            self.server.done.set()
        self._answer(b"")

    def _answer(self, content: bytes, suffix: str = ".txt") -> None:
        self.send_response(200)
        self.send_header("Content-Type", self.kinds.get(suffix, "application/octet-stream"))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server on the loopback."""
    import nbgrader

    with Server(Path(nbgrader.__file__).parent / "server_extensions" / "formgrader" / "static") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def marked(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course in which every attack was handed in and marked."""
    root = tmp_path_factory.mktemp("cleaned")
    make_course(root, {"pages": course_cells()}, name="pages", config="")
    (root / "nbgrader_config.py").write_text("c = get_config()\n")
    for attack in EVERYBODY:
        folder = root / "submitted" / attack.name / "pages"
        folder.mkdir(parents=True)
        (folder / "pages.ipynb").write_text(notebook_json(notebook(attack, server.address)))
    run(root, str(Path(sys.executable).with_name("saiten")), "grade", "pages")
    return root


@pytest.fixture(scope="module")
def raw(marked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same course with the marked notebooks as they are in the ledger."""
    root = tmp_path_factory.mktemp("raw") / "course"
    shutil.copytree(marked, root)
    with closing(sqlite3.connect(root / "gradebook.db")) as database:
        rows = database.execute("select student, result from saiten_ledger").fetchall()
    assert len(rows) == len(EVERYBODY)
    for student, packed in rows:
        (part,) = Result.from_json(zlib.decompress(packed).decode()).notebooks
        file = root / "autograded" / student / "pages" / "pages.ipynb"
        file.chmod(0o644)
        file.write_text(part.document)
    return root


def run(root: Path, *command: str, check: bool = True) -> None:
    """Run a program in a course."""
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, done.stdout + done.stderr


def pages_of(root: Path) -> dict[str, str]:
    """Formgrader's page and the feedback for each student; "" where nbgrader cannot make one."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config import Config

    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    exporter = HTMLExporter(config=config)
    run(root, sys.executable, "-m", "nbgrader", "generate_feedback", "pages", check=False)
    pages: dict[str, str] = {}
    for attack in EVERYBODY:
        resources = {
            "assignment_id": "pages",
            "notebook_id": "pages",
            "submission_id": "s",
            "index": 0,
            "total": 1,
            "base_url": "",
            "student": "s",
            "last_name": "",
            "first_name": "",
            "notebook_path": "x",
        }
        file = root / "autograded" / attack.name / "pages" / "pages.ipynb"
        try:
            pages[f"formgrader/{attack.name}"] = str(exporter.from_filename(str(file), resources=resources)[0])
        except Exception:  # what nbconvert stumbles over: formgrader answers 500 then
            pages[f"formgrader/{attack.name}"] = ""
        feedback = root / "feedback" / attack.name / "pages" / "pages.html"
        pages[f"feedback/{attack.name}"] = feedback.read_text(encoding="utf-8") if feedback.exists() else ""
    return {name: _with_mathjax(page) for name, page in pages.items()}


def _with_mathjax(page: str) -> str:
    """Load MathJax, which nbconvert's page fetches from the internet, from this machine; where there are formulas."""
    place = "/mathjax/MathJax.js" if "rule{" in page or "x &lt; y" in page else "/page/none"
    return page.replace("https://cdnjs.cloudflare.com/ajax/libs/mathjax/2.7.7/latest.js", place)


@pytest.fixture(scope="module")
def before(server: Server, raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """The pages without cleaning."""
    return server.look_at(pages_of(raw), tmp_path_factory.mktemp("before") / "profile")


@pytest.fixture(scope="module")
def after(server: Server, marked: Path, before: Visit, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """The pages as staff get them."""
    return server.look_at(pages_of(marked), tmp_path_factory.mktemp("after") / "profile")


def acted(visit: Visit, page: str) -> bool:
    """Whether a page is not what the honest student's is, or asked for what it should not."""
    kind, name = page.split("/")
    return visit.seen[page] != visit.seen[f"{kind}/honest"] or name in visit.asked


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_the_attack_is_real(attack: StaffAttack, before: Visit) -> None:
    """Does it act where nobody cleans?"""
    assert acted(before, f"formgrader/{attack.name}")
    if not attack.inert_in_feedback:
        assert acted(before, f"feedback/{attack.name}")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_nothing_acts(attack: StaffAttack, after: Visit) -> None:
    """Are both pages there, like those of an honest student, and is nobody asked for anything?"""
    for kind in ("formgrader", "feedback"):
        assert after.seen[f"{kind}/{attack.name}"] == after.seen[f"{kind}/honest"]
    assert after.asked == set()


def test_what_an_honest_page_is(before: Visit, after: Visit) -> None:
    """Is what attacks are compared with the page as it should be, formulas and all?"""
    expected = {
        "there": True,
        "title": "pages",
        "cells": 4,
        "covering": 0,
        "hidden": 0,
        "huge": 0,
        "bases": 0,
        "outside": 0,
        "last": True,
    }
    for visit in (before, after):
        page = visit.seen["formgrader/honest"]
        assert {name: page[name] for name in expected} == expected
        assert (page["box"], page["status"]) == ("INPUT", "BODY")
        feedback = visit.seen["feedback/honest"]
        assert {name: feedback[name] for name in expected} == expected
    assert before.seen["formgrader/honest"] == after.seen["formgrader/honest"]
