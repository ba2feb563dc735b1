"""nbgrader's own tables, by the names that queries here use.

In: nbgrader's models. Out: SQLAlchemy tables.
"""

from __future__ import annotations

from nbgrader import api
from sqlalchemy.sql.schema import Table

COURSE: Table = api.Course.__table__
ASSIGNMENT: Table = api.Assignment.__table__
NOTEBOOK: Table = api.Notebook.__table__
BASE_CELL: Table = api.BaseCell.__table__
GRADE_CELL: Table = api.GradeCell.__table__
SOLUTION_CELL: Table = api.SolutionCell.__table__
TASK_CELL: Table = api.TaskCell.__table__
SOURCE_CELL: Table = api.SourceCell.__table__
STUDENT: Table = api.Student.__table__
SUBMITTED: Table = api.SubmittedAssignment.__table__
SUBMITTED_NOTEBOOK: Table = api.SubmittedNotebook.__table__
GRADE: Table = api.Grade.__table__
COMMENT: Table = api.Comment.__table__
