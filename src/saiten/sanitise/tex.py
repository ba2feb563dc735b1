r"""Formulas: what TeX in a page may do beyond showing mathematics, in MathJax as nbconvert and JupyterLab load it.

In: text with or without formulas. Out: the same with a space in each command that links, styles, loads, defines or
moves things about: `\href` becomes `\ href`, which shows as its letters. Nothing is parsed: what is a formula to one
program is text to another.
"""

from __future__ import annotations

import re

_MACROS = (
    # links, styles, identifiers, pictures, hints, options: the page beyond the formula
    *("href", "url", "unicode", "style", "class", "cssId", "data", "html[A-Za-z]*", "includegraphics", "texttip"),
    *("tooltip", "mathtip", "toggle", "mmlToken", "bbox", "require", "setOptions", "char", "special"),
    # definitions: a dozen of them can ask for more symbols than there is memory
    *("[egx]?def", "let", "futurelet", "(?:re)?newcommand", "providecommand", "(?:re)?newenvironment", "csname"),
    *("DeclareMathOperator", "DeclarePairedDelimiters?[A-Z]*", "Newextarrow", "newcolumntype", "mathchoice"),
    # bars and shifts of any length: they cover the page
    *("rule", "Rule", "Space", "raise", "lower", "raisebox", "move(?:left|right)", "m?kern", "m?skip", "hskip"),
    *("above", "abovewithdelims", "genfrac"),
)
_MACRO = re.compile(rf"\\(?=(?:{'|'.join(_MACROS)})(?![A-Za-z@]))")
_LENGTH = r"\s*[0-9]{0,2}(?:\.[0-9]{0,3})?\s*(?:em|ex|pt|px|cm|mm|mu|in|pc)\s*"
_SPACE = re.compile(rf"\\(?=(?:hspace|mspace)(?![A-Za-z@])(?!\*?\s*\{{{_LENGTH}\}}))")
_ROW = re.compile(r"\\\\(\s{0,9}\[\s{0,9})(?=(?:-|[0-9]{3})[0-9. ]{0,20}(?:em|ex|pt|px|cm|mm|mu|in|pc))")
_OPENING = re.compile(r"\\begin(?=\{)|\\\\(?=[\[(])")
_MOST_OPENINGS = 300
"""Formulas of one cell that begin with a bracket or an environment: each that never ends costs nbconvert a search."""


def disarm(text: str) -> str:
    r"""Put a space into each command that may not be obeyed, and braces before a row's shift (`\\[-9em]`)."""
    if "\\" not in text:
        return text
    text = _MACRO.sub(r"\\ ", text)
    text = _SPACE.sub(r"\\ ", text)
    text = _ROW.sub(r"\\\\{}\1", text)
    if sum(1 for _ in _OPENING.finditer(text)) > _MOST_OPENINGS:
        text = _OPENING.sub(lambda found: found[0].replace("\\", "\\ "), text)
    return text
