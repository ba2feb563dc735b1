"""Does formgrader's button Autograde give the mark that `saiten grade` gives, and keep what that keeps?

A real Jupyter server with formgrader, the real engine; the dialog itself is looked at in tests/system/.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from click.testing import CliRunner
from nbgrader.converters import Autograde
from nbgrader.converters.base import BaseConverter

from fake_course import COMMENTS, GRADES, SUBMISSIONS, rows
from fake_engine import FakeEngine, make_bundle, order
from formgrader_server import BUTTONS, Formgrader, formgrader
from saiten.batch import worker
from saiten.batch.pool import LocalPool
from saiten.cli import main
from saiten.course import Course
from saiten.formgrader import Marks, warm
from saiten.formgrader.lab import write_lab_configuration
from tiny_course import ALMOST, ASSIGNMENT, RIGHT, STUB, WRONG, make_tiny_course, submitted

ROOT = Path(__file__).parent.parent
MENUS = "@jupyterlab/mainmenu-extension:plugin"
TOKEN = "the-token-of-the-formgrader-service"
ON_A_HUB = {"JUPYTERHUB_API_TOKEN": TOKEN, "JUPYTERHUB_SERVICE_PREFIX": "/"}
SPY = f"""{RIGHT}
import glob, os
seen = [name for name, value in os.environ.items() if "{TOKEN[4:9]}-of" in value or name.startswith("JUPYTERHUB")]
for path in glob.glob("/proc/*/environ"):
    try:
        seen += [path] if b"JUPYTERHUB" in open(path, "rb").read() else []
    except OSError:
        pass
print("the spy saw", seen)"""


def config(root: Path) -> str:
    """The course's configuration, without and with the two lines."""
    exchange = root.parent / f"{root.name}-exchange"
    exchange.mkdir(exist_ok=True)
    exchange.chmod(0o777)
    return f'c = get_config()\nc.CourseDirectory.course_id = "tiny"\nc.Exchange.root = "{exchange}"\n'


def fill(root: Path) -> None:
    """Right, wrong, untouched, unreadable, oddly stamped, renamed, with a link to the solutions."""
    make_tiny_course(root)
    submitted(root, "student-001", RIGHT, "It is the middle of the mass.")
    (submitted(root, "student-002", WRONG) / "timestamp.txt").write_text("2026-10-05 09:00:00 JST")
    submitted(root, "student-003", STUB)
    (submitted(root, "student-004") / "mean.ipynb").write_text("this is no notebook")
    (submitted(root, "student-005", RIGHT) / "timestamp.txt").write_text("yesterday, I think")
    (submitted(root, "student-006", ALMOST) / "mean.ipynb").rename(root / "submitted/student-006/tiny/mean (1).ipynb")
    (submitted(root, "student-007", RIGHT) / "hidden.ipynb").symlink_to(root / "source" / ASSIGNMENT / "mean.ipynb")
    (root / "submitted/student-007/tiny/hidden.txt").symlink_to(root / "source" / ASSIGNMENT / "mean.ipynb")
    submitted(root, "student-008", SPY)


STUDENTS = [f"student-00{number}" for number in range(1, 9)]
REJECTED = "student-004"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course as `saiten grade` marks it."""
    root = tmp_path_factory.mktemp("ours") / "course"
    fill(root)
    (root / "nbgrader_config.py").write_text(config(root))
    done = CliRunner().invoke(main, ["grade", ASSIGNMENT, "--course", str(root), "--workers", "1"])
    assert done.exit_code == 1, done.output  # one of them cannot be read
    return root


@pytest.fixture(scope="module")
def clicked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Formgrader, dict[str, Any], list[set[int]]]]:
    """The same course, every student's button pressed once; the answers, and the server's workers after each."""
    root = tmp_path_factory.mktemp("clicked") / "course"
    fill(root)
    (root / "nbgrader_config.py").write_text(config(root) + BUTTONS)
    with formgrader(root, tmp_path_factory.mktemp("home"), ON_A_HUB) as server:
        answers, workers = {}, []
        for student in STUDENTS:
            answers[student] = server.autograde(ASSIGNMENT, student)
            workers.append(_workers(server.pid))
        yield server, answers, workers


def _workers(server: int) -> set[int]:
    """Process ids of the pool's workers (spawned ones, not what they start)."""
    children = psutil.Process(server).children()
    return {child.pid for child in children if any("spawn_main" in part for part in child.cmdline())}


def test_a_click_gives_the_mark_that_saiten_grade_gives(clicked: Any, ours: Path) -> None:
    """Are grades, comments, time stamps and marked notebooks the same, row by row and byte by byte?"""
    server, answers, _ = clicked
    failed = {student for student, answer in answers.items() if not answer["success"]}
    assert failed == {REJECTED}, answers
    for query in (GRADES, COMMENTS, SUBMISSIONS):
        assert rows(server.root, query) == rows(ours, query)
    assert len(rows(ours, GRADES)) == 2 * (len(STUDENTS) - 1)
    assert _files(server.root / "autograded") == _files(ours / "autograded")


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_what_the_dialog_says(clicked: Any) -> None:
    """Does it tell points, who waits for a person, and a failure in one sentence, without a traceback of ours?"""
    _, answers, _ = clicked
    assert "student-001: 4 of 6 points by tests; to be marked by a person: essay" in answers["student-001"]["log"]
    refused = answers[REJECTED]
    assert "student-004: rejected:" in refused["log"]
    assert "student-004 could not be marked" in refused["error"].splitlines()[-1]
    assert "mark_class" not in refused["error"]


def test_nothing_of_the_source_lies_beside_a_marked_notebook(clicked: Any) -> None:
    """Are links in a hand-in followed neither by nbgrader's steps nor by ours?"""
    server, _, _ = clicked
    files = _files(server.root / "autograded")
    assert not [name for name in files if "hidden" in name]
    assert not [name for name, content in files.items() if b"BEGIN SOLUTION" in content]


def test_the_servers_token_does_not_reach_a_students_code(clicked: Any) -> None:
    """Does a cell that looks into every environment it can open find none of the hub's variables?"""
    server, _, _ = clicked
    assert f"JUPYTERHUB_API_TOKEN={TOKEN}".encode() in Path(f"/proc/{server.pid}/environ").read_bytes()
    marked = (server.root / "autograded" / "student-008" / ASSIGNMENT / "mean.ipynb").read_text()
    assert "the spy saw []" in marked
    assert TOKEN not in marked


def test_one_worker_stays_warm_for_the_whole_class(clicked: Any) -> None:
    """Is the same process there after every click, so that imports are paid once?"""
    _, _, workers = clicked
    assert len(workers[0]) == 1
    assert workers == [workers[0]] * len(STUDENTS)


def test_a_second_click_marks_nothing_again(clicked: Any) -> None:
    """Is what the ledger knows known here, too?"""
    server, _, _ = clicked
    before = rows(server.root, "select * from saiten_ledger order by student")
    again = server.autograde(ASSIGNMENT, "student-001")
    assert "known from before" in again["log"]
    assert rows(server.root, "select * from saiten_ledger order by student") == before


def test_labs_tab_leads_to_the_page_itself(clicked: Any) -> None:
    """Is who asks for formgrader inside Lab sent to its own page, and nobody else anywhere?"""
    server, _, _ = clicked
    with urllib.request.urlopen(f"{server.address}/lab?formgrader=true") as response:
        assert response.url == f"{server.address}/formgrader/manage_assignments"
    for other in ("lab", "lab?formgrader=false", "lab/tree/x?formgrader=true"):
        with urllib.request.urlopen(f"{server.address}/{other}") as response:
            assert "<title>JupyterLab</title>" in response.read().decode()


def test_labs_menus(tmp_path: Path) -> None:
    """Do the menu's entries lead below the hub's own prefix, and is a second time the same?"""
    write_lab_configuration(tmp_path, "tiny", "/jupyter/")
    before = _files(tmp_path)
    write_lab_configuration(tmp_path, "tiny", "/jupyter/")
    assert _files(tmp_path) == before
    (menu,) = json.loads(before["labconfig/default_setting_overrides.json"])[MENUS]["menus"]
    addresses = [item["args"]["url"] for item in menu["items"]]
    assert addresses == ["/jupyter/services/marking/", "/jupyter/services/tiny/formgrader"]


def test_feedback_buttons(clicked: Any) -> None:
    """Does Generate Feedback write Saiten's page, for one and for all, and does Release Feedback hand it out?"""
    server, _, _ = clicked
    root = server.root
    one = server.post(f"assignment/{ASSIGNMENT}/student-001/generate_feedback")
    assert one["success"], one
    page = root / "feedback" / "student-001" / ASSIGNMENT / "mean.html"
    wanted = CliRunner().invoke(main, ["feedback", ASSIGNMENT, "--course", str(root), "--student", "student-001"])
    assert "0 students' are new or changed, 1 as before" in wanted.output
    everybody = server.post(f"assignment/{ASSIGNMENT}/generate_feedback")
    assert everybody["success"], everybody
    assert len(list(root.glob(f"feedback/*/{ASSIGNMENT}/mean.html"))) == len(STUDENTS), "the unreadable one's says why"
    released = server.post(f"assignment/{ASSIGNMENT}/student-001/release_feedback")
    assert released["success"], released
    handed_out = list((root.parent / "course-exchange").rglob("*.html"))
    assert [each.read_bytes() for each in handed_out] == [page.read_bytes()]


def test_feedback_needs_marks(clicked: Any, tmp_path: Path) -> None:
    """Is a hand-in that nobody has marked since it changed named, instead of an old page going out?"""
    server, _, _ = clicked
    submitted(server.root, "student-003", ALMOST)
    stale = server.post(f"assignment/{ASSIGNMENT}/student-003/generate_feedback")
    assert not stale["success"]
    assert "student-003 is not marked as it is now: autograde first." in stale["log"]
    submitted(server.root, "student-003", STUB)
    assert server.autograde(ASSIGNMENT, "student-003")["success"]


def test_this_course_says_the_two_lines() -> None:
    """Does the repository's own course have them, with classes that exist?"""
    options = Course.find(ROOT).config
    assert f"{Marks.__module__.rpartition('.')[0]}.{Marks.__name__}" == options.Autograde.exporter_class
    assert options.GenerateFeedback.exporter_class == "saiten.formgrader.Feedback"


def test_only_the_configured_converter_changes() -> None:
    """Does one course's configuration leave the converters of other courses in the same process alone?"""
    configured, other = Autograde(coursedir=None), Autograde(coursedir=None)
    Marks(parent=configured)
    assert "convert_notebooks" in vars(configured)
    assert other.convert_notebooks.__func__ is BaseConverter.convert_notebooks


@pytest.fixture
def no_workers() -> Iterator[None]:
    """Nothing is kept warm, before and after."""
    warm.end()
    yield
    warm.end()


@pytest.mark.usefixtures("no_workers")
def test_workers_are_lent_while_the_assignment_is_the_same() -> None:
    """Are they the same for the same bundle, others for another, and gone after an exception?"""
    bundle = make_bundle()
    with warm.workers(1, bundle, FakeEngine, unsafe=False) as first:
        assert first.submit(worker.mark, order()).result().score == 0.0
    with warm.workers(1, bundle, FakeEngine, unsafe=False) as second:
        assert second is first
        assert second.submit(worker.mark, order(scores={"mean-test": 2.0})).result().score == 2.0
    with warm.workers(1, make_bundle(files={"a": b"b"}), FakeEngine, unsafe=False) as third:
        assert third is not first
        with pytest.raises(RuntimeError, match="shutdown"):
            first.submit(worker.mark, order())
    lent = warm.workers(1, make_bundle(files={"a": b"b"}), FakeEngine, unsafe=False)
    assert lent.__enter__() is third
    error = ZeroDivisionError()
    assert not lent.__exit__(type(error), error, None)
    with warm.workers(1, make_bundle(files={"a": b"b"}), FakeEngine, unsafe=False) as fifth:
        assert fifth is not third


@pytest.mark.usefixtures("no_workers")
def test_workers_do_not_stay_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the memory given back once nobody has clicked for a while?"""
    monkeypatch.setattr(warm, "IDLE_SECONDS", 0.05)
    with warm.workers(1, make_bundle(), FakeEngine, unsafe=False) as pool:
        pid = pool.submit(os.getpid).result()
    gone = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=60)[1]
    assert gone == []


def test_a_changed_source_or_a_new_build_makes_a_new_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a bundle made once, and again when what it is made of has changed?"""
    made: list[str] = []

    def make(assignment: Any) -> Any:
        made.append(assignment.name)
        return SimpleNamespace(number=len(made))

    monkeypatch.setattr(warm, "current_bundle", make)
    root = make_tiny_course(tmp_path / "course")
    assignment = Course.find(root).assignment(ASSIGNMENT)
    assert warm.bundle(assignment) is warm.bundle(assignment)
    source = root / "source" / ASSIGNMENT / "mean.ipynb"
    source.write_text(source.read_text().replace("the mean of one number", "one number"))
    warm.bundle(assignment)
    assert len(made) == 2
    (root / "autograder" / ASSIGNMENT).mkdir(parents=True)
    (root / "autograder" / ASSIGNMENT / "bundle.json").write_text("{}")
    warm.bundle(assignment)
    warm.bundle(assignment)
    assert len(made) == 3


def test_the_pool_is_a_local_one() -> None:
    """Do clicks use the same kind of worker as a class, with its walls?"""
    with warm.workers(1, make_bundle(), FakeEngine, unsafe=False) as pool:
        assert type(pool) is LocalPool
    warm.end()
