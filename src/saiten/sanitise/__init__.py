"""What a student can write and a person will see, made harmless: marked notebooks, and lines on a terminal.

In: a notebook (nbformat 4, as plain dicts and lists), or a string. Out: a clean copy, and remarks on what was left out.
Nothing here runs, opens or fetches anything; pictures, tables, prose, code and formulas survive.
"""

from saiten.sanitise.notebook import VERSION, Cleaned, Instructor, clean_notebook
from saiten.sanitise.text import for_json, for_terminal, is_formula

__all__ = ["VERSION", "Cleaned", "Instructor", "clean_notebook", "for_json", "for_terminal", "is_formula"]
