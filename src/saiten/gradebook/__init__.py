"""The gradebook: nbgrader's database and `autograded/`, written from results.

In: a bundle, results, the course's nbgrader configuration. Out: rows in nbgrader's own schema and marked notebooks, so
that formgrader, `nbgrader generate_feedback` and `nbgrader export` go on working. Writing twice changes nothing.
"""

from saiten.gradebook.assignment import save_assignment
from saiten.gradebook.autograded import MarkedFolder, marked_folder, remove_folder, write_folder
from saiten.gradebook.coordinators import Waiting, my_turn
from saiten.gradebook.database import open_database
from saiten.gradebook.dates import Moved, apply_dates, refresh_dates
from saiten.gradebook.files import write_pages
from saiten.gradebook.grades import WITH_SCORE, Entry, Outcome, refused_students, write_gradebook
from saiten.gradebook.late import LatePolicy
from saiten.gradebook.moment import parse_moment
from saiten.gradebook.practice import Practice
from saiten.gradebook.totals import max_scores

__all__ = [
    "WITH_SCORE",
    "Entry",
    "LatePolicy",
    "MarkedFolder",
    "Moved",
    "Outcome",
    "Practice",
    "Waiting",
    "apply_dates",
    "marked_folder",
    "max_scores",
    "my_turn",
    "open_database",
    "parse_moment",
    "refresh_dates",
    "refused_students",
    "remove_folder",
    "save_assignment",
    "write_folder",
    "write_gradebook",
    "write_pages",
]
