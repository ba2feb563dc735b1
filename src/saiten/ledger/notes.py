"""The note of which results the gradebook holds: at most one for each student and assignment.

In: the transaction that writes the gradebook, keys. Out: `in_gradebook` of the ledger's rows, by two statements.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, select, update

from saiten.ledger.table import KEY_COLUMNS, TABLE, Key, stored

_FEW = 1000
"""students for whom it is worth while to leave the rest of the class unread"""


def in_gradebook(connection: Connection, assignment: str, students: Collection[str] | None = None) -> dict[str, Key]:
    """Return, by student, the key of the result that the gradebook holds now.

    Args:
        connection: for reading.
        assignment: its name.
        students: of whom it is wanted; None: of all. Others may be among what is returned.
    """
    query = select(*(TABLE.c[name] for name in KEY_COLUMNS)).where(
        TABLE.c.assignment == stored(assignment), TABLE.c.in_gradebook
    )
    if students is not None and len(students) <= _FEW:
        query = query.where(TABLE.c.student.in_([stored(student) for student in students]))
    return {row.student: Key(*row) for row in connection.execute(query)}


def note_in_gradebook(connection: Connection, assignment: str, keys: Mapping[str, Key]) -> None:
    """Note, in the transaction that writes the gradebook, which results it holds from now on.

    Args:
        connection: the transaction that wrote the gradebook: both are there, or neither.
        assignment: name of the assignment.
        keys: by student, the key of the result that was written; other students' notes stay.
    """
    before = in_gradebook(connection, assignment, keys)
    changed = {student: key for student, key in keys.items() if before.get(stored(student)) != key.stored()}
    if not changed:
        return
    of_student = (TABLE.c.assignment == stored(assignment), TABLE.c.student == bindparam("owner"))
    connection.execute(
        update(TABLE).where(*of_student, TABLE.c.in_gradebook).values(in_gradebook=False),
        [{"owner": stored(student)} for student in changed],
    )
    connection.execute(
        update(TABLE)
        .where(*(TABLE.c[name] == bindparam(f"the_{name}") for name in KEY_COLUMNS))
        .values(in_gradebook=True),
        [{f"the_{name}": value for name, value in key.row().items()} for key in changed.values()],
    )
