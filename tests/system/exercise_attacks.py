"""The strongest ways to points without an answer, as text that fits into any solution cell of the course's exercises.

In: the reference's text of a cell. Out: the same functions, each with a body that cheats. What cheats needs to know of
an exercise is what every student can read: the names of its functions, and that its tests compare by `assert_close`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from saiten.sample.damage import in_every_call
from saiten.sample.work import Exercise

AGREES = """
class _Agrees:
    shape, ndim, dtype, size = (1,), 1, float, 1
    __array_ufunc__ = __array_function__ = lambda self, *args, **kwargs: True
    __bool__ = __contains__ = lambda self, *args: True
    __float__ = lambda self: 1.0
    __hash__ = lambda self: 0
    __iter__ = lambda self: iter([self, self])
    __len__ = lambda self: 2
    __class__ = property(lambda self: float)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __array__(self, *args, **kwargs):
        import sys

        frame = sys._getframe()
        while frame is not None:
            if frame.f_locals.get("right") is not None:
                return frame.f_locals["right"]
            frame = frame.f_back


def _me(self, *args, **kwargs):
    return self


for _name in "eq ne lt le gt ge add radd sub rsub mul rmul truediv neg abs and or call getitem".split():
    setattr(_Agrees, f"__{_name}__", _me)
"""
PATCHES = """
import sys as _sys

for _module in list(_sys.modules.values()):
    _kept = getattr(_module, "__name__", "")
    if "testing" in str(_kept) or _kept in ("numpy", "torch", "cv2"):
        for _key in list(vars(_module)):
            if _key.startswith("assert_") or _key in ("array_equal", "equal", "PSNR"):
                setattr(_module, _key, lambda *args, **kwargs: True)
"""
WALKS = """
import sys

frame = sys._getframe().f_back
while frame is not None:
    for key in list(frame.f_globals):
        if key.startswith(("assert", "check", "same", "raises")):
            frame.f_globals[key] = lambda *args, **kwargs: True
    frame = frame.f_back
return _Agrees()
"""
ASKS = """
import gc
import sys

arguments = dict(locals())
for taken in ("gc", "sys"):
    del arguments[taken]
mine = sys._getframe().f_code
for thing in gc.get_objects():
    if type(thing).__name__ == "function" and thing.__name__ == mine.co_name and thing.__code__ != mine:
        try:
            return thing(**arguments)
        except TypeError:
            continue
raise RuntimeError("there is no other function of this name")
"""
STEALS = """
import json as _json
import pathlib as _pathlib

_text = _pathlib.Path({bundle!r}).read_text()
for _notebook in _json.loads(_text)["notebooks"]:
    for _cell in _notebook["cells"]:
        if _cell["grade_id"] == {grade_id!r}:
            exec(_cell["source"], globals())
"""
FORGES = """
import gc as _gc

_sides = [thing for thing in _gc.get_objects() if type(thing).__name__ == "StudentSide"]
for _side in _sides:
    import msgpack as _msgpack

    def _forged(kind, request, value, before, _honest=_side._reply):
        if request["op"] != "call" or not value is _forged:
            return _honest(kind, request, value, before)
        names = [[name, True] for name in ("assert_close", "reference", "np", "__builtins__")]
        return _msgpack.packb(["value", request["number"], True, [], names]), [b""]

    _side._reply = _forged
"""


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of attack."""

    name: str
    body: str
    """what stands in every function of the question"""
    front: str = ""
    """text before the functions"""
    behind: str = ""
    """text behind them"""

    def answer(self, reference: str, **words: object) -> str:
        """A cell's text: its functions cheat."""
        behind = self.behind.format(**words) if self.behind else ""
        return "\n".join(part for part in (self.front, in_every_call(reference, self.body), behind) if part).lstrip()


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family("forged equality", "return _Agrees()", AGREES),
        Family("patched modules", "return _Agrees()", AGREES + PATCHES),
        Family("walks the stack", WALKS.strip(), AGREES),
        Family("asks for a function by its name", ASKS.strip()),
        Family("reads the bundle", "return None", behind=STEALS),
        Family("ends with 0", "import os\n\nos._exit(0)"),
        Family("ends quietly", "raise SystemExit(0)"),
        Family("writes to the judge", "return _forged", FORGES),
    )
}
ENDS = frozenset({"ends with 0", "ends quietly"})
"""Where whoever goes by a program's exit code is told of a success."""
OWN_WIRE = "writes to the judge"
"""Where there is no judge, there is nothing to write to: what shows it to be real is what the judge says."""
ORDER = tuple(FAMILIES)
TARGETS: Mapping[str, tuple[str, ...]] = {
    "01-regularization": (
        *("thresholds", "least-squares", "ridge-fit", "choose-degree"),
        *("elastic-net", "design-matrix", "choose-lambda", "train-linear"),
    ),
    "02-filters": (
        *("canny-steps", "bgr-to-gray", "sobel", "centre-surround"),
        *("harris", "match", "smooth", "correlate"),
    ),
    "03-max-pooling": (
        *("shift-curve", "pool-2x2", "switches", "layer-shapes"),
        *("pool-backward", "max-or-sum", "s-and-c-cells", "pool"),
    ),
    "04-viola-jones": (
        *("haar-features", "integral-image", "cascade", "best-stump"),
        *("window-std", "iou-nms", "sliding-windows", "detection-scores"),
    ),
    "05-transfer-learning": (
        *("identify", "extract-features", "match-gabor", "evaluate"),
        *("augment", "preprocess", "split-by-group", "train-head"),
    ),
}
"""Exercise to the question at which each family is tried, in the families' order: one whose tests it can fool."""


def attacks_of(exercise: Exercise, bundle: Path) -> dict[str, dict[str, str]]:
    """Question to the texts of its cells, by key: each question another family's."""
    found = {}
    for family, question in zip(FAMILIES.values(), TARGETS[exercise.bundle.assignment], strict=True):
        found[question] = {
            key: family.answer(cell.source, bundle=str(bundle), grade_id=cell.grade_id)
            for key, cell in exercise.solution_cells(question)
        }
    return found
