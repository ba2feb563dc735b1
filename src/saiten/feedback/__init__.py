"""Feedback: what a student reads about a marked submission, one self-contained HTML file for each notebook.

In: ledger and gradebook of one assignment. Out: files under nbgrader's feedback folders, which its own tools release.
"""

from saiten.feedback.gather import Gatherer, Hints
from saiten.feedback.marks import Marks, read_marks
from saiten.feedback.model import Page
from saiten.feedback.page import render
from saiten.feedback.write import FeedbackReport, write_feedback

__all__ = ["FeedbackReport", "Gatherer", "Hints", "Marks", "Page", "read_marks", "render", "write_feedback"]
