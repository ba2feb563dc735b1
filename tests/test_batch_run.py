"""Does every submission get exactly one result, whatever it does to its worker and in whatever order it comes?"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_engine import FakeEngine, RefusingEngine, judged, make_bundle, order
from saiten.batch.pool import LocalPool
from saiten.batch.run import run_batch
from saiten.batch.verify import verified
from saiten.batch.worker import mark
from saiten.errors import SandboxError
from saiten.results import Result, Status, summarise_question
from saiten.submission import Submission

BUNDLE = make_bundle()


def run(submissions: list[Submission], workers: int = 2, factory: Any = FakeEngine) -> dict[str, Result]:
    """Mark with real worker processes; every submission has to come back once."""
    with LocalPool(workers, BUNDLE, factory) as pool:
        pairs = list(run_batch(BUNDLE, submissions, pool, mark))
    assert sorted(submission.student for submission, _ in pairs) == sorted(each.student for each in submissions)
    return {submission.student: result for submission, result in pairs}


class ThreadedMarking:
    """An executor without processes: fails, hangs or answers as a submission orders."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.in_flight = 0
        self.most = 0
        self.stopped: list[Future[Any]] = []
        self._pool = ThreadPoolExecutor(workers)

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future[Any]:
        """Start a call."""
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        if args and b'"hang"' in b"".join(args[0].notebooks.values()):
            return Future()
        future = self._pool.submit(fn, *args)
        future.add_done_callback(self._done)
        return future

    def _done(self, _: Future[Any]) -> None:
        self.in_flight -= 1

    def stop(self, future: Future[Any]) -> None:
        """Note that the call was given up."""
        self.stopped.append(future)
        self.in_flight -= 1

    def excused(self, future: Future[Any]) -> float:
        """Every call begins at once."""
        return 0.0

    def post_mortem(self, future: Future[Any]) -> str:
        """Say something that can be found again."""
        return "it was carried out"

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()


def answer(submission: Submission) -> Result:
    """What a worker does, without the worker."""
    what = json.loads(submission.notebooks["problem1"])
    if what.get("do") == "break":
        raise BrokenExecutor("dead")
    if what.get("do") == "refuse":
        raise SandboxError("no sandbox", "mend it")
    if what.get("do") == "odd":
        raise KeyError("odd")
    return judged(BUNDLE, submission, what)


@settings(max_examples=40, deadline=None)
@given(
    orders=st.lists(st.sampled_from(["right", "wrong", "break", "odd"]), min_size=1, max_size=12),
    shuffle=st.randoms(use_true_random=False),
    workers=st.integers(1, 5),
)
def test_order_and_number_of_workers_change_nothing(orders: list[str], shuffle: Any, workers: int) -> None:
    """Is each student's result the same in any order and with any number of workers?"""
    submissions = [
        order(
            f"student-{number:03}", do=what, scores={"mean-test": float(what)} if what.isdigit() and what == "2" else {}
        )
        for number, what in enumerate(orders)
    ]

    def outcome(batch: list[Submission], seats: int) -> dict[str, Result]:
        executor = ThreadedMarking(seats)
        try:
            pairs = list(run_batch(BUNDLE, batch, executor, answer))
        finally:
            executor.close()
        assert len(pairs) == len(batch)
        assert executor.most <= seats
        return {submission.student: result for submission, result in pairs}

    shuffled = list(submissions)
    shuffle.shuffle(shuffled)
    assert outcome(submissions, 1) == outcome(shuffled, workers)


def test_a_dead_worker_takes_nothing_with_it(tmp_path: Path) -> None:
    """Do the others keep their results, and does the one that kills its worker every time end with its evidence?"""
    batch = [
        order("student-001", scores={"mean-test": 2}),
        order("student-002", do="die"),
        order("student-003", do="die once", trace=str(tmp_path / "died"), scores={"mean-test": 2}),
        order("student-004", do="exit"),
        order("student-005", scores={"mean-hidden": 3}),
        order("student-006", scores={"sum-test": 1}),
    ]
    results = run(batch)
    assert {student: result.score for student, result in results.items()} == {
        "student-001": 2,
        "student-002": None,
        "student-003": 2,
        "student-004": None,
        "student-005": 3,
        "student-006": 1,
    }
    assert results["student-002"].status is Status.INFRA_ERROR
    assert results["student-002"].message.count("SIGKILL") == 2
    assert results["student-004"].message.count("exit code 7") == 2
    assert (tmp_path / "died").exists()


def test_an_engine_that_failed_is_not_used_again() -> None:
    """Is a fault of the engine's an infra_error with its traceback, and the next submission marked by a new engine?"""
    results = run([order("student-001", do="raise"), order("student-002", scores={"mean-test": 2})], workers=1)
    assert results["student-001"].status is Status.INFRA_ERROR
    assert "the fake engine broke" in results["student-001"].message
    assert results["student-002"].score == 2


def test_an_engine_that_cannot_start_ends_the_batch() -> None:
    """Does the user get the one sentence, rather than as many infra_errors as there are submissions?"""
    with pytest.raises(SandboxError, match="does not allow"):
        run([order(f"student-{number}") for number in range(4)], factory=RefusingEngine)


def test_a_hung_call_is_given_up_and_tried_once_more() -> None:
    """Does a worker that never answers cost its own submission only?"""
    executor = ThreadedMarking(2)
    try:
        batch = [order("student-001", do="hang"), *(order(f"student-{number:03}") for number in range(2, 8))]
        pairs = list(run_batch(BUNDLE, batch, executor, answer, wait_seconds=0.2))
    finally:
        executor.close()
    results = {submission.student: result for submission, result in pairs}
    assert len(pairs) == len(batch)
    assert results["student-001"].status is Status.INFRA_ERROR
    assert results["student-001"].message.count("there was no result after 0.2 s, then it was carried out") == 2
    assert all(result.score == 0 for student, result in results.items() if student != "student-001")
    assert len(executor.stopped) == 2


def test_a_stopped_worker_is_replaced(tmp_path: Path) -> None:
    """Does the pool kill a hung worker, say so, and mark the next submission with another?"""
    with LocalPool(1, BUNDLE, FakeEngine) as pool:
        trace = tmp_path / "started"
        call = pool.submit(mark, order(do="wait", trace=str(trace)))
        while not trace.exists():
            assert not call.done()
        with pytest.raises(RuntimeError, match="busy"):
            pool.submit(mark, order())
        pool.stop(call)
        assert "SIGKILL" in pool.post_mortem(call)
        assert pool.submit(mark, order(scores={"mean-test": 2})).result().score == 2


def test_a_worker_that_dies_while_idle_is_replaced() -> None:
    """Does a worker that is killed between two submissions (out of memory, say) cost none of them anything?"""
    with LocalPool(1, BUNDLE, FakeEngine) as pool:
        assert pool.submit(mark, order(scores={"mean-test": 2})).result().score == 2
        (worker,) = multiprocessing.active_children()
        worker.kill()
        worker.join()
        batch = [order("student-001"), order("student-002", scores={"mean-test": 2})]
        pairs = list(run_batch(BUNDLE, batch, pool, mark))
    assert {submission.student: result.score for submission, result in pairs} == {"student-001": 0, "student-002": 2}


def test_an_engine_that_never_works_is_asked_once() -> None:
    """Is a fault that meets every single submission told after one try each?"""
    calls = []

    def fail(submission: Submission) -> Result:
        calls.append(submission.student)
        raise KeyError(submission.student)

    executor = ThreadedMarking(2)
    try:
        pairs = list(run_batch(BUNDLE, [order(f"student-{number}") for number in range(5)], executor, fail))
    finally:
        executor.close()
    assert sorted(calls) == sorted(submission.student for submission, _ in pairs)
    assert {result.status for _, result in pairs} == {Status.INFRA_ERROR}


def test_workers_never_write_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    """Does `--json` stay clean, whatever an engine prints?"""
    run([order("student-001", do="print")], workers=1)
    captured = capfd.readouterr()
    assert captured.out == ""
    assert "noise on standard output" in captured.err


def sound() -> tuple[Submission, Result]:
    """A submission and the result it orders."""
    submission = order(scores={"mean-test": 2, "mean-hidden": 3, "sum-test": 1})
    return submission, judged(BUNDLE, submission, json.loads(submission.notebooks["problem1"]))


def with_cell(result: Result, name: str, **changes: Any) -> Result:
    """Change one cell of a result, and its sums."""
    questions = tuple(
        summarise_question(
            question.name,
            question.notebook,
            tuple(replace(cell, **changes) if cell.name == name else cell for cell in question.cells),
        )
        for question in result.questions
    )
    score = sum(question.score or 0 for question in questions)
    return replace(result, questions=questions, score=score)


def test_a_sound_result_is_believed() -> None:
    """Is what the engine says passed on unchanged?"""
    submission, result = sound()
    assert verified(BUNDLE, submission, result) is result


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda result: None, "NoneType"),
        (lambda result: replace(result, student="student-999"), "student-999"),
        (lambda result: replace(result, submission_hash="0"), "other bytes"),
        (lambda result: replace(result, bundle_hash="0"), "other bytes"),
        (lambda result: replace(result, questions=result.questions[1:]), "cells are not the assignment's"),
        (lambda result: replace(result, questions=result.questions * 2), "stands there twice"),
        (lambda result: with_cell(result, "mean-test", score=2.5), "got 2.5 of 2"),
        (lambda result: with_cell(result, "mean-test", score=-1.0), "got -1"),
        (lambda result: with_cell(result, "mean-test", score=float("nan")), "got nan"),
        (lambda result: with_cell(result, "mean-test", max_score=9.0), "counts 9, not 2"),
        (lambda result: with_cell(result, "mean-test", score=None), "has no score"),
        (lambda result: replace(result, score=14.0), "add up to 6"),
        (lambda result: replace(result, score=None), "add up to 6"),
        (lambda result: replace(result, status=Status.GRADED), "its cells say otherwise"),
        (lambda result: replace(result, status=Status.REJECTED), "has a score"),
        (lambda result: replace(result, notebooks=result.notebooks[:1]), "lacks notebook problem2"),
    ],
)
def test_an_unsound_result_is_an_infra_error(spoil: Callable[[Result], object], reason: str) -> None:
    """Is a result that cannot be right shown as our fault, never as a score?"""
    submission, result = sound()
    checked = verified(BUNDLE, submission, spoil(result))
    assert (checked.status, checked.score) == (Status.INFRA_ERROR, None)
    assert reason in checked.message
