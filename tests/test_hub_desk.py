"""Does the service mark each hand-in once and show what may be shown, with workers that die, and across restarts?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text, update

from fake_course import GRADES, connected, rows
from fake_engine import ASSIGNMENT, FakeEngine, RefusingEngine, judged, make_bundle
from hub_class import Student, make_fake_hub_course, until
from saiten.course import Course
from saiten.errors import CourseError
from saiten.gradebook.tables import GRADE
from saiten.grading.again import Again
from saiten.hub.desk import MarkingDesk
from saiten.hub.model import Event, HandIn, Job, JobKind, JobState, Shown, State, Withheld
from saiten.results import Result
from saiten.submission import Submission

FULL = {"mean-test": 2, "mean-hidden": 3, "sum-test": 1}


class Scene:
    """A course for the fake engine, and its students."""

    def __init__(self, root: Path, toml: str = "", config: str = "") -> None:
        self.root, self.log = root, root / "marked"
        self.course = make_fake_hub_course(root, toml, config)

    def student(self, name: str) -> Student:
        """One of them."""
        return Student(self.root, name, ASSIGNMENT)

    @contextmanager
    def open(self, factory: Any = FakeEngine, workers: int = 1) -> Iterator[MarkingDesk]:
        """Open the service."""
        with MarkingDesk.open(
            Course.find(self.course.root), workers=workers, factory=factory, poll_seconds=0.05
        ) as desk:
            yield desk

    def marked(self) -> list[str]:
        """Students whose hand-ins were run, in order."""
        return self.log.read_text().split() if self.log.exists() else []


def settled(desk: MarkingDesk, number: int, **whose: Any) -> list[HandIn]:
    """Wait until so many hand-ins are neither waiting nor being marked; the oldest first."""

    def done() -> list[HandIn]:
        found = [
            each for each in desk.hand_ins(for_staff=True, **whose) if each.state not in (State.WAITING, State.MARKING)
        ]
        return found if len(found) >= number else []

    found: list[HandIn] = until(done)
    return found[::-1]


def finished(desk: MarkingDesk, job: Job) -> Job:
    """Wait for a job."""

    def done() -> Job | None:
        found = next(each for each in desk.jobs() if each.number == job.number)
        return None if found.state in (JobState.WAITING, JobState.RUNNING) else found

    found: Job = until(done)
    return found


def test_a_hand_in_is_marked_and_answered(tmp_path: Path) -> None:
    """Do ledger, gradebook, `autograded/`, the student's list, page and Fetch Feedback all have it?"""
    scene = Scene(tmp_path)
    events: list[Event] = []
    with scene.open() as desk:
        desk.listen(events.append)
        ada = scene.student("ada")
        ada.order(scores=FULL)
        (staff,) = settled(desk, 1)
        (own,) = desk.hand_ins(student="ada", for_staff=False)
        assert (own.state, own.shown, own.withheld, own.has_page) == (State.MARKED, Shown.PUBLIC, Withheld.NO, True)
        assert [(each.name, each.score) for each in own.questions if each.score is not None] == [
            ("mean", 5.0),
            ("sum", 1.0),
        ]
        assert staff.max_score == 15.0
        assert staff.score is None  # an essay waits for a person
        page = desk.page(own.number, for_staff=False)
        assert page is not None
        assert ada.fetch()["problem1"].encode() == page
        assert desk.page(own.number, "../staff/problem1", for_staff=False) is None
        until(lambda: desk.page(own.number, "problem2", for_staff=True))
        (card,) = desk.cards()
        assert (card.students, card.marked, card.manual, card.points, card.released) == (1, 1, 1, 15.0, True)
        assert [act.what for act in desk.acts()] == ["marked", "taken"]
    assert {event.kind for event in events} >= {"hand-in", "card"}
    assert {event.student for event in events if event.kind == "hand-in"} == {"ada"}
    grades = {row["cell"]: row["auto_score"] for row in rows(scene.course.root, GRADES)}
    assert {name: grades[name] for name in FULL} == FULL
    assert (scene.course.autograded_dir(ASSIGNMENT, "ada") / "problem1.ipynb").is_file()


def test_what_kills_its_worker_is_tried_twice_and_stops_nobody(tmp_path: Path) -> None:
    """Does a hand-in that ends every worker end in trouble, told to staff alone, and the next one in marks?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        scene.student("mallory").order(do="die")
        scene.student("ada").order(scores=FULL)
        found = {each.student: each for each in settled(desk, 2)}
        assert {name: each.state for name, each in found.items()} == {"mallory": State.TROUBLE, "ada": State.MARKED}
        assert found["mallory"].message.count("ended by SIGKILL") == 2
        (own,) = desk.hand_ins(student="mallory", for_staff=False)
        assert (own.message, own.score, own.has_page) == ("", None, False)
        assert desk.cards()[0].trouble == 1
        scene.student("mallory").order(scores=FULL)
        assert settled(desk, 2, student="mallory")[-1].state is State.MARKED


def test_what_kills_its_worker_once_is_marked_by_the_next(tmp_path: Path) -> None:
    """Is a worker's death alone nothing that the student pays for?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL, do="die once", trace=str(tmp_path / "died"))
        (found,) = settled(desk, 1)
        assert (found.state, found.message) == (State.MARKED, "")


def test_what_cannot_be_read_is_told_to_its_student(tmp_path: Path) -> None:
    """Is a hand-in without a notebook rejected with the reason, and nothing else said?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        folder = scene.student("ada").home / ASSIGNMENT
        folder.mkdir()
        (folder / "notes.txt").write_text("later")
        scene.student("ada").submit()
        settled(desk, 1)
        (own,) = desk.hand_ins(student="ada", for_staff=False)
        assert own.state is State.REJECTED
        assert "no notebook" in own.message
        scene.student("ben").order(scores=FULL)
        assert [each.student for each in settled(desk, 2)] == ["ada", "ben"]
        for whose in ({}, {"student": "ada"}, {"student": "ada", "assignment": ASSIGNMENT}):
            (found,) = desk.hand_ins(state=State.REJECTED, for_staff=True, limit=1, **whose)
            assert found.number == own.number, "behind a newer one that is marked"


def test_a_stopped_service_goes_on_where_it_was(tmp_path: Path) -> None:
    """Is what was being marked marked once by the next service, and what was marked not again?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL, log=str(scene.log))
        settled(desk, 1)
        scene.student("bob").order(scores=FULL, do="wait", trace=str(tmp_path / "begun"), log=str(scene.log))
        until((tmp_path / "begun").exists)
        scene.student("eve").order(scores=FULL, log=str(scene.log))
        until(lambda: len(desk.hand_ins(for_staff=True)) == 3)
        until(lambda: desk.hand_ins(student="eve", for_staff=False)[0].position == 1)
    with scene.open() as desk:
        found = settled(desk, 3)
        assert [each.state for each in found] == [State.MARKED] * 3
        assert [each.number for each in found] == [1, 2, 3]
        acts = [(act.what, act.student) for act in desk.acts()]
    assert sorted(scene.marked()) == ["ada", "bob", "eve"]
    assert len(acts) == len(set(acts)) == 6


def test_one_service_serves_a_course(tmp_path: Path) -> None:
    """Is a second service of the same course refused in one sentence?"""
    scene = Scene(tmp_path)
    with scene.open(), pytest.raises(CourseError, match="Another marking service"), scene.open():
        pass


def test_an_engine_that_cannot_start_is_nobodys_zero(tmp_path: Path) -> None:
    """Does a machine without a sandbox put hand-ins aside with the reason, and the next start mark them?"""
    scene = Scene(tmp_path)
    with scene.open(RefusingEngine) as desk:
        scene.student("ada").order(scores=FULL)
        (found,) = settled(desk, 1)
        assert found.state is State.TROUBLE
        assert "does not allow the sandbox" in found.message
    with scene.open() as desk:
        until(lambda: desk.hand_ins(for_staff=True)[0].state is State.MARKED)


def test_what_was_collected_by_staff_is_marked_too(tmp_path: Path) -> None:
    """Does a hand-in that `nbgrader collect` put under `submitted/` get a row and a mark, once?"""
    scene = Scene(tmp_path)
    ada = scene.student("ada")
    ada.order(scores=FULL, log=str(scene.log))
    inbound = scene.root / "exchange" / scene.course.coursedir.course_id / "inbound"
    (folder,) = inbound.iterdir()
    target = scene.course.submitted_dir(ASSIGNMENT, "ada")
    target.parent.mkdir(parents=True)
    folder.rename(target)
    (target / "timestamp.txt").write_text("2026-01-02 03:04:05.000000 UTC")
    with scene.open() as desk:
        (found,) = settled(desk, 1)
        assert found.state is State.MARKED
        assert found.arrived == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with scene.open() as desk:
        settled(desk, 1)
        job = finished(desk, desk.start(JobKind.MARK_CHANGED, ASSIGNMENT, "teacher"))
        assert (job.state, job.done, job.total) == (JobState.DONE, 1, 1)
        assert len(desk.hand_ins(for_staff=True)) == 1
    assert scene.marked() == ["ada"]


def test_another_policy_answers_anew_without_marking(tmp_path: Path) -> None:
    """Does a change of `show` change what students see, with no other run, and "off" take it away?"""
    scene = Scene(tmp_path, '[instant_feedback]\nshow = "off"\n')
    settings = scene.course.source_dir(ASSIGNMENT) / "assignment.toml"
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL, log=str(scene.log))
        settled(desk, 1)
        (own,) = desk.hand_ins(for_staff=False)
        assert (own.shown, own.withheld, own.score, own.questions, own.has_page) == (
            Shown.NOTHING, Withheld.OFF, None, (), False
        )  # fmt: skip
        assert desk.page(own.number, for_staff=False) is None
        assert scene.student("ada").fetch() == {}
        settings.write_text('[instant_feedback]\nshow = "questions"\n')
        until(lambda: desk.hand_in(own.number, for_staff=False).questions)  # type: ignore[union-attr]
        assert set(scene.student("ada").fetch()) == {"problem1", "problem2"}
    assert scene.marked() == ["ada"]


def test_jobs_mark_a_class_again(tmp_path: Path) -> None:
    """Does "mark all" run everything, "mark changed" nothing, each with its count, and a running one be returned?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        for name in ("ada", "bob"):
            scene.student(name).order(scores=FULL, log=str(scene.log))
        settled(desk, 2)
        job = finished(desk, desk.start(JobKind.MARK_ALL, ASSIGNMENT, "teacher"))
        assert (job.state, job.done, job.total, job.by, job.message) == (JobState.DONE, 2, 2, "teacher", "2 marked")
        assert job.processor_seconds is not None
        assert len(scene.marked()) == 4
        finished(desk, desk.start(JobKind.MARK_CHANGED, ASSIGNMENT, "teacher"))
        assert len(scene.marked()) == 4
        assert [each.state for each in desk.hand_ins(for_staff=True)] == [State.MARKED] * 2
    with scene.open() as desk:
        assert [job.state for job in desk.jobs()] == [JobState.DONE] * 2


class PartlyEngine(FakeEngine):
    """Says which tests it was asked to mark."""

    def mark_again(self, submission: Submission, again: Again) -> Result:
        """Note it where orders are noted."""
        asked = " ".join(sorted(name for names in again.marked.values() for name in names))
        what = json.loads(next(iter(submission.notebooks.values())))
        with Path(what["log"]).open("a") as log:
            log.write(f"again:{submission.student}:{asked.replace(' ', ',')}\n")
        return replace(judged(self.bundle, submission, what), anew=("mean",))


def test_a_changed_test_is_marked_alone(tmp_path: Path) -> None:
    """After a hidden test changed: does "mark changed" ask for that question of those who were marked, and once?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL, log=str(scene.log))
        settled(desk, 1)
    bundle = make_bundle()
    first, second = bundle.notebooks
    cells = tuple(
        replace(cell, source="assert mean([0]) == 0") if cell.id == "mean-hidden" else cell for cell in first.cells
    )
    replace(bundle, notebooks=(replace(first, cells=cells), second)).write(scene.course.autograder_dir(ASSIGNMENT))
    with scene.open(PartlyEngine) as desk:
        finished(desk, desk.start(JobKind.MARK_CHANGED, ASSIGNMENT, "teacher"))
        finished(desk, desk.start(JobKind.MARK_CHANGED, ASSIGNMENT, "teacher"))
    assert scene.marked() == ["ada", "again:ada:mean-hidden,mean-test"]


def test_a_job_is_cancelled_and_what_it_did_stays(tmp_path: Path) -> None:
    """Does a job stop between two hand-ins, and a student's own hand-in go on?"""
    scene = Scene(tmp_path)
    trace = tmp_path / "begun"
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL)
        scene.student("bob").order(scores=FULL, do="wait", trace=str(trace))
        until(trace.exists)
        job = desk.start(JobKind.MARK_ALL, ASSIGNMENT, "teacher")
        assert desk.start(JobKind.MARK_ALL, ASSIGNMENT, "other").number == job.number
        until(lambda: desk.jobs()[0].total)
        desk.cancel(job.number, "teacher")
        assert finished(desk, job).state is JobState.CANCELLED
        assert [act.who for act in desk.acts() if act.what == "cancelled"] == ["teacher"]
    with scene.open() as desk:
        assert [each.state for each in settled(desk, 2)] == [State.MARKED] * 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # nbgrader leaves timestamp.txt open
def test_feedback_hands_everything_out(tmp_path: Path) -> None:
    """Does the feedback job give students the full page, with what a person gave, both on the service and by fetch?"""
    scene = Scene(tmp_path, '[instant_feedback]\nshow = "off"\n')
    with scene.open() as desk:
        ada = scene.student("ada")
        ada.order(scores=FULL)
        settled(desk, 1)
        with connected(scene.course.root) as connection:
            waits = update(GRADE).where(GRADE.c.needs_manual_grade)
            connection.execute(waits.values(manual_score=3.0, needs_manual_grade=False))
        job = finished(desk, desk.start(JobKind.FEEDBACK, ASSIGNMENT, "teacher"))
        assert job.state is JobState.DONE, job.message
        until(lambda: desk.hand_ins(for_staff=True)[0].score == 12.0)
        (own,) = desk.hand_ins(student="ada", for_staff=False)
        assert (own.shown, own.has_page) == (Shown.FULL, True)
        page = desk.page(own.number, for_staff=False)
        assert page is not None
        assert ada.fetch()["problem1"].encode() == page


def test_release_needs_what_is_built(tmp_path: Path) -> None:
    """Is an assignment whose source has changed since it was built not released?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        with pytest.raises(CourseError, match="not built as its source is now"):
            desk.start(JobKind.RELEASE, ASSIGNMENT, "teacher")
        with pytest.raises(CourseError, match="has no assignment"):
            desk.start(JobKind.BUILD, "nothing", "teacher")
        with pytest.raises(CourseError, match="Nobody has handed in"):
            desk.start(JobKind.MARK_ALL, ASSIGNMENT, "teacher")
        assert desk.jobs() == []


def test_another_bundle_marks_what_comes_next(tmp_path: Path) -> None:
    """Is a build noticed: hand-ins from then on are marked with it, and its workers are new?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        scene.student("ada").order(scores=FULL)
        settled(desk, 1)
        bundle = make_bundle(files={"data.csv": b"1"})
        bundle.write(scene.course.autograder_dir(ASSIGNMENT))
        scene.student("bob").order(scores=FULL)
        settled(desk, 2)
        with connected(scene.course.root) as connection:
            query = text("select student, bundle_hash from saiten_ledger order by student")
            hashes = dict(tuple(row) for row in connection.execute(query))
        assert hashes == {"ada": make_bundle().hash, "bob": bundle.hash}


def test_clusters_are_failures_that_several_share(tmp_path: Path) -> None:
    """Are students who fail the same test for the same reason found together, and one alone not?"""
    scene = Scene(tmp_path)
    with scene.open() as desk:
        scene.student("ada").order(scores={**FULL, "sum-test": 0})
        scene.student("bob").order(scores={**FULL, "sum-test": 0})
        scene.student("eve").order(scores={**FULL, "mean-test": 0})
        settled(desk, 3)
        assert [(each.question, each.message, each.students) for each in desk.clusters(ASSIGNMENT)] == [
            ("sum", "sum-test did not hold", ("ada", "bob"))
        ]
