"""Notebooks that are damaged in every way: bytes, JSON, cells, metadata, versions, text.

In: the bytes of a real submission, random numbers. Out: other bytes, and what was done to them. The same seed gives the
same damage.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

Notebook = dict[str, Any]
_HUGE = 300_000
"""Characters of a huge text; bytes and nodes of other huge things."""


def _deep(levels: int) -> Any:
    node: Any = 1
    for level in range(levels):
        node = [node] if level % 2 else {"a": node}
    return node


ODD: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 10**40,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: "",
    lambda: "4",
    lambda: "\ud800\udfff",
    lambda: "\0\x1b[2J\u202e",
    lambda: "x" * _HUGE,
    list,
    dict,
    lambda: [None, 1, ["x"]],
    lambda: {"a": {"b": []}},
    lambda: [0] * _HUGE,
    lambda: _deep(400),
]
"""Values that stand where others are meant to."""


# -- bytes ----------------------------------------------------------------------------------------------------------


def _flip(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 3, 30))):
        content[chance.randrange(len(content))] = chance.randrange(256)


def _cut(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    del content[start : start + chance.choice((1, 20, len(content)))]


def _double(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    content[start:start] = content[start : start + chance.choice((1, 50, 5000))]


def _insert(content: bytearray, chance: random.Random) -> None:
    odd = (b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"[" * 9999, b'"', b"1e999")
    start = chance.choice((0, len(content), chance.randrange(len(content))))
    content[start:start] = chance.choice(odd)


def _recode(content: bytearray, chance: random.Random) -> None:
    content[:] = content.decode("utf-8", "replace").encode(
        chance.choice(("utf-16", "utf-32", "shift-jis", "cp500")), "replace"
    )


# -- JSON -----------------------------------------------------------------------------------------------------------


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with each of its keys."""
    items: Any = (
        list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else ()
    )
    for key, value in items:
        yield node, key
        yield from _places(value)


def _replace(notebook: Notebook, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 5))):
        container, key = chance.choice(list(_places(notebook)))
        container[key] = chance.choice(ODD)()


def _drop(notebook: Notebook, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 3))):
        container, key = chance.choice(list(_places(notebook)))
        del container[key]


def _rename(notebook: Notebook, chance: random.Random) -> None:
    places = [(each, key) for each, key in _places(notebook) if isinstance(each, dict)]
    container, key = chance.choice(places)
    container[chance.choice(("", "__class__", "\ud800", "source", "metadata", "x" * 5000))] = container.pop(key)


def _version(notebook: Notebook, chance: random.Random) -> None:
    notebook["nbformat"] = chance.choice((0, 1, 2, 3, 5, 99, -4, "4", 4.0, None, [4], True, 10**30))
    notebook["nbformat_minor"] = chance.choice((0, 5, 99, -1, "5", None, 1e308))
    if chance.random() < 0.5:
        notebook["worksheets"] = [{"cells": notebook["cells"]}]


def _notebook_metadata(notebook: Notebook, chance: random.Random) -> None:
    notebook["metadata"] = chance.choice(ODD)()


# -- cells ----------------------------------------------------------------------------------------------------------


def _repeat(notebook: Notebook, chance: random.Random) -> None:
    cells = notebook["cells"]
    cell = chance.choice(cells)
    cells[chance.randrange(len(cells)) : 0] = [cell] * chance.choice((1, 3, 300))


def _remove(notebook: Notebook, chance: random.Random) -> None:
    for _ in range(chance.randrange(1, len(notebook["cells"]) + 1)):
        notebook["cells"].pop(chance.randrange(len(notebook["cells"])))


def _shuffle(notebook: Notebook, chance: random.Random) -> None:
    chance.shuffle(notebook["cells"])


def _retype(notebook: Notebook, chance: random.Random) -> None:
    for cell in chance.sample(notebook["cells"], 3):
        cell["cell_type"] = chance.choice(("code", "markdown", "raw", "heading", "", 7, None, ["code"]))


def _nest(notebook: Notebook, chance: random.Random) -> None:
    cells = notebook["cells"]
    place = chance.randrange(len(cells))
    cells[place] = chance.choice(([cells[place]], {"cells": cells[place:]}, {"cell": cells[place]}, json.dumps(cells)))


def _marks(notebook: Notebook, chance: random.Random) -> None:
    for cell in chance.sample(notebook["cells"], 3):
        marks = cell["metadata"].get("nbgrader", {})
        if marks and chance.random() < 0.7:
            key = chance.choice(sorted(marks))
            marks[key] = chance.choice((*(odd() for odd in ODD), not marks[key], "middle", "smooth-test", 1000))
        else:
            cell["metadata"] = chance.choice(ODD)()


def _sources(notebook: Notebook, chance: random.Random) -> None:
    for cell in chance.sample(notebook["cells"], 3):
        lines = str(cell["source"]).splitlines(keepends=True)
        cell["source"] = chance.choice((lines, [lines], {"text": lines}, [*lines, None, 3], *(odd() for odd in ODD)))


def _identities(notebook: Notebook, chance: random.Random) -> None:
    for cell in notebook["cells"]:
        cell["id"] = chance.choice(("same", "", "../../x", 7, None, "x" * 5000, "<script>"))


def _outputs(notebook: Notebook, chance: random.Random) -> None:
    output = {"output_type": "display_data", "data": {"text/html": "<script>1</script>", "image/png": 7}, "metadata": 3}
    for cell in notebook["cells"]:
        cell["outputs"] = chance.choice(([output] * 50, *(odd() for odd in ODD)))
        cell["attachments"] = {"a.png": {"image/png": chance.choice(("x" * 5000, 7, None))}}


def _typing(notebook: Notebook, chance: random.Random) -> None:
    """Mistype the text of a cell: characters lost, doubled, strange, lines moved."""
    strange = "\t(){}[]:=%!?'\"\\\n #@\x0c\u3000\u202eé\ud800\0"
    cell = chance.choice(notebook["cells"])
    text = list(str(cell["source"]) or " ")
    for _ in range(chance.choice((1, 4, 20))):
        place = chance.randrange(len(text))
        text[place : place + chance.choice((0, 1, 1, 10))] = chance.choice(
            ("", text[place] * 2, chance.choice(strange))
        )
        text = text or [" "]
    cell["source"] = "".join(text)


BYTES = (_flip, _cut, _double, _insert, _recode)
STRUCTURE = (
    *(_replace, _drop, _rename, _version, _notebook_metadata, _repeat, _remove, _shuffle, _retype, _nest, _marks),
    *(_sources, _identities, _outputs, _typing, _typing),
)


def damaged(content: bytes, seed: int) -> tuple[bytes, str]:
    """Damage a notebook.

    Args:
        content: a notebook of nbformat 4.
        seed: what the damage depends on.

    Returns:
        its new bytes, and names of what was done.
    """
    chance = random.Random(seed)
    notebook = json.loads(content)
    done = []
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        change = chance.choice(STRUCTURE)
        try:
            change(notebook, chance)
        except (TypeError, KeyError, ValueError, IndexError, AttributeError):  # an earlier change took what it needs
            continue
        done.append(change.__name__.strip("_"))
    text = json.dumps(notebook, ensure_ascii=chance.random() < 0.5)
    raw = bytearray(text.encode("utf-8", chance.choice(("surrogatepass", "replace"))))
    if not done or chance.random() < 0.1:
        spoil = chance.choice(BYTES)
        spoil(raw, chance)
        done.append(spoil.__name__.strip("_"))
    return bytes(raw), "+".join(done)
