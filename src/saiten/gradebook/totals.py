"""How many points an assignment has, as the gradebook knows it.

In: a connection. Out: points by the assignment's id in the database.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, func, select

from saiten.gradebook.tables import BASE_CELL, GRADE_CELL, NOTEBOOK, TASK_CELL


def max_scores(connection: Connection) -> Mapping[str, float]:
    """Return the points of every assignment, tasks among them, by its id; 0 for one without."""
    most: defaultdict[str, float] = defaultdict(float)
    for kind in (GRADE_CELL, TASK_CELL):
        cells = (
            select(NOTEBOOK.c.assignment_id, func.sum(kind.c.max_score).label("most"))
            .join(BASE_CELL, BASE_CELL.c.id == kind.c.id)
            .join(NOTEBOOK, NOTEBOOK.c.id == BASE_CELL.c.notebook_id)
            .group_by(NOTEBOOK.c.assignment_id)
        )
        for row in connection.execute(cells):
            most[row.assignment_id] += row.most or 0.0
    return most
