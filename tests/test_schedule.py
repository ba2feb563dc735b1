"""Is everything that is due done once, caught up when it was missed, and never before its time?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fake_course import make_course, rows
from fake_engine import ASSIGNMENT as FAKE
from fake_engine import HerePool, make_bundle, order
from own_exchange import handed_in, use_own_exchange
from saiten.build import source_hash
from saiten.cli import main
from saiten.course import Course
from saiten.errors import CourseError
from saiten.extensions import Extension, Extensions
from saiten.schedule import Busy, Planned, Progress, Report, Step, due_now, run_schedule, to_come
from saiten.schedule.state import opened
from saiten.settings import Schedule, Settings

NOON = datetime(2026, 4, 10, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RELEASE, DUE = NOON - 24 * HOUR, NOON
WHOLE = Settings(release=RELEASE, due=DUE, schedule=Schedule(grade=True, feedback=True))
EXTRA = Extensions(Path("extensions.csv"), (Extension(2, "ps1", "student-017", None, 2),))


def steps(planned: list[Planned]) -> list[tuple[str, float]]:
    """Names of steps, and hours after noon."""
    return [(each.step.value, (each.moment - NOON) / HOUR) for each in planned]


def due(
    hours: float, progress: Progress | None = None, settings: Settings = WHOLE, *, is_released: bool = True
) -> list[str]:
    """What is due so many hours after noon."""
    now = NOON + hours * HOUR
    planned = due_now("ps1", settings, None, progress or Progress(), now, is_released=is_released)
    return [each.step.value for each in planned]


# --- the calendar -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hours", "progress", "expected"),
    [
        (-25, Progress(), []),
        (-24, Progress(), ["release"]),
        (-1, Progress(), ["release"]),
        (-1, Progress(released=RELEASE), []),
        (1, Progress(), []),  # released after its due date? rather not
        (1, Progress(released=RELEASE), ["collect"]),
    ],
)
def test_a_release_is_due_until_the_due_date(hours: float, progress: Progress, expected: list[str]) -> None:
    """Is it due from its moment on, once, and no more when nobody could hand in any more?"""
    assert due(hours, progress, is_released=False) == expected


def test_what_somebody_released_is_not_released_again() -> None:
    """Does a release by hand count, and one that was taken back stay so?"""
    assert due(-1, is_released=True) == []
    assert due(-1, Progress(released=RELEASE), is_released=False) == []


@pytest.mark.parametrize(
    ("hours", "collected", "expected"),
    [
        (-0.1, None, []),
        (0, None, []),  # what is being copied at this moment is not whole yet
        (1 / 60, None, ["collect"]),
        (100, None, ["collect"]),
        (100, -1, ["collect"]),  # by hand, before the due date: not enough
        (100, 0, ["collect"]),
        (100, 1 / 60, []),
        (100, 50, []),
    ],
)
def test_collecting_is_due_after_the_due_date_once(hours: float, collected: float | None, expected: list[str]) -> None:
    """Is it due if the due date lies between the last collection and now, and else not?"""
    progress = Progress(collected=None if collected is None else NOON + collected * HOUR)
    assert due(hours, progress) == expected


def test_an_extension_and_the_end_of_late_hand_ins_are_due_dates_too() -> None:
    """Is collected again when an extension ends, and when late hand-ins end, each once?"""
    settings = replace(WHOLE, schedule=Schedule(late_until=DUE + 100 * HOUR))
    done = Progress(collected=NOON + HOUR)

    def now(hours: float, progress: Progress) -> list[tuple[str, float]]:
        return steps(due_now("ps1", settings, EXTRA, progress, NOON + hours * HOUR, is_released=True))

    assert now(47, done) == []
    assert now(49, done) == [("collect", 48)]
    assert now(99, Progress(collected=NOON + 49 * HOUR)) == []
    assert now(101, Progress(collected=NOON + 49 * HOUR)) == [("collect", 100)]
    assert now(999, Progress(collected=NOON + 101 * HOUR)) == []
    assert now(999, done) == [("collect", 100)], "of several that were missed, one collection is enough"
    planned = to_come("ps1", settings, EXTRA, done, NOON + HOUR, is_released=True)
    assert steps(planned) == [("collect", 48 + 1 / 60), ("collect", 100 + 1 / 60)]


def test_an_extension_that_is_given_after_the_collection_is_not_lost() -> None:
    """Is collected when it ends; and if it had ended before the last collection, not again?"""
    late = Progress(collected=NOON + 30 * HOUR)
    assert due_now("ps1", WHOLE, EXTRA, late, NOON + 31 * HOUR, is_released=True) == []
    assert steps(due_now("ps1", WHOLE, EXTRA, late, NOON + 49 * HOUR, is_released=True)) == [("collect", 48)]
    assert due_now("ps1", WHOLE, EXTRA, Progress(collected=NOON + 49 * HOUR), NOON + 50 * HOUR, is_released=True) == []


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        (Schedule(), ["collect"]),
        (Schedule(collect=False), []),
        (Schedule(grade=True), ["collect", "grade"]),
        (Schedule(grade=True, feedback=True), ["collect", "grade", "feedback"]),
    ],
)
def test_only_what_the_assignment_asks_for(switches: Schedule, expected: list[str]) -> None:
    """Is marking and handing out done by those who want it, and nothing by those who do not?"""
    progress = Progress(to_grade=True, to_hand_out=True)
    assert due(1, progress, replace(WHOLE, schedule=switches)) == expected


def test_without_dates_nothing_happens() -> None:
    """Is an assignment without dates left alone?"""
    assert due(1, settings=Settings(), is_released=False) == []
    assert due(1, settings=Settings(), is_released=True) == []
    assert due(-20, settings=replace(WHOLE, schedule=Schedule(release=False)), is_released=False) == []


def test_what_is_not_released_is_not_collected() -> None:
    """Does an old assignment that never was in the exchange cause no errors?"""
    assert due(1, settings=Settings(due=DUE), is_released=False) == []


# --- a course ---------------------------------------------------------------------------------------------------------

TOML = """release = 2026-04-09T12:00:00Z
due = 2026-04-10T12:00:00Z
[schedule]
grade = true
feedback = true
"""


class Scene:
    """A course for the fake engine, built, with an exchange of its own kind; ps1 is released."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.course = make_course(root / "course")
        self.store = use_own_exchange(root)
        (root / "course" / "source" / FAKE / "assignment.toml").write_text(TOML)
        self.course = Course.find(root / "course")
        bundle = replace(make_bundle(), source_hash=source_hash(self.course.assignment(FAKE)))
        bundle.write(self.course.autograder_dir(FAKE))
        self.store.write_text(json.dumps({f"assignment {FAKE}": {}}))

    def hand_in(self, student: str, hours: float, **what: object) -> None:
        """Hand in so many hours after noon."""
        made = order(student, scores={"mean-test": 2, "mean-hidden": 3, "sum-test": 1} | what)
        files = {f"{name}.ipynb": content.decode() for name, content in made.notebooks.items()}
        stamp = (NOON + hours * HOUR).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        handed_in(self.store, student, {**files, "timestamp.txt": stamp})

    def run(self, hours: float, *, dry: bool = False) -> Report:
        """Run the schedule so many hours after noon."""
        HerePool.marked.clear()
        return run_schedule(Course.find(self.root / "course"), NOON + hours * HOUR, workers=1, pool=HerePool, dry=dry)

    def pages(self) -> set[str]:
        """Who has got feedback."""
        return {key.removeprefix("feedback ") for key in json.loads(self.store.read_text()) if key[:9] == "feedback "}

    def command(self, *arguments: str) -> Result:
        """`saiten schedule`."""
        given = ["schedule", "--course", str(self.root / "course"), *arguments]
        return CliRunner().invoke(main, given, prog_name="saiten", catch_exceptions=False)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """A fresh one."""
    return Scene(tmp_path)


def said(report: Report) -> list[str]:
    """What was done."""
    return [each.said for each in report.done]


def test_a_due_date_is_collected_marked_and_handed_out_once(scene: Scene) -> None:
    """Is it all done after the due date, and nothing at all the second time?"""
    scene.hand_in("student-001", -2)
    scene.hand_in("student-002", -1)
    before = scene.run(-0.5)
    assert (before.done, before.failed) == ([], [])
    assert steps(before.next) == [("collect", 1 / 60)]
    report = scene.run(1)
    assert report.failed == []
    assert said(report) == [
        "collected: 2 have handed in; 2 new, 0 newer",
        "marked 2; 0 were known",
        "feedback handed out to 2; 0 had it",
    ]
    assert scene.pages() == {"student-001", "student-002"}
    state = (scene.root / "course" / ".saiten" / "schedule.json").read_bytes()
    again = scene.run(2)
    assert (again.done, again.failed, again.next) == ([], [], [])
    assert (scene.root / "course" / ".saiten" / "schedule.json").read_bytes() == state


def test_an_extension_is_collected_when_it_ends_and_costs_nothing(scene: Scene) -> None:
    """Does who has one hand in in time, who has none late, and is only what is new marked and handed out?"""
    scene.hand_in("student-001", -2)
    scene.run(1)
    slip = "assignment,student,extra\nps1,student-00[23],2d\nps1,student-01,2d\n"
    (scene.root / "course" / "extensions.csv").write_text(slip)
    scene.hand_in("student-002", 40)
    scene.hand_in("student-004", 41)
    assert scene.run(45).done == []
    report = scene.run(49)
    assert said(report) == [
        "collected: 3 have handed in, 1 late; 2 new, 0 newer",
        "marked 3; 1 were known",
        "feedback handed out to 2; 1 had it",
    ]
    assert report.notes == ["extensions.csv, line 3: nobody is known as 'student-01' yet. Did you mean student-001?"]
    extensions = rows(scene.root / "course", "select student_id, extension from submitted_assignment order by 1")
    assert [row["extension"] is not None for row in extensions] == [False, True, False]


def test_a_dry_run_says_all_and_does_nothing(scene: Scene) -> None:
    """Are collecting and what follows from it said, and is neither course nor exchange touched?"""
    scene.hand_in("student-001", -2)
    kept = scene.store.read_bytes()
    report = scene.run(1, dry=True)
    assert [each.planned.step for each in report.done] == [Step.COLLECT, Step.GRADE, Step.FEEDBACK]
    assert scene.store.read_bytes() == kept
    assert not (scene.root / "course" / "submitted").exists()
    assert not (scene.root / "course" / ".saiten").exists()
    assert not (scene.root / "course" / "gradebook.db").exists()


def test_a_fault_of_ours_stays_due(scene: Scene) -> None:
    """Where one cannot be marked, is it said, do the others get theirs, and is it tried again the next time?"""
    scene.hand_in("student-001", -2)
    scene.hand_in("student-002", -2, die=True)
    handed_in(scene.store, "student-002", {"problem1.ipynb": '{"die": true}', "problem2.ipynb": '{"die": true}'})
    report = scene.run(1)
    assert [name for name, _ in report.failed] == [FAKE]
    assert "grade: 1 could not be marked: student-002" in report.failed[0][1].message
    assert said(report) == ["collected: 2 have handed in; 2 new, 0 newer"]
    again = scene.run(2)
    assert [name for name, _ in again.failed] == [FAKE], "it is still due"
    assert "student-002" in HerePool.marked
    assert "student-001" not in HerePool.marked
    (scene.root / "course" / "submitted" / "student-002" / FAKE / "problem1.ipynb").write_text('{"scores": {}}')
    (scene.root / "course" / "submitted" / "student-002" / FAKE / "problem2.ipynb").write_text('{"scores": {}}')
    mended = scene.run(3)
    assert said(mended) == ["marked 2; 1 were known", "feedback handed out to 2; 0 had it"]


def test_an_assignment_that_fails_keeps_no_other_from_its_own(scene: Scene) -> None:
    """With a broken assignment.toml before it and one after it, is the one between them collected, with exit code 1?"""
    for name in ("a-broken", "z-broken"):
        folder = scene.root / "course" / "source" / name
        folder.mkdir()
        (folder / "n.ipynb").write_text("{}")
        (folder / "assignment.toml").write_text("due = tomorrow\n")
    scene.hand_in("student-001", -2)
    report = scene.run(1)
    assert [name for name, _ in report.failed] == ["a-broken", "z-broken"]
    assert len(report.done) == 3
    told = scene.command("--now", "2026-04-10T14:00+00:00")
    assert told.exit_code == 1
    assert "assignment.toml cannot be read" in told.output
    assert "Nothing is due now" not in told.output


def test_an_exchange_that_is_away_is_tried_again(scene: Scene) -> None:
    """Is an error of the exchange said with the step's name, and what was not done still due?"""
    scene.hand_in("student-001", -2)
    config = scene.root / "course" / "nbgrader_config.py"
    kept = config.read_text()
    module = scene.root / "course" / "away_exchange_classes.py"
    module.write_text(
        (scene.root / "course" / "own_exchange_classes.py").read_text()
        + '\n\nclass Away(Collect):\n    def start(self):\n        self.fail("the server is away")\n'
    )
    config.write_text(
        kept.replace("own_exchange_classes", "away_exchange_classes")
        + 'c.ExchangeFactory.collect = "away_exchange_classes.Away"\n'
    )
    report = scene.run(1)
    assert [error.message for _, error in report.failed] == [
        "collect: nbgrader's exchange refuses: the server is away."
    ]
    config.write_text(kept)
    assert len(scene.run(2).done) == 3


def test_two_at_the_same_time_are_one(scene: Scene) -> None:
    """Does the second say whose the first is and leave, and is the lock open once that has ended, however it ended?"""
    course = Course.find(scene.root / "course")
    with opened(course), pytest.raises(Busy, match=r"process \d+, since 20"):
        scene.run(1)
    with opened(course):
        told = scene.command("--now", "2026-04-10T14:00Z")
        assert (told.exit_code, "Another `saiten schedule` is at work" in told.output) == (0, True)
        assert scene.command("--quiet", "--now", "2026-04-10T14:00Z").output == ""
    with pytest.raises(RuntimeError), opened(course):
        raise RuntimeError
    assert scene.run(1).failed == []


def test_what_was_done_before_a_run_was_killed_is_not_done_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the machine stops between collecting and marking, does the next run go on with marking?"""
    scene.hand_in("student-001", -2)

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("saiten.schedule.run.mark_class", stopped)
        with pytest.raises(KeyboardInterrupt):
            scene.run(1)
    assert said(scene.run(2)) == ["marked 1; 0 were known", "feedback handed out to 1; 0 had it"]


def test_a_fault_of_saitens_own_is_told_when_the_others_are_done(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is it a traceback with exit code 3, after what could be done?"""
    scene.hand_in("student-001", -2)
    monkeypatch.setattr("saiten.schedule.run.mark_class", lambda *_, **__: 1 / 0)
    told = scene.command("--now", "2026-04-10T14:00Z")
    assert told.exit_code == 3
    assert "collected: 1 have handed in" in told.output
    assert "ZeroDivisionError" in told.output


@pytest.mark.parametrize(
    "content", ["", "[]", '{"ps1": 3}', '{"ps1": {"collected": "soon"}}', '{"ps1": {"collected": "2026-04-10T12:00"}}']
)
def test_a_state_that_cannot_be_read_is_not_guessed_at(scene: Scene, content: str) -> None:
    """Is it a sentence with the next step, instead of everything a second time?"""
    (scene.root / "course" / ".saiten").mkdir()
    (scene.root / "course" / ".saiten" / "schedule.json").write_text(content)
    with pytest.raises(CourseError, match="what the schedule has done, cannot be read"):
        scene.run(1)


def test_where_a_service_takes_hand_ins_the_schedule_only_hands_out(scene: Scene) -> None:
    """Does it neither collect nor mark, and does it hand out what the service has marked?"""
    import fcntl
    import os

    scene.hand_in("student-001", -2)
    scene.run(1)
    (scene.root / "course" / "extensions.csv").write_text("assignment,student,extra\nps1,student-002,2d\n")
    (scene.root / "course" / "hub").mkdir()
    descriptor = os.open(scene.root / "course" / "hub" / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        scene.hand_in("student-002", 40)
        report = scene.run(49)
        assert said(report) == ["feedback handed out to 0; 1 had it"]
        assert HerePool.marked == []
        assert not (scene.root / "course" / "submitted" / "student-002").exists(), "that is the service's to take"
        told = scene.command("--now", "2026-04-13T14:00Z")
        assert "The marking service takes hand-ins of this course" in told.output
    finally:
        os.close(descriptor)


def test_what_the_command_says(scene: Scene) -> None:
    """One line for each thing done and what comes next with its time; nothing ahead of its time; quiet for cron."""
    dry = scene.command("--dry-run", "--now", "2026-04-10T12:30+00:00")
    assert dry.exit_code == 0, dry.output
    assert dry.output.splitlines()[:2] == [
        "ps1: collect would be due (since 2026-04-10 12:00 +0000).",
        "ps1: grade would be due (since 2026-04-10 12:30 +0000).",
    ]
    early = scene.command("--dry-run", "--now", "2026-04-10T12:00+00:00")
    assert early.output.splitlines() == ["Nothing is due now.", "Next: 2026-04-10 12:01 +0000  collect ps1"]
    done = scene.command("--quiet", "--now", "2026-04-10T12:30+00:00")
    assert done.output == "ps1: collected: 0 have handed in; 0 new, 0 newer.\n", "nobody to mark"
    assert scene.command("--quiet", "--now", "2026-04-10T12:31+00:00").output == ""
    last = scene.command("--now", "2026-04-10T12:31+00:00")
    assert last.output.splitlines() == [
        "Nothing is due now.",
        "Nothing else is planned: no release or due date is to come.",
    ]
    ahead = scene.command("--now", "2126-04-10T12:30+00:00")
    assert (ahead.exit_code, "is still to come" in ahead.output) == (2, True)
    wrong = scene.command("--now", "soon")
    assert (wrong.exit_code, "is no date and time" in wrong.output) == (2, True)
