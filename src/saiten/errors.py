"""The errors of Saiten, in one tree, so that a caller can be as precise as it wants.

In: nothing. Out: exception classes. There are two kinds only: yours to mend and ours to mend.

    SaitenError
    ├── UserError            yours: one sentence and the next step; no traceback; exit code 2
    │   ├── CourseError      no such course or assignment, a configuration that cannot be read
    │   ├── SourceError      an instructor's notebook that cannot be built (ids, points, syntax, delimiters)
    │   ├── SubmissionError  a submission that cannot be read; it becomes a `rejected` result, never an abort
    │   ├── SandboxError     this machine cannot enforce the floor that marking needs
    │   ├── GradebookError   the gradebook cannot be opened, or contradicts the assignment
    │   ├── HubError         a service or a trial hub that cannot be started as it was asked to
    │   └── ClusterError     a Dask cluster that cannot be reached, or whose workers cannot mark
    └── EngineError          ours: a traceback and where to report; exit code 3; becomes `infra_error` in a result
"""

from __future__ import annotations


class SaitenError(Exception):
    """Base of everything that Saiten raises on purpose."""


class UserError(SaitenError):
    """Something the person at the keyboard can mend.

    Args:
        message: one sentence that says what is wrong, naming the file, cell or option.
        next_step: one sentence that says what to do about it; may be empty.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.message} {self.next_step}".strip()

    def __reduce__(self) -> tuple[type[UserError], tuple[str, str]]:
        return type(self), (self.message, self.next_step)


class CourseError(UserError):
    """No such course or assignment, or a configuration that cannot be read."""


class SourceError(UserError):
    """An instructor's notebook that cannot be built; names the notebook and the cell."""


class SubmissionError(UserError):
    """A submission that cannot be read; it becomes a `rejected` result."""


class SandboxError(UserError):
    """This machine cannot enforce what marking needs; `saiten doctor` shows what is missing."""


class GradebookError(UserError):
    """The gradebook cannot be opened or contradicts the assignment."""


class HubError(UserError):
    """A service or a trial hub cannot be started as it was asked to."""


class ClusterError(UserError):
    """A Dask cluster cannot be reached, or its workers cannot mark."""


class EngineError(SaitenError):
    """A fault of Saiten's own; a result that meets one is an `infra_error`, never a zero."""
