"""The same files by `nbgrader export`: plugins for its `--exporter`.

In: nbgrader's gradebook, open. Out: a file, `--to FILE` or `grades-<format>.csv`. Options are nbgrader's own; a policy
file, and a list of people, are for `saiten export`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbgrader.plugins import ExportPlugin

from saiten.export.formats import export_table
from saiten.export.roll import read_roll


class _Plugin(ExportPlugin):  # type: ignore[misc]  # nbgrader has no types
    kind = "plain"

    def export(self, gradebook: Any) -> None:
        """Write the file; what is handed in and has no row in the gradebook cannot be seen from here."""
        chosen = [str(name) for name in self.assignment]
        roll = read_roll(gradebook.db.connection(), (), chosen)
        if self.student:
            people = {str(name) for name in self.student}
            roll = type(roll)(tuple(each for each in roll.people if each.id in people), roll.columns, roll.marks)
        made = export_table(self.kind, roll, {})
        target = Path(self.to or f"grades-{self.kind}.csv")
        target.write_bytes(made.text.encode("utf-8", "replace"))
        self.log.info("Exported the marks of %d students to %s", made.students, target)
        for student, name, state in roll.unknown():
            self.log.warning("%s of %s: no mark (%s), left empty", name, student, state)


class PlainExport(_Plugin):
    """`nbgrader export --exporter=saiten.export.plugin.PlainExport`: for spreadsheets."""


class CanvasExport(_Plugin):
    """`nbgrader export --exporter=saiten.export.plugin.CanvasExport`: for Canvas's gradebook."""

    kind = "canvas"


class MoodleExport(_Plugin):
    """`nbgrader export --exporter=saiten.export.plugin.MoodleExport`: for Moodle's grades."""

    kind = "moodle"
