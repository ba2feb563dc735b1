"""An assignment on tensors, and answers that lie with them or look at what stands beside them in memory. Named."""

from __future__ import annotations

from attack_target import Attack

import lessons
from saiten.bundle import Bundle, Limits

SETUP = "import torch\nfeatures = torch.arange(10.0).reshape(5, 2)"

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
"""Question to reference and test."""

RIGHT = {name: source for name, (source, _) in QUESTIONS.items()}

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


def _state(name: str, tries: str, source: str) -> Attack:
    return Attack(name, tries, {"weights": source}, real=False, lesson="tensors")


STATES = (
    _state(
        "a state_dict that is a method",
        "an object where tensors should be",
        "def weights():\n    return torch.nn.Linear(2, 1).state_dict",
    ),
    _state(
        "a state_dict that gives itself",
        "a subclass of dict without end",
        "class Dict(dict):\n    def __getitem__(self, key):\n        return self\ndef weights():\n    return Dict()",
    ),
    _state(
        "a state_dict with __reduce__",
        "code when somebody unpickles it",
        "class Evil:\n    def __reduce__(self):\n        return (exit, ())\ndef weights():\n    return {'w': Evil()}",
    ),
    _state(
        "a state_dict of NaN",
        "weights that no test finds",
        "def weights():\n    return {'w': torch.full((2,), float('nan'))}",
    ),
    _state(
        "a sparse state_dict",
        "a layout that nobody expects",
        "def weights():\n    return {'w': torch.zeros(2).to_sparse()}",
    ),
    _state(
        "a state_dict on no device",
        "tensors without data",
        "def weights():\n    return {'w': torch.zeros(2, device='meta')}",
    ),
)

ALL = (
    Attack("a tensor that agrees with everything", "a subclass of Tensor", {"scale": LIAR}, lesson="tensors"),
    Attack("a view of the whole table", "what stands beside an argument in memory", {"guess": PEEK}, lesson="tensors"),
    *STATES,
)  # fmt: skip


def make_bundle() -> Bundle:
    """Three questions on tensors."""
    cells = [lessons.setup(SETUP, id="setup")]
    for name, (source, test) in QUESTIONS.items():
        cells += [lessons.solution(name, source), lessons.test(f"test-{name}", test)]
    return lessons.bundle(*cells, imports=("torch",), limits=Limits(cell_seconds=20, memory_mb=1024))
