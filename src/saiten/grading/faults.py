"""Exceptions on the judge's side: the student's, rebuilt from text, and those of the conversation itself.

In: class names and text that a student process sent. Out: an exception of the first of those classes that exists here.
"""

from __future__ import annotations

import builtins
import sys


class StudentGone(BaseException):
    """The student's process gave no usable answer: it died, hung or sent forged bytes. Not an `Exception`: a test's
    own `except Exception` must not turn it into something else."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class StudentError(Exception):
    """An exception of a class that the student defined; built-in and library ones arrive under their own class."""


class Explained(Exception):
    """An exception whose text is the judge's own and gives nothing away: it is shown even from a hidden test."""


class StudentTimeout(Explained, TimeoutError):
    """The student's code did not finish in time."""


class WrongKind(Explained, TypeError):
    """The student's answer is an object where the test needs plain data."""


class ArgumentChanged(Explained, ValueError):
    """The student's function changed its argument in a way that a test cannot follow, or must not."""


class CannotSend(TypeError):
    """A test tried to send something that must stay with the judge; the author's to mend."""


def make_exception(kinds: list[str], text: str) -> BaseException:
    """An exception of the first class in the list that exists here; classes of the student's keep their name."""
    known: type[BaseException] | None = None
    for kind in kinds:
        module, _, name = kind.rpartition(".")
        namespace = builtins if module == "builtins" else sys.modules.get(module)
        found = vars(namespace).get(name) if namespace is not None else None
        own = module.partition(".")[0] in ("__main__", "saiten")  # ours say things that the judge alone may say
        if not own and isinstance(found, type) and issubclass(found, BaseException):
            known = found
            break
    first = kinds[0].rpartition(".")[2] if kinds else "StudentError"
    if known is None or not issubclass(known, Exception):
        known = Exception if known is not SystemExit else SystemExit
    if issubclass(known, StopIteration | StopAsyncIteration):
        known = RuntimeError  # else `all(map(check, cases))` ends early and holds
    if kinds and known.__name__ == first:
        try:
            error: BaseException = known(text)
            error.__dict__  # noqa: B018  (some C exceptions take no attributes; then a StudentError stands for them)
            return error
        except Exception:
            known = Exception
    try:
        kind_made = type(first if first.isidentifier() else "StudentError", (StudentError, known), {})
        made: BaseException = kind_made(text)
        return made
    except Exception:
        return StudentError(text)


def plain_exception(error: Exception) -> Exception:
    """An exception that travels to the student without the judge's frames, values or classes."""
    kind = type(error) if type(error).__module__ in ("builtins", "numpy") else RuntimeError
    try:
        return kind(str(error))
    except Exception:
        return RuntimeError(str(error))
