"""What goes wrong with a hand-in: unreadable files, cells that hang or end early, and oddities that must cost nothing.

In: an `Exercise` and a good answer. Out: `SampleSubmission`s with what each must get.
A cell is spoilt only in a question that no other question uses, so that all the others must keep their points.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from saiten.results import Status
from saiten.sample.structure import independent_questions
from saiten.sample.work import Exercise, Expected, SampleSubmission, Work, dump, is_solution, is_test

_HANG = "while True:\n    pass"
_EXIT = "import os\n\nos._exit(0)\n"
_SHAPE = "import numpy\n\nreturn numpy.zeros((3, 1, 2))"

_IN_A_CALL: Mapping[str, tuple[str, str]] = {
    "endless-loop": ("a loop that never ends, in a call", _HANG),
    "wrong-shape": ("results of a shape that nobody asked for", _SHAPE),
}
_IN_A_CELL: Mapping[str, tuple[str, str]] = {
    "syntax-error": ("a cell that does not compile", "def unfinished(:\n    return\n"),
    "exit-in-cell": ("os._exit(0) while the cell runs", _EXIT),
}


def broken(exercise: Exercise, signature: Callable[[], str]) -> Iterator[SampleSubmission]:
    """Yield one submission of each kind that is broken; most must get points all the same.

    Args:
        exercise: the assignment.
        signature: gives a new remark for every submission.
    """
    yield from _unreadable(exercise, signature)
    alone = [key for key in independent_questions(exercise.bundle) if exercise.solution_cells(key)]
    if not alone:
        return
    callable_ones = [key for key in alone if exercise.only_defines_functions(key)]
    for index, (kind, (title, body)) in enumerate(_IN_A_CALL.items() if callable_ones else ()):
        question = callable_ones[index % len(callable_ones)]
        yield _spoilt(exercise, signature(), question, kind, title, partial(in_every_call, body=body))
    for index, (kind, (title, lines)) in enumerate(_IN_A_CELL.items(), start=len(_IN_A_CALL)):
        question = alone[index % len(alone)]
        yield _spoilt(exercise, signature(), question, kind, title, partial(in_front, lines=lines))


def odd(exercise: Exercise, signature: Callable[[], str]) -> Iterator[SampleSubmission]:
    """Yield hand-ins that look unusual and must get what the reference gets."""
    cells = exercise.answers()
    expected = exercise.expect(cells, exercise.full_marks())
    changes: list[tuple[str, str, Callable[[Work], None]]] = [
        ("extra-cells", "cells of the student's own between the others", _add_cells),
        ("deleted-tests", "every test cell deleted", _delete_tests),
        ("colab", "saved by Colab: no cell ids, its own metadata", _as_colab),
        ("nbformat-4.0", "an old notebook format", _as_oldest),
        ("duplicate-cell", "a solution cell copied, the copy emptied", _duplicate),
        ("stale-outputs", "cells run out of order, outputs of long ago", _stale_outputs),
    ]
    for kind, title, change in changes:
        work = exercise.hand_in(cells, signature())
        change(work)
        yield SampleSubmission(f"odd:{kind}", title, work.files(), expected)
    if len(exercise.released) == 1:
        (content,) = exercise.hand_in(cells, signature()).files().values()
        yield SampleSubmission(
            "odd:renamed", "renamed, as Colab's copies are", {"課題 のコピー.ipynb": content}, expected
        )


def _unreadable(exercise: Exercise, signature: Callable[[], str]) -> Iterator[SampleSubmission]:
    rejected = Expected(Status.REJECTED)
    name = sorted(exercise.released)[0]

    def good() -> dict[str, bytes]:
        return exercise.hand_in(exercise.answers(), signature()).files()

    def with_first(content: bytes) -> dict[str, bytes]:
        return {**good(), f"{name}.ipynb": content}

    whole = good()[f"{name}.ipynb"]
    yield SampleSubmission(
        "broken:truncated", "an upload that broke off", with_first(whole[: len(whole) // 2]), rejected
    )
    yield SampleSubmission("broken:empty", "an empty file", with_first(b""), rejected)
    page = b"<!DOCTYPE html>\n<html><title>Sign in</title></html>\n"
    yield SampleSubmission("broken:not-json", "a sign-in page saved as a notebook", with_first(page), rejected)
    memo = {"memo.txt": "先生へ: あとで出します。\n".encode()}
    yield SampleSubmission("broken:no-notebook", "a folder without a notebook", memo, rejected)


def _spoilt(
    exercise: Exercise, signature: str, question: str, kind: str, title: str, change: Callable[[str], str]
) -> SampleSubmission:
    cells = exercise.answers()
    for key, _ in exercise.solution_cells(question):
        cells[key] = change(cells[key])
    expected = exercise.expect(cells, {**exercise.full_marks(), question: 0.0})
    work = exercise.hand_in(cells, signature)
    return SampleSubmission(f"broken:{kind}", f"{title} ({question})", work.files(), expected)


def in_front(text: str, lines: str) -> str:
    """Put lines before a cell's text."""
    return f"{lines}\n{text}"


def in_every_call(text: str, body: str) -> str:
    """Give every function of a cell another body; a cell without functions, or that does not parse, gets it in front.

    >>> print(in_every_call("def f(x):\\n    return x", "return 1"))
    def f(x):
        return 1
    """
    statements = body.replace("return ", "result = ")
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return in_front(text, statements)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for function in functions:
        function.body = ast.parse(f"def f():\n{_indented(body)}").body[0].body  # type: ignore[attr-defined]
    return ast.unparse(tree) if functions else in_front(text, statements)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" if line else line for line in text.splitlines())


def _add_cells(work: Work) -> None:
    for document in work.notebooks.values():
        cells = document["cells"]
        for number, place in enumerate((len(cells), len(cells) // 2, 1)):
            cell: dict[str, Any] = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
            source = [
                "# 確かめ / a check of my own\n",
                f"my_own_number_{number} = {number}\n",
                f"my_own_number_{number}",
            ]
            cells.insert(place, {**cell, "id": f"my-own-{number}", "source": source})


def _delete_tests(work: Work) -> None:
    for document in work.notebooks.values():
        document["cells"] = [cell for cell in document["cells"] if not is_test(cell)]


def _as_colab(work: Work) -> None:
    for document in work.notebooks.values():
        document["nbformat_minor"] = 0
        document["metadata"] = {
            "colab": {"name": "課題 のコピー", "provenance": [], "toc_visible": True},
            "kernelspec": {"display_name": "Python 3", "name": "python3"},
            "language_info": {"name": "python"},
        }
        for number, cell in enumerate(document["cells"]):
            cell.pop("id", None)
            cell["metadata"] = {
                **cell["metadata"],
                "id": f"Zx{number:02d}kPq",
                "colab": {"base_uri": "https://localhost/"},
            }


def _as_oldest(work: Work) -> None:
    for document in work.notebooks.values():
        document["nbformat_minor"] = 0
        for cell in document["cells"]:
            cell.pop("id", None)


def _duplicate(work: Work) -> None:
    for document in work.notebooks.values():
        cells = document["cells"]
        place = next((index for index, cell in enumerate(cells) if is_solution(cell)), None)
        if place is not None:
            twin = json.loads(dump(cells[place]))
            twin.pop("id", None)
            cells.insert(place + 1, {**twin, "source": [], **({"id": "the-copy"} if "id" in cells[place] else {})})


def _stale_outputs(work: Work) -> None:
    for document in work.notebooks.values():
        code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
        for number, cell in enumerate(code):
            cell["execution_count"] = len(code) - number
            cell["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["すべて合格 / all tests passed\n"]}]
