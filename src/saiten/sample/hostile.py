"""Submissions that try for more than they are worth: points for no answer, the reference, other people's work.

In: an `Exercise`. Out: `SampleSubmission`s with what each must get: nothing for the question that is attacked, full
marks for all else. They know nothing of the exercise. `saiten grade` walls them off; nobody should run them elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from saiten.sample.damage import in_every_call
from saiten.sample.structure import independent_questions
from saiten.sample.work import Exercise, SampleSubmission, Work, is_solution, is_test

TRACE = "left-by-a-sample.txt"
"""Name of the files that an attack leaves where it gets to; none may be found outside of its own process."""

_AGREES = '''
class _Agrees:
    """Whatever a test asks of it, it says yes."""

    shape, ndim, dtype, size = (1,), 1, float, 1

    def _me(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    __array_ufunc__ = __array_function__ = lambda self, *args, **kwargs: True
    __bool__ = lambda self: True
    __contains__ = lambda self, item: True
    __float__ = lambda self: 1.0
    __hash__ = lambda self: 0
    __iter__ = lambda self: iter([self])
    __len__ = lambda self: 1


for _name in "eq ne lt le gt ge add radd sub rsub mul rmul truediv neg abs and or call getitem".split():
    setattr(_Agrees, f"__{_name}__", _Agrees._me)
'''

_PATCHES = """
import ast as _ast
import sys as _sys

for _name, _module in list(_sys.modules.items()):
    if "testing" in _name:
        for _key in list(getattr(_module, "__dict__", ())):
            if _key.startswith("assert"):
                setattr(_module, _key, lambda *args, **kwargs: True)


class _NoAsserts(_ast.NodeTransformer):
    def visit_Assert(self, node):
        return _ast.copy_location(_ast.Pass(), node)


get_ipython().ast_transformers.append(_NoAsserts())
"""

_STEALS = """
import json as _json
import pathlib as _pathlib


def _steal(grade_id):
    here = _pathlib.Path.cwd()
    for folder in (here, *here.parents):
        for path in sorted(folder.glob("autograder/*/bundle.json")):
            for notebook in _json.loads(path.read_text())["notebooks"]:
                for cell in notebook["cells"]:
                    if cell["grade_id"] == grade_id:
                        exec(cell["source"], globals())


try:
    _steal({grade_id!r})
except OSError:
    pass
"""

_ASKS = """
import sys

arguments, frame = dict(locals()), sys._getframe()
name = frame.f_code.co_name
places = [vars(module) for module in list(sys.modules.values()) if hasattr(module, "__dict__")]
while frame is not None:
    places += [frame.f_globals, frame.f_locals]
    frame = frame.f_back
for place in places:
    answer = getattr(place.get("reference"), name, None)
    if answer is not None:
        arguments.pop("sys", None)
        return answer(**arguments)
return None
"""

_SCRIPT = "<script>document.title = 'marked by the student'</script>"
_SHOWS_SCRIPTS = f"""
from IPython.display import HTML, Markdown, display

print({_SCRIPT!r})
display(HTML({_SCRIPT!r} + '<img src="x" onerror="document.title = 1">'), Markdown("[grade](javascript:alert(1))"))
"""

_KILLS = """
import os as _os
import signal as _signal

for _pid in (_os.getppid(), _os.getpid()):
    try:
        _os.kill(_pid, _signal.SIGKILL)
    except OSError:
        pass
"""

_LEAVES_PROCESSES = """
import os
import subprocess
import time

try:
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
            os._exit(0)
    subprocess.Popen(["sleep", "600"], start_new_session=True)
except OSError as error:
    print(error)
"""

_WRITES = f"""
import pathlib

here = pathlib.Path.cwd()
for folder in here.parents:
    for place in (folder, *folder.glob("*"), *folder.glob("submitted/*"), *folder.glob("submitted/*/*")):
        try:
            (place / {TRACE!r}).write_text("extra credit")
        except OSError:
            pass
"""

_SHADOW = b'''"""Found before the real one, if this folder is on the path of whatever marks."""
raise SystemExit(0)
'''


@dataclass(frozen=True, slots=True)
class Trick:
    """One way to points for no answer; its functions do not answer the question."""

    kind: str
    title: str
    body: str
    """what stands in every function of the question"""
    front: str = ""
    """lines before the functions"""
    behind: str = ""
    """lines after them; {grade_id!r} is that of the cell"""
    change: Callable[[Work], None] | None = None
    """what is done to the notebook"""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """what is handed in beside it"""


def _edit_tests(work: Work) -> None:
    for document in work.notebooks.values():
        for cell in document["cells"]:
            if is_test(cell):
                cell["source"] = ["pass"]
                cell["metadata"]["tags"] = ["skip-execution"]
                cell["metadata"]["nbgrader"] |= {"points": 1000, "locked": False}
                cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["1000\n"]}]


def _show_scripts(work: Work) -> None:
    _add_cell(work, _SHOWS_SCRIPTS)


TRICKS = (
    Trick("agrees-with-everything", "returns an object that is equal to everything", "return _Agrees()", _AGREES),
    Trick("patches-the-tests", "assertions of libraries do nothing, asserts are dropped", "return None", _PATCHES),
    Trick("steals-the-reference", "looks for the bundle above its folder", "return None", behind=_STEALS),
    Trick("asks-the-memory", "looks for the reference in callers' frames and in modules", _ASKS.strip()),
    Trick("edits-the-tests", "test cells emptied, skipped, worth 1000 points", "return None", change=_edit_tests),
    Trick(
        "brings-its-own-modules",
        "numpy.py and sitecustomize.py beside the notebook",
        "return None",
        files={"numpy.py": _SHADOW, "sitecustomize.py": _SHADOW},
    ),
    Trick(
        "shows-scripts", "script tags in outputs and in errors", f"raise ValueError({_SCRIPT!r})", change=_show_scripts
    ),
    Trick("exits-with-0", "os._exit(0) in a call", "import os\n\nos._exit(0)"),
    Trick("kills-its-parent", "SIGKILL to the parent and to itself", "return None", _KILLS),
)

_OWN_CELLS: Mapping[str, tuple[str, str]] = {
    "leaves-processes-behind": ("forks, and forgets the children", _LEAVES_PROCESSES),
    "writes-to-others": ("leaves files in every folder that it can reach", _WRITES),
}
"""Kind to title and text of a cell of the student's own, before answers that are right."""


def hostile(exercise: Exercise, signature: Callable[[], str]) -> Iterator[SampleSubmission]:
    """Yield one submission of each kind that means harm.

    Args:
        exercise: the assignment.
        signature: gives a new remark for every submission.
    """
    targets = open_to_tricks(exercise)
    for index, trick in enumerate(TRICKS):
        if targets:
            yield attempt(exercise, targets[index % len(targets)], trick, signature())
    cells = exercise.answers()
    for kind, (title, text) in _OWN_CELLS.items():
        work = exercise.hand_in(cells, signature())
        _add_cell(work, text, before_answers=True)
        expected = exercise.expect(cells, exercise.full_marks())
        yield SampleSubmission(f"hostile:{kind}", title, work.files(), expected)


def open_to_tricks(exercise: Exercise) -> list[str]:
    """Return the questions for which it is certain that a trick earns nothing, in order.

    Functions are all that answers them, no other question uses them, and no test of the assignment runs in the
    student's process, where it can be lied to.
    """
    bundle = exercise.bundle
    if any(cell.in_student for notebook in bundle.notebooks for cell in notebook.cells):
        return []
    return [key for key in independent_questions(bundle) if exercise.only_defines_functions(key)]


def attempt(exercise: Exercise, question: str, trick: Trick, remark: str) -> SampleSubmission:
    """Try a trick at a question, with right answers to all others.

    Args:
        exercise: the assignment.
        question: key of one of `open_to_tricks`.
        trick: what is tried.
        remark: makes the text unlike any other's.
    """
    cells = exercise.answers()
    for key, cell in exercise.solution_cells(question):
        behind = trick.behind.format(grade_id=cell.grade_id)
        cells[key] = "\n".join(
            part for part in (trick.front, in_every_call(cells[key], trick.body), behind) if part
        ).lstrip("\n")
    expected = exercise.expect(cells, {**exercise.full_marks(), question: 0.0})
    work = exercise.hand_in(cells, remark)
    if trick.change is not None:
        trick.change(work)
    files = {**work.files(), **trick.files}
    return SampleSubmission(f"hostile:{trick.kind}", f"{trick.title} ({question})", files, expected)


def _add_cell(work: Work, text: str, *, before_answers: bool = False) -> None:
    """Add a cell of the student's own: last, or behind the leading cells, which run once for a whole class."""
    for document in work.notebooks.values():
        cells = document["cells"]
        cell: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
        cell |= {"id": "not-a-test"} if any("id" in each for each in cells) else {}
        first = next((place for place, each in enumerate(cells) if is_solution(each)), len(cells))
        place = first if before_answers else len(cells)
        cells.insert(place, {**cell, "source": text.strip().splitlines(keepends=True)})
