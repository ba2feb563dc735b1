"""What a student can write and a person will see, made harmless: marked notebooks, and lines on a terminal.

In: a notebook (nbformat 4, as plain dicts and lists), or a string. Out: a clean copy, and remarks on what was left out.
Nothing here runs, opens or fetches anything; pictures, tables, prose, code and formulas survive.
"""

from saiten.sanitise.attachments import Attachments, clean_attachments, decoded, left_out_words, with_references
from saiten.sanitise.budget import Budget
from saiten.sanitise.notebook import VERSION, Cleaned, Instructor, clean_notebook
from saiten.sanitise.text import for_json, for_terminal, is_formula

__all__ = [
    "VERSION",
    "Attachments",
    "Budget",
    "Cleaned",
    "Instructor",
    "clean_attachments",
    "clean_notebook",
    "decoded",
    "for_json",
    "for_terminal",
    "is_formula",
    "left_out_words",
    "with_references",
]
