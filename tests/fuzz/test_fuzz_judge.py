"""Does the judge come to a clean verdict whatever a student's process says, at every moment of the conversation?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import forged
import pytest
from fake_student import HEADER, LIMITS, NUMBER, Move, frame, make_bundle, verdict
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import lessons
from saiten.bundle import Bundle
from saiten.grading import Engine
from saiten.results import Result, Status

HONEST = [Move("honest")] * 40
PATIENT = settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """The questions."""
    return make_bundle()


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Iterator[Engine]:
    """The real engine and judge; no student's process is ever started, so nothing needs walls."""
    with Engine(bundle, unsafe=True) as engine:
        yield engine


def is_clean(result: Result) -> bool:
    """Whether it is a verdict, on every cell, that can be written down, and no fault of ours."""
    assert result.status is Status.GRADED, result.message
    assert [question.max_score for question in result.questions] == [3.0, 2.0]
    result.to_json().encode()
    result.notebooks[0].document.encode()
    return True


def fails(engine: Engine, bundle: Bundle, *moves: Move) -> Result:
    """Ask that the submission is marked, and earns nothing."""
    result, _ = verdict(engine, bundle, moves)
    assert is_clean(result)
    assert result.score == 0
    assert all(question.message for question in result.questions), result.questions
    return result


def test_right_answers_are_right(engine: Engine, bundle: Bundle) -> None:
    """Could a forged answer earn something, if it were right? (Else these tests could not fail.)"""
    result, script = verdict(engine, bundle, HONEST, right=True)
    assert is_clean(result)
    assert set(script.met) >= {"run", "call", "setattr", "setitem", "getattr", "getitem", "iter", "next", "len"}
    assert [cell.score for cell in result.cells] == [1.0, 0.0, 0.0]


MOVES = st.one_of(
    st.just(Move("honest")),
    st.builds(Move, st.just("message"), forged.messages(NUMBER), forged.BLOBS),
    st.builds(Move, st.just("message"), forged.messages(NUMBER), forged.BLOBS),
    st.builds(Move, st.just("early"), forged.messages(3), forged.BLOBS),
    st.builds(Move, st.just("bytes"), st.builds(lambda node: frame(node), forged.NODES)),
    st.builds(Move, st.just("frame"), st.binary(max_size=40)),
    st.builds(
        lambda sizes, rest: Move("frame", HEADER.pack(*sizes) + rest),
        st.tuples(st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 64) - 1)),
        st.binary(max_size=20),
    ),
    st.builds(Move, st.just("cut"), st.integers(0, 500)),
    st.sampled_from([Move("twice"), Move("close"), Move("drip")]),
)


def ran(names: list[Any], outputs: bytes = b"[]") -> Move:
    """An answer to "run this cell", with such outputs and names."""
    return Move("message", ["value", NUMBER, ["ok", [0, len(outputs)], None, ""], [], names], outputs)


@PATIENT
@given(st.integers(0, 12), st.lists(MOVES, min_size=1, max_size=12))
@example(
    0,
    [
        Move(
            "message",
            ["value", NUMBER, ["ok", [0, 2], None, ""], [], [["double", ["x", "float32", [1], 0, 3, False]]]],
            b"[]?",
        )
    ],
)
@example(0, [Move("twice"), Move("twice")])
@example(1, [Move("early", ["value", 2, 1, [], []])] * 9)
@example(2, [Move("message", ["callback", 0, [["l", [1]], ["d", [], []]], [], []])] * 11)
@example(1, [Move("message", ["callback", 0, [["l", [["m", 0]]], ["d", ["\ud800"], [1]]], [], []])] * 2)
@example(
    1, [Move("message", ["raise", NUMBER, [["builtins.SystemExit"], "full marks", "<test-double>", 1], [], []])] * 4
)
@example(1, [Move("message", ["value", NUMBER, -1, [[0, 5], [1, ["l", []]]], []])] * 3)
def test_any_conversation_ends_in_a_verdict(engine: Engine, bundle: Bundle, start: int, moves: list[Move]) -> None:
    """From any moment on, forged, cut, doubled, early or odd: no points, no fault of ours, no hang."""
    fails(engine, bundle, *[Move("honest")] * start, *moves)


MOMENTS = [0, 1, 3]
"""Questions answered before the process falls silent (while a cell is run, in a call; a silent copy is made anew)."""


@pytest.mark.parametrize("moment", MOMENTS)
def test_silence_ends_with_its_time(engine: Engine, bundle: Bundle, moment: int) -> None:
    """Is a process that says nothing more given up, with the reason, and the next one asked?"""
    result = fails(engine, bundle, *[Move("honest")] * moment, Move("mute"))
    said = [*result.notes, *(cell.message for cell in result.cells)]
    assert any("time is up" in text or "does not answer" in text for text in said), said


def test_a_callback_that_waits_for_ever(engine: Engine, bundle: Bundle) -> None:
    """Is the judge's own answer to a call-back no reason to wait longer?"""
    callback = Move("message", ["callback", 0, [["l", [1]], ["d", [], []]], [], []])
    fails(engine, bundle, *[Move("honest")] * 2, callback, Move("mute"))


def test_half_a_frame_and_silence(engine: Engine, bundle: Bundle) -> None:
    """Is half an answer no answer, however long it is waited for?"""
    fails(engine, bundle, Move("honest"), Move("bytes", HEADER.pack(1000, 1 << 19) + bytes(900)), Move("mute"))


MOST_JSON = 8 * LIMITS.output_kb * 1024 + (1 << 20)
DEEP = b"[" * 980 + b"]" * 980
OUTPUTS: dict[str, bytes] = {
    "empty lists": b"[" + b"[]," * (MOST_JSON // 3 - 1) + b"1]",
    "a deep name": b'[{"output_type": "error", "traceback": [], "ename": ' + DEEP + b"}]",
    "a deep tree": DEEP,
    "surrogates": b'[{"output_type": "stream", "name": "stdout", "text": "\\ud800"}]',
    "surrogates as a type": b'[{"output_type": "display_data", "data": {"\\udfff": "x", "text/plain": "\\ud800"}}]',
    "NaN": b'[{"output_type": "execute_result", "data": {"text/plain": "x"}, "execution_count": NaN}]',
    "a number of many digits": b"[" + b"9" * 5000 + b"]",
    "no UTF-8": b'["\xff"]',
    "UTF-16": '[{"output_type": "stream"}]'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf[]",
    "ten thousand errors": b"[" + b'{"output_type": "error", "traceback": ["x"]},' * 9999 + b"1]",
}


@pytest.mark.parametrize("content", OUTPUTS.values(), ids=OUTPUTS)
def test_forged_outputs(engine: Engine, bundle: Bundle, content: bytes) -> None:
    """Are outputs of any kind at worst a lost process, and the marked notebook one that can be written?"""
    fails(engine, bundle, ran([], content[: LIMITS.message_mb << 20]), *HONEST)


@pytest.mark.parametrize("name", ["double", "np", "reference", "__builtins__", "n"])
@pytest.mark.parametrize("value", [[], [["l", []]], [["m", 0]], [1, 2]], ids=["gone", "a list", "an argument", "two"])
def test_forged_names(engine: Engine, bundle: Bundle, name: str, value: list[Any]) -> None:
    """Does a name that an answer brings never become the judge's, whatever it is called?"""
    fails(engine, bundle, ran([[name, *value]]), *HONEST)


THING = """
class Thing(list):
    words = ()
    def __setitem__(self, key, value):
        pass
    def __getitem__(self, key):
        return self
    def name(self, n):
        return n
thing = Thing()
"""


def test_the_engine_marks_right_after_all_that(engine: Engine, bundle: Bundle) -> None:
    """Is an honest submission still marked right, by a real process?"""
    answer = lessons.answer(bundle, double="def double(x, *more, **named):\n    return 2 * x", thing=THING)
    result = engine.mark(answer)
    assert is_clean(result)
    assert [cell.score for cell in result.cells] == [1.0, 0.0, 2.0], result.questions
