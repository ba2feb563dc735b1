# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Submissions that are aimed at whoever looks at the result: scripts, styles, terminals, tables. Named.

formgrader shows marked notebooks in the instructor's own origin; whatever runs there acts for the instructor.
`live_markup` finds what would run or reach out in the bytes that a browser is given.
"""

from __future__ import annotations

import json
import re
from typing import Any

from attack_target import Attack

SCRIPT = "<script>document.title = 'kappa'</script>"
SHOW = "from IPython.display import display, HTML, Markdown, SVG, Javascript, Latex\n"


def _shows(name: str, tries: str, code: str) -> Attack:
    return Attack(name, tries, after=SHOW + code)


def _says(name: str, tries: str, text: str) -> Attack:
    """The same in a cell of prose."""
    return Attack(name, tries, prose=text)


ALL = (
    _shows("a script in an output", "code in the instructor's browser", f"display(HTML({SCRIPT!r}))"),
    _shows(
        "a script made of attributes",
        "onerror, onload, onmouseover, srcdoc",
        'display(HTML(\'<img src=x onerror="document.title = 1"><svg onload="document.title = 1"></svg><p onmouseover="alert(1)">x</p>\'))',
    ),
    _shows("a script in a traceback", "an error's text, shown as HTML", f"raise ValueError({SCRIPT!r})"),
    _shows("a script printed", "plain text that becomes HTML with its colours", f"print('\\x1b[31m' + {SCRIPT!r})"),
    _shows(
        "a picture that is a program",
        "SVG holds scripts",
        'display(SVG(\'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><g onload="alert(1)"/></svg>\'))',
    ),
    _shows("JavaScript as an output", "a type of output that runs", "display(Javascript('document.title = 1'))"),
    _shows(
        "another page inside",
        "a frame of the attacker's",
        'display(HTML(\'<iframe src="https://example.org"></iframe><object data="x"></object><embed src="x">\'))',
    ),
    _shows(
        "a style that covers the page",
        "a notice of full marks over everything",
        "display(HTML('<style>body {display: none}</style><div style=\"position: fixed; inset: 0; z-index: 9\">100</div>'))",
    ),
    _shows(
        "a form over the page",
        "a button of the page's sends what the attacker wants",
        'display(HTML(\'<form action="https://example.org"><input name="score" value="100"><button>Save</button></form><base href="https://example.org"><meta http-equiv="refresh" content="0; url=https://example.org">\'))',
    ),
    _shows(
        "addresses that run",
        "javascript: and data: in links",
        'display(HTML(\'<a href="javascript:alert(1)">a</a><a href="data:text/html,<script>alert(1)</script>">b</a><a href=" java\\tscript:alert(1)">c</a>\'))',
    ),
    _shows(
        "macros of MathJax",
        "\\\\href and \\\\style in a formula",
        "display(Latex(r'$\\href{javascript:alert(1)}{x} \\style{position:fixed}{y} \\class{covers}{z}$'))",
    ),
    _shows(
        "the state of widgets",
        "HTML inside a model",
        "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'a'}, 'text/html': '<script>alert(1)</script>'}, raw=True)",
    ),
    _shows(
        "markdown from code",
        "a cell's output as markdown",
        "display(Markdown('[x](javascript:alert(1)) <img src=x onerror=alert(1)>'))",
    ),
    _says("a script in prose", "markdown holds HTML", f"# Answer\n{SCRIPT}\n<img src=x onerror=alert(1)>"),
    _says(
        "links that run in prose",
        "javascript: in all of markdown's spellings",
        "[a](javascript:alert(1)) [b]: javascript:alert(1)\n<javascript:alert(1)> ![c](javascript:alert(1)) [d](&#106;avascript:alert(1))",
    ),
    _says(
        "a frame in prose",
        "a page inside the page",
        "<iframe srcdoc='<script>alert(1)</script>'></iframe><style>body {display: none}</style>",
    ),
    Attack(
        "widget state in the metadata",
        "formgrader's page renders it",
        metadata={
            "widgets": {
                "application/vnd.jupyter.widget-state+json": {
                    "state": {"a": {"model_name": "HTMLModel", "state": {"value": SCRIPT}}}
                }
            }
        },
    ),
    Attack(
        "somebody else's id in the metadata",
        "the result of another student",
        answers={"double": "def double(x):\n    return 0"},
        metadata={
            "student": "student-007",
            "student_id": "student-007",
            "nbgrader": {"student": "student-007"},
            "saiten": {"student": "student-007", "score": 10},
        },
        real=False,
    ),
)

_LIVE = re.compile(
    r"<(?:script|iframe|object|embed|style|form|base|meta|link|svg)\b|<[a-z][^<>]*\son[a-z]+\s*=|<[a-z][^<>]*(?:href|src|srcdoc|action)\s*=\s*[\"']?\s*(?:java\s*script|vbscript)\s*:"
    r"|(?:\]\(|\]:\s*)\s*javascript:|<javascript:|<[a-z][^<>]*position\s*:\s*fixed|\\href\{javascript|\\style\{",
    re.IGNORECASE,
)


def live_markup(document: bytes) -> list[str]:
    """What would run or cover the page in a notebook that a browser is given: pieces of it.

    Prose, HTML, SVG and formulas are looked at; text that a page shows as text (streams, tracebacks) is not HTML.
    """
    found: list[str] = []
    for cell in json.loads(document)["cells"]:
        texts = [_text(cell.get("source", ""))] if cell.get("cell_type") in ("markdown", "raw") else []
        for output in cell.get("outputs", []):
            data: dict[str, Any] = output.get("data", {})
            texts += [
                _text(value)
                for kind, value in data.items()
                if kind in ("text/html", "text/markdown", "text/latex", "image/svg+xml")
            ]
            found += [
                kind for kind in data if kind in ("application/javascript", "application/vnd.jupyter.widget-view+json")
            ]
        found += [match[0] for text in texts for match in _LIVE.finditer(text)]
    found += ["widgets"] if "widgets" in json.loads(document).get("metadata", {}) else []
    return found


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)
