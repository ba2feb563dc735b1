"""Does marking take the best floor that there is, say so where it is not the first, and mark the same on each?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

import lessons
from saiten.bundle import Limits
from saiten.cli.grade import _tell_of_the_floor
from saiten.errors import SandboxError
from saiten.grading import Engine, floor
from saiten.grading.floor import FLOORS, LandlockSandbox
from saiten.grading.sandbox import NamespaceSandbox, Seat
from saiten.results import Result, Status


def refuse(self: object, seat: Seat, map_user: Callable[[], None]) -> None:
    """What a machine without it does."""
    raise OSError("unshare: Operation not permitted")


def test_the_first_floor_that_can_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the second taken where the first is refused, and none where both are?"""
    assert floor.best() in FLOORS
    monkeypatch.setattr(NamespaceSandbox, "enclose", refuse)
    assert floor.best() == LandlockSandbox.name
    monkeypatch.setattr(LandlockSandbox, "enclose", refuse)
    assert floor.best() == ""


@pytest.mark.parametrize(
    ("best", "unsafe", "words"),
    [("namespaces", False, ""), ("landlock", False, "second floor"), ("namespaces", True, "without walls")],
)
def test_it_is_told_where_that_is_not_the_first(
    best: str, unsafe: bool, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Does `saiten grade` say what it marks behind, on standard error only?"""
    monkeypatch.setattr(floor, "best", lambda: best)
    _tell_of_the_floor(unsafe)
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err
    assert bool(told.err) == bool(words)


def test_an_old_kernel_has_no_second_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is Landlock without scopes, where a student's process could end the coordinator, refused?"""
    monkeypatch.setattr(NamespaceSandbox, "enclose", refuse)
    monkeypatch.setattr("saiten.grading.landlock.abi", lambda: 5)
    assert floor.best() == ""


# -- the engine on each floor ---------------------------------------------------------------------------------------

LIMITS = Limits(
    cell_seconds=2, total_seconds=6, memory_mb=400, scratch_mb=32, file_mb=8, processes=20, output_kb=64, message_mb=8
)
LESSON = lessons.bundle(
    lessons.setup("import numpy as np\nopen('numbers.txt', 'w').write('1 2 3')", id="setup"),
    lessons.solution("total", "def total():\n    return float(np.loadtxt('numbers.txt').sum())"),
    lessons.test("test-total", "assert total() == 6.0"),
    imports=("numpy", "torch", "torch.utils.data"),
    limits=LIMITS,
)
RIGHT = "def total():\n    return float(np.loadtxt('numbers.txt').sum())"


@pytest.fixture(scope="module", params=FLOORS)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine on a floor that is asked for by name."""
    with Engine(LESSON, sandbox=request.param) as running:
        assert running.floor == request.param
        yield running


def mark(engine: Engine, answer: str, *own: str) -> Result:
    """Mark an answer; cells of the student's own come first."""
    whole = lessons.answer(LESSON, total=answer).notebooks[LESSON.notebooks[0].name]
    first, *others = json.loads(whole)["cells"]
    return engine.mark(lessons.submission(first, *map(lessons.code_cell, own), *others))


HARM = {
    "memory": "x = [bytearray(100 << 20) for _ in range(100)]",
    "shared memory": "import mmap, os\n"
    "while True:\n    os.fork()\n    m = mmap.mmap(-1, 100 << 20)\n    m.write(bytes(100 << 20))",
    "fork bomb": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    "full disk": "for n in range(10_000):\n    open(f'f{n}', 'wb').write(bytes(1 << 20))",
    "endless output": "while True:\n    print('x' * 10_000)",
    "raw output": "import os\nwhile True:\n    os.write(1, b'x' * 100_000)",
    "deaf loop": "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        ...",
    "daemon": "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)",
}


@pytest.mark.system
@pytest.mark.parametrize("harm", HARM)
def test_harm_is_its_authors_alone(engine: Engine, harm: str) -> None:
    """Does each end in a mark by the engine's own time, and is the next submission marked right?"""
    first = mark(engine, RIGHT, HARM[harm])
    after = mark(engine, RIGHT)
    assert first.status is Status.GRADED, first.message
    assert (after.status, after.score) == (Status.GRADED, 1.0), after.notes


@pytest.mark.system
def test_workers_of_a_data_loader(engine: Engine) -> None:
    """Do torch's own processes hand their batches over behind the walls?"""
    answer = (
        "import torch\nfrom torch.utils.data import DataLoader, TensorDataset\n"
        "def total():\n    numbers = TensorDataset(torch.tensor([1.0, 2.0, 3.0]))\n"
        "    return sum(float(batch[0].sum()) for batch in DataLoader(numbers, batch_size=2, num_workers=2))"
    )
    assert mark(engine, answer).score == 1.0


def test_no_floor_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a machine that allows none an error for the user, with what to do?"""
    monkeypatch.setattr("saiten.grading.engine.FLOORS", ())
    lesson = lessons.bundle(lessons.setup("x = 1"), lessons.test("test-x", "assert x == 1"))
    with pytest.raises(SandboxError, match="--unsafe"), Engine(lesson):
        pass
