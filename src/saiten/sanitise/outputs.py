"""Outputs of cells: text, tables, formulas and pictures stay; what would run in the page of whoever looks is left out.

In: one output (nbformat 4). Out: a clean one, or None; what was left out is told to a function.
Of the many forms in which a thing is put out, those that can be cleaned stay; text is nearly always among them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from saiten.sanitise import tex
from saiten.sanitise.budget import Budget
from saiten.sanitise.html import clean_html, is_active, shows_something
from saiten.sanitise.markdown import clean_markdown
from saiten.sanitise.pictures import picture_size
from saiten.sanitise.text import for_output, for_page

Note = Callable[[str], None]
"""is told, in words, what was left out"""

_PICTURES = ("image/gif", "image/jpeg", "image/png")
_TELLS_NOTHING = re.compile(r"<[\w.]+ (?:object|at 0x)[^\n]*>")
"""what `repr` says of things that only show as HTML"""
_LONGEST_SIDE = 4096
_BACKGROUNDS = ("dark", "light")
_KIND = re.compile(r"[a-z]+/[\w.+-]{1,60}")


def clean_output(output: Any, budget: Budget, note: Note) -> dict[str, Any] | None:
    """Clean one output.

    Args:
        output: anything.
        budget: of the notebook.
        note: told what was left out.

    Returns:
        an output that nbformat takes; None if it was none.
    """
    if not isinstance(output, Mapping):
        return None
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return {"output_type": "stream", "name": name, "text": for_output(_joined(output.get("text")))}
    if kind == "error":
        lines = output.get("traceback")
        lines = lines if isinstance(lines, list) else []
        return {
            "output_type": "error",
            "ename": for_page(_joined(output.get("ename"))),
            "evalue": for_page(_joined(output.get("evalue"))),
            "traceback": [for_output(each) for each in lines if isinstance(each, str)],
        }
    if kind not in ("display_data", "execute_result"):
        return None
    raw = output.get("data")
    data = _clean_data(raw if isinstance(raw, Mapping) else {}, budget, note)
    clean: dict[str, Any] = {"output_type": kind, "data": data, "metadata": _sizes(output.get("metadata"), data)}
    if kind == "execute_result":
        count = output.get("execution_count")
        clean["execution_count"] = count if type(count) is int and 0 <= count < 1 << 31 else None
    return clean


def _clean_data(raw: Mapping[Any, Any], budget: Budget, note: Note) -> dict[str, str]:
    data: dict[str, str] = {}
    lost: list[str] = []
    plain = _joined(raw.get("text/plain"))
    for kind, content in raw.items():
        written = _joined(content)
        clean = _form(str(kind), written, plain, budget, note)
        if clean is not None:
            data[kind] = clean
        else:
            lost.append(str(kind) if _KIND.fullmatch(str(kind)) else "an unknown kind of output")
    for kind in sorted(set(lost)):
        note(f"left out: {kind}")
    if lost and not data:
        data["text/plain"] = f"[left out: {', '.join(sorted(set(lost)))}]"
    return data


def _form(kind: str, content: str, plain: str, budget: Budget, note: Note) -> str | None:
    """Return one form of an output, cleaned; None if it cannot be kept."""
    if kind == "text/plain":
        return for_output(content)
    if kind == "text/html":
        return _html(content, plain, budget, note)
    if kind == "text/latex":
        return tex.disarm(for_page(content))
    if kind == "text/markdown":
        prose = clean_markdown(content, budget)
        for words in prose.remarks:
            note(f"taken out of action: {words}")
        return prose.source
    if kind in _PICTURES:
        size = picture_size(kind, content)
        return content if size is not None and budget.take_picture(size) else None
    return None


def _html(content: str, plain: str, budget: Budget, note: Note) -> str | None:
    """Keep what HTML shows; where it leaned on scripts and there is text that says the same, the text alone stays."""
    active = is_active(content)
    says_it = plain != "" and _TELLS_NOTHING.fullmatch(plain) is None
    if active and says_it:
        return None
    clean = clean_html(content, budget)
    if clean is None or not shows_something(clean):
        return None
    if active:
        note("taken out of action: parts of HTML that act")
    return clean


def _sizes(raw: Any, data: Mapping[str, str]) -> dict[str, Any]:
    """Width, height and background of pictures; nbconvert writes them into the page without quotation marks."""
    kept: dict[str, Any] = {}
    for kind in _PICTURES:
        wanted = raw.get(kind) if isinstance(raw, Mapping) and kind in data else None
        if not isinstance(wanted, Mapping):
            continue
        sizes: dict[str, Any] = {
            name: wanted[name]
            for name in ("height", "width")
            if type(wanted.get(name)) is int and 0 < wanted[name] <= _LONGEST_SIDE
        }
        if wanted.get("needs_background") in _BACKGROUNDS:
            sizes["needs_background"] = wanted["needs_background"]
        if sizes:
            kept[kind] = sizes
    return kept


def _joined(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
