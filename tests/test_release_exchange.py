"""Does what the course configures as its exchange get assignments, hand-ins and feedback, and what does it refuse?"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash
from sqlalchemy import text

from fake_course import connected, hand_in, mark
from fake_engine import ASSIGNMENT as FAKE
from fake_engine import make_bundle, order
from hub_class import ASSIGNMENT, COURSE_ID, Student, make_fake_hub_course
from own_exchange import OWN_CONFIG, OWN_EXCHANGE, configure, handed_in, use_own_exchange
from saiten.build import build_assignment, source_hash
from saiten.cli import main
from saiten.course import Course
from saiten.errors import CourseError
from saiten.exchange import released, service_takes_hand_ins
from saiten.release import is_built
from tiny_course import RIGHT, WRONG, make_tiny_course

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
"""nbgrader's exchange leaves the closing of files to Python"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a course that is built, and an exchange beside it in which nothing is."""
    root = tmp_path_factory.mktemp("built")
    make_tiny_course(root / "course")
    (root / "course" / "source" / ASSIGNMENT / "assignment.toml").write_text("due = 2026-04-10T23:59:00+09:00\n")
    build_assignment(Course.find(root / "course").assignment(ASSIGNMENT))
    return root


@pytest.fixture
def scene(built: Path, tmp_path: Path) -> Path:
    """A copy of it, with nbgrader's own exchange."""
    shutil.copytree(built / "course", tmp_path / "course")
    (tmp_path / "exchange").mkdir(mode=0o777)
    (tmp_path / "exchange").chmod(0o1777)
    configure(tmp_path, f"c.Exchange.root = {str(tmp_path / 'exchange')!r}\n")
    return tmp_path


def saiten(scene: Path, *arguments: str) -> Result:
    """Run a command on the course."""
    given = [*arguments, "--course", str(scene / "course")]
    return CliRunner().invoke(main, given, prog_name="saiten", catch_exceptions=False)


def outbound(scene: Path) -> Path:
    """What students can fetch."""
    return scene / "exchange" / COURSE_ID / "outbound" / ASSIGNMENT


def test_release_by_nbgraders_own_exchange(scene: Path) -> None:
    """Is what students fetch the release that was built, and does the gradebook know the assignment and its date?"""
    dry = saiten(scene, "release", ASSIGNMENT, "--dry-run")
    assert dry.exit_code == 0, dry.output
    assert "tiny: would be released: 1 files; due 2026-04-10 23:59 +0900." in dry.output
    assert not outbound(scene).exists()
    assert not (scene / "course" / "gradebook.db").exists()
    done = saiten(scene, "release", ASSIGNMENT)
    assert done.exit_code == 0, done.output
    assert "tiny: released: 1 files" in done.output
    release = scene / "course" / "release" / ASSIGNMENT / "mean.ipynb"
    assert (outbound(scene) / "mean.ipynb").read_bytes() == release.read_bytes()
    with Gradebook(f"sqlite:///{scene / 'course' / 'gradebook.db'}", course_id=COURSE_ID) as gradebook:
        assignment = gradebook.find_assignment(ASSIGNMENT)
        assert assignment.duedate.isoformat() == "2026-04-10T14:59:00"
        assert [notebook.name for notebook in assignment.notebooks] == ["mean"]


def test_a_second_release_needs_to_be_asked_for(scene: Path) -> None:
    """Is it refused with the next step, and with --again (or nbgrader's --force) does it replace the first?"""
    assert saiten(scene, "release", ASSIGNMENT).exit_code == 0
    again = saiten(scene, "release", ASSIGNMENT)
    assert again.exit_code == 2
    assert "tiny is released already" in again.output
    assert "--again" in again.output
    (outbound(scene) / "old.txt").write_text("of the first release")
    for option in ("--again", "--force"):
        done = saiten(scene, "release", ASSIGNMENT, option)
        assert done.exit_code == 0, done.output
        assert "released again" in done.output
        assert not (outbound(scene) / "old.txt").exists()


def test_what_is_stale_is_built_first(scene: Path) -> None:
    """After a change of the source, do students get the new one, and says a dry run that it would be built?"""
    source = scene / "course" / "source" / ASSIGNMENT / "mean.ipynb"
    source.write_text(source.read_text().replace("the mean of 4 and 2", "four and two"))
    assert not is_built(Course.find(scene / "course").assignment(ASSIGNMENT))
    assert "would be built first" in saiten(scene, "release", ASSIGNMENT, "--dry-run").output
    done = saiten(scene, "release", ASSIGNMENT)
    assert "tiny: built, released" in done.output
    assert "four and two" in (outbound(scene) / "mean.ipynb").read_text()


@pytest.mark.parametrize("kind", ["edited", "more", "less", "leak", "unproven"])
def test_what_is_not_proven_or_leaks_is_not_released(scene: Path, kind: str) -> None:
    """Is it said which file, and is nothing in the exchange?"""
    release = scene / "course" / "release" / ASSIGNMENT
    source = scene / "course" / "source" / ASSIGNMENT
    words = "is not what the build makes of the source: mean.ipynb"
    match kind:
        case "edited":
            edited = (release / "mean.ipynb").read_text().replace("import math", "import os")
            (release / "mean.ipynb").write_text(edited)
        case "more":
            (release / "notes.txt").write_text("for the assistants")
            words = "is not what the build makes of the source: notes.txt"
        case "less":
            (release / "mean.ipynb").unlink()
        case "leak":
            (source / "old.txt").write_text("    return sum(values) / len(values)\n")
            words = "a line of its solution would be released in old.txt"
        case "unproven":
            wrong = (source / "mean.ipynb").read_text().replace("/ len(values)", "/ (len(values) + 1)")
            (source / "mean.ipynb").write_text(wrong)
            words = "the reference"
    done = saiten(scene, "release", ASSIGNMENT)
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert not outbound(scene).exists()


@pytest.mark.parametrize(
    ("lines", "course_id", "words"),
    [
        ("c.Exchange.root = '/nowhere/exchange'", "", "has no id, by which an exchange would know it"),
        (
            "c.Exchange.root = '/nowhere/exchange'",
            "x",
            "There is no exchange: the folder /nowhere/exchange does not exist",
        ),
        ("c.ExchangeFactory.release_assignment = 'no_such.Release'", "x", "cannot be used"),
    ],
)
@pytest.mark.parametrize("command", [["release"], ["feedback", "--release"], ["collect"]])
def test_what_is_not_configured_is_said(
    scene: Path, lines: str, course_id: str, words: str, command: list[str]
) -> None:
    """Is it one sentence with the option that is missing, before anything is built or written?"""
    configure(scene, lines + "\n", course_id)
    done = saiten(scene, command[0], ASSIGNMENT, *command[1:])
    assert done.exit_code == 2, done.output
    assert words in done.output
    assert "nbgrader_config.py" in done.output


def test_a_week_by_an_exchange_of_its_own(scene: Path) -> None:
    """Does a plugin that is no folder get assignment and feedback, and do its hand-ins come in, time and all?"""
    store = use_own_exchange(scene)
    assert saiten(scene, "release", ASSIGNMENT).exit_code == 0
    kept = json.loads(store.read_text())
    assert list(kept[f"assignment {ASSIGNMENT}"]) == ["mean.ipynb"]
    assert saiten(scene, "release", ASSIGNMENT).exit_code == 2
    notebook = json.loads(kept[f"assignment {ASSIGNMENT}"]["mean.ipynb"])
    for student, answer, time in (("student-001", RIGHT, "10 12:00"), ("student-002", WRONG, "11 12:00")):
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "mean":
                cell["source"] = answer
        files = {"mean.ipynb": json.dumps(notebook), "timestamp.txt": f"2026-04-{time}:00 UTC"}
        handed_in(store, student, files)
    collected = saiten(scene, "collect", ASSIGNMENT)
    assert "2 have handed in, 2 of them are new, 0 have handed in again; 1 are late" in collected.output
    assert saiten(scene, "grade", ASSIGNMENT).exit_code == 0
    done = saiten(scene, "feedback", ASSIGNMENT, "--release")
    assert done.exit_code == 0, done.output
    assert "2 students can fetch new pages" in done.output
    pages = {key: text for key, text in json.loads(store.read_text()).items() if key.startswith("feedback ")}
    assert sorted(pages) == ["feedback student-001", "feedback student-002"]
    assert (
        "0 students can fetch new pages, 2 had them before" in saiten(scene, "feedback", ASSIGNMENT, "--release").output
    )


def test_an_exchange_that_only_logs_its_error(scene: Path) -> None:
    """Where a plugin writes an error into its log and goes on, is it an error here?"""
    use_own_exchange(scene, "own_broken_exchange", "broken.json")
    done = saiten(scene, "release", ASSIGNMENT)
    assert done.exit_code == 2
    assert "went wrong: server endpoint returned failure: Permission denied." in done.output
    assert "released:" not in done.output


def test_an_exchange_that_says_yes_and_keeps_nothing(scene: Path) -> None:
    """Is an assignment that students cannot fetch after all not called released?"""
    use_own_exchange(scene, "own_forgetful_exchange", "forgetful.json")
    done = saiten(scene, "release", ASSIGNMENT)
    assert done.exit_code == 2
    assert "took tiny without a complaint, and does not list it" in done.output


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two who handed in by nbgrader's own means, one whose work came by mail; collected, marked, pages written."""
    root = tmp_path_factory.mktemp("marked")
    course = make_fake_hub_course(root)
    folder = course.release_dir(FAKE)
    folder.mkdir(parents=True)
    for name in ("student-001", "student-002"):
        Student(root, name, FAKE).order(scores={"mean-test": 2})
    collected = saiten(root, "collect", FAKE)
    assert "claims to be submitted by student-001 but is owned by" in collected.output, "nbgrader only logs it"
    assert "2 have handed in, 2 of them are new" in collected.output
    hand_in(course.root, order("student-003", scores={"mean-test": 1}))
    bundle = replace(make_bundle(), source_hash=source_hash(course.assignment(FAKE)))
    bundle.write(course.autograder_dir(FAKE))
    mark(course.root, bundle=bundle)
    assert saiten(root, "feedback", FAKE).exit_code == 0
    return root


def test_feedback_reaches_its_owner_and_only_what_changed(marked: Path) -> None:
    """Do students fetch their own pages by nbgrader's means, nothing twice, and is who has no secret named?"""

    def release(*more: str) -> Result:
        return saiten(marked, "feedback", FAKE, "--release", *more)

    one = release("--student", "student-001")
    assert one.exit_code == 0, one.output
    assert "1 students can fetch new pages, 0 had them before" in one.output, "though the pages are as before on disk"
    assert sorted(Student(marked, "student-001", FAKE).fetch()) == ["problem1", "problem2"]
    assert Student(marked, "student-002", FAKE).fetch() == {}
    everybody = release()
    assert everybody.exit_code == 0, everybody.output
    assert "1 students can fetch new pages, 1 had them before" in everybody.output
    assert "1 did not hand in through the exchange" in everybody.output
    assert "student-003" in everybody.output
    assert sorted(Student(marked, "student-002", FAKE).fetch()) == ["problem1", "problem2"]
    assert "0 students can fetch new pages, 2 had them before" in release().output
    with connected(marked / "course") as connection:
        mine = "notebook_id in (select sn.id from submitted_notebook sn join submitted_assignment sa"
        query = f"update comment set manual_comment = 'By hand.' where {mine} on sa.id = sn.assignment_id"
        assert connection.execute(text(f"{query} where sa.student_id = 'student-002')")).rowcount > 0
    told = json.loads(release("--json").stdout)
    assert told["handed_out"]["handed"] == ["student-002"]
    assert "By hand." in Student(marked, "student-002", FAKE).fetch()["problem1"]


def test_a_page_that_cannot_be_handed_out_costs_nobody_else_theirs(marked: Path) -> None:
    """Is the one named, with exit code 1, and do the others get theirs; and if none can be, is it an error?"""
    secret = (marked / "course" / "submitted" / "student-001" / FAKE / "submission_secret.txt").read_text()
    address = f"{notebook_hash(secret=secret, notebook_id='problem1')}-tmp.html"
    in_the_way = marked / "exchange" / COURSE_ID / "feedback" / address / "problem1.html"
    in_the_way.mkdir(parents=True)
    try:
        done = saiten(marked, "feedback", FAKE, "--release", "--again")
        assert done.exit_code == 1, done.output
        assert "Not handed out: student-001" in done.output
        assert "1 students can fetch new pages" in done.output
        alone = saiten(marked, "feedback", FAKE, "--release", "--again", "--student", "student-001")
        assert alone.exit_code == 2
        assert "cannot be handed out" in alone.output
    finally:
        in_the_way.rmdir()
        in_the_way.parent.rmdir()
    assert "1 students can fetch new pages, 1 had them" in saiten(marked, "feedback", FAKE, "--release").output


def test_what_students_can_fetch_is_listed(marked: Path) -> None:
    """Does the exchange tell what is released, and only what is?"""
    assert released(Course.find(marked / "course")) == {FAKE}


def test_a_service_at_work_takes_hand_ins_itself(tmp_path: Path) -> None:
    """While `saiten serve` holds its lock, is collecting refused with that reason, and not after it has gone?"""
    course = make_fake_hub_course(tmp_path)
    assert not service_takes_hand_ins(course)
    (course.root / "hub").mkdir()
    descriptor = os.open(course.root / "hub" / "lock", os.O_RDWR | os.O_CREAT)
    try:
        assert not service_takes_hand_ins(course)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        done = saiten(tmp_path, "collect", FAKE)
        assert done.exit_code == 2
        assert "takes hand-ins as they come" in done.output
    finally:
        os.close(descriptor)
    assert not service_takes_hand_ins(course)


def test_an_exchange_that_fails_in_its_own_way(scene: Path) -> None:
    """Is an error of a plugin's that is none of nbgrader's one sentence, too?"""
    (scene / "course" / "failing_exchange.py").write_text(
        OWN_EXCHANGE + "\n\nclass Fails(List):\n    def start(self):\n        raise OSError(5, 'the server is away')\n"
    )
    configure(scene, OWN_CONFIG.replace("own_exchange", "failing_exchange").format(store=str(scene / "s.json")))
    config = scene / "course" / "nbgrader_config.py"
    config.write_text(config.read_text() + 'c.ExchangeFactory.list = "failing_exchange.Fails"\n')
    with pytest.raises(CourseError, match=r"fails \(OSError: .*the server is away"):
        released(Course.find(scene / "course"))
