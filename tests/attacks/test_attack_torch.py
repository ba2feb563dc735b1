"""Do tensors lie, or tell what stands beside them in memory?"""

from __future__ import annotations

from collections.abc import Iterator

import attack_target as target
import pytest

import lessons
from saiten.bundle import Bundle, Limits
from saiten.grading import Engine

QUESTIONS = {
    "scale": (
        "def scale(x):\n    return 2 * x",
        "out = scale(torch.ones(3))\nassert torch.is_tensor(out) and out.shape == (3,)\n"
        "assert torch.allclose(out, torch.full((3,), 2.0)) and torch.equal(out, torch.full((3,), 2.0))",
    ),
    "guess": (
        "def guess(features):\n    return features.sum(1) % 7",
        "table = torch.cat([features, (features.sum(1) % 7)[:, None]], 1)\n"
        "assert torch.equal(guess(table[:, :2]), table[:, 2])",
    ),
    "weights": (
        "def weights():\n    return {'w': torch.zeros(2)}",
        "net = torch.nn.Linear(2, 1, bias=False)\nnet.load_state_dict({'weight': weights()['w'][None]})\n"
        "assert float(net(torch.ones(2))) == 0.0",
    ),
}


@pytest.fixture(scope="module")
def lesson() -> Bundle:
    """Three questions on tensors."""
    cells = [lessons.setup("import torch\nfeatures = torch.arange(10.0).reshape(5, 2)", id="setup")]
    for name, (source, test) in QUESTIONS.items():
        cells += [lessons.solution(name, source), lessons.test(f"test-{name}", test)]
    return lessons.bundle(*cells, imports=("torch",), limits=Limits(cell_seconds=20, memory_mb=1024))


@pytest.fixture(scope="module")
def engine(lesson: Bundle) -> Iterator[Engine]:
    """Its engine, with torch in it."""
    with Engine(lesson) as running:
        yield running


LIAR = """
class Yes(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return True
    __eq__ = lambda self, other: True
    shape = (3,)
def scale(x):
    return torch.zeros(3).as_subclass(Yes)
"""
PEEK = """
def guess(features):
    whole = torch.empty(0).set_(features.untyped_storage())
    return whole.reshape(5, -1)[:, -1].clone()
"""
STATES = (
    "def weights():\n    return torch.nn.Linear(2, 1).state_dict",
    "class Dict(dict):\n    def __getitem__(self, key):\n        return self\ndef weights():\n    return Dict()",
    "class Evil:\n    def __reduce__(self):\n        return (exit, ())\ndef weights():\n    return {'w': Evil()}",
    "def weights():\n    return {'w': torch.full((2,), float('nan'))}",
    "def weights():\n    return {'w': torch.zeros(2).to_sparse()}",
    "def weights():\n    return {'w': torch.zeros(2, device='meta')}",
)


def _lost(engine: Engine, lesson: Bundle, **answers: str) -> set[str]:
    right = {name: source for name, (source, _) in QUESTIONS.items()}
    result = engine.mark(lessons.answer(lesson, **{**right, **answers}))
    assert target.is_graded(result), result.message
    assert set(target.scores(engine.mark(lessons.answer(lesson, **right))).values()) == {1.0}
    return {question.name for question in result.questions if question.score == 0}


def test_right_answers(engine: Engine, lesson: Bundle) -> None:
    """Can all points be earned?"""
    assert _lost(engine, lesson) == set()


def test_a_tensor_that_agrees_with_everything(engine: Engine, lesson: Bundle) -> None:
    """Is a subclass of Tensor no tensor here?"""
    import torch

    names: dict[str, object] = {"torch": torch}
    exec(LIAR, names)
    exec(QUESTIONS["scale"][1], names)  # the attack is real: this raises nothing
    assert _lost(engine, lesson, scale=LIAR) == {"scale"}


def test_a_view_does_not_bring_the_rest_of_its_table(engine: Engine, lesson: Bundle) -> None:
    """Is the column of right answers absent from the storage behind the other columns?"""
    import torch

    names: dict[str, object] = {"torch": torch, "features": torch.arange(10.0).reshape(5, 2)}
    exec(PEEK, names)
    exec(QUESTIONS["guess"][1], names)  # the attack is real where both share a process
    assert _lost(engine, lesson, guess=PEEK) == {"guess"}


@pytest.mark.parametrize("state", STATES)
def test_a_state_that_is_none(engine: Engine, lesson: Bundle, state: str) -> None:
    """Is nothing loaded that is no tensor, and nothing unpickled?"""
    assert _lost(engine, lesson, weights=state) == {"weights"}
