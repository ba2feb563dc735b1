"""Marks for other systems: CSV for Canvas, Moodle and spreadsheets, and a final grade by a policy file.

In: the gradebook, a policy, another system's own list of people. Out: text of a file. Nothing is marked or changed,
and what is not marked is left empty, never a zero.
"""

from saiten.export.formats import FORMATS, Export, Roster, export_table, read_roster
from saiten.export.policy import Final, Policy, read_policy
from saiten.export.roll import Mark, Person, Roll, State, read_roll

__all__ = [
    "FORMATS",
    "Export",
    "Final",
    "Mark",
    "Person",
    "Policy",
    "Roll",
    "Roster",
    "State",
    "export_table",
    "read_policy",
    "read_roll",
    "read_roster",
]
