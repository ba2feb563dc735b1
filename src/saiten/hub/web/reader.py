"""Who reads: a person, or a program with a token, as JupyterHub describes it.

In: the model that JupyterHub returns for a token. Out: a frozen `Reader` that says what may be seen and done. Rights
are the hub's: two scopes of its own for staff, and a name for everybody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from saiten.hub.model import HandIn, JobKind

ASSIST = "custom:saiten:assist"
"""Scope of everybody who marks: sees all, has things marked."""
INSTRUCT = "custom:saiten:instruct"
"""Scope of who answers for the course: builds, checks and releases as well."""

_INSTRUCTORS_ONLY = frozenset({JobKind.BUILD, JobKind.CHECK, JobKind.RELEASE})


class Right(IntEnum):
    """How much somebody may; each holds what stands before it."""

    OWN = 0
    """one's own hand-ins"""
    ASSIST = 1
    INSTRUCT = 2


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks for a page."""

    name: str
    person: bool
    """a user of the hub; a service has no hand-ins of its own, whatever its name"""
    right: Right

    @property
    def staff(self) -> bool:
        """Whether everybody's hand-ins may be seen."""
        return self.right >= Right.ASSIST

    def is_student(self, name: str) -> bool:
        """Whether this is the student of that name."""
        return self.person and self.name == name

    def may_read(self, hand_in: HandIn) -> bool:
        """Whether a hand-in is one's own, or one is staff."""
        return self.staff or self.is_student(hand_in.student)

    def may_have_done(self, kind: JobKind) -> bool:
        """Whether such a job may be started, and stopped."""
        return self.right >= (Right.INSTRUCT if kind in _INSTRUCTORS_ONLY else Right.ASSIST)


def reader_of(model: Mapping[str, Any]) -> Reader:
    """Read the hub's model of a user or service.

    Only a scope exactly as it is named counts: one that is narrowed by a filter, or that merely begins so, does not.
    """
    scopes = set(model.get("scopes") or ())
    right = Right.INSTRUCT if INSTRUCT in scopes else Right.ASSIST if ASSIST in scopes else Right.OWN
    return Reader(str(model["name"]), model.get("kind") == "user", right)
