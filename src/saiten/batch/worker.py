"""What happens in a worker process: one engine, kept warm, marks one submission after the other.

In: a bundle and an engine factory once, then submissions. Out: one result each.
A fault of the engine's becomes an `infra_error` with its traceback, and the next submission gets a new engine.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from saiten.bundle import Bundle
from saiten.errors import UserError
from saiten.results import Result, Status
from saiten.submission import Submission

if TYPE_CHECKING:
    from saiten.grading.again import Again

_PR_SET_PDEATHSIG = 1
_SECRET_SETTINGS = ("JUPYTERHUB_", "JPY_", "CONFIGPROXY_")
_EVIDENCE_CHARACTERS = 4000
"""of a traceback's end, kept in an `infra_error`"""


class Marker(Protocol):
    """What a worker needs of an engine: `saiten.grading.Engine`, or a stand-in for it."""

    def __enter__(self) -> Self:
        """Start what stays warm between submissions."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool | None:
        """End it, with all of its processes."""

    def mark(self, submission: Submission) -> Result:
        """Mark one submission; whatever the submission does becomes a result."""

    def mark_again(self, submission: Submission, again: Again) -> Result:
        """Mark some of its questions; the other verdicts are known."""


MarkerFactory = Callable[[Bundle, bool], Marker]
"""(bundle, unsafe) to an engine; it is sent to the workers, so it must be importable by name"""


def make_engine(bundle: Bundle, unsafe: bool) -> Marker:
    """Make the real engine."""
    from saiten.grading import Engine

    return Engine(bundle, unsafe=unsafe)


class _Post:
    """The state of this worker process."""

    def __init__(self, bundle: Bundle, factory: MarkerFactory, unsafe: bool) -> None:
        self.bundle, self.factory, self.unsafe = bundle, factory, unsafe
        self._marker: Marker | None = None

    def marker(self) -> Marker:
        if self._marker is None:
            self._marker = self.factory(self.bundle, self.unsafe).__enter__()
        return self._marker

    def discard(self) -> None:
        """End the engine, however it feels; a new one is made when it is needed."""
        marker, self._marker = self._marker, None
        if marker is not None:
            marker.__exit__(None, None, None)


_post: _Post | None = None


def start(coordinator: int, bundle: Bundle, factory: MarkerFactory, unsafe: bool, scratch: str) -> None:
    """Set up a worker process: called once in it, before the first submission.

    Args:
        coordinator: process id of the one that started this worker; it never outlives it.
        bundle: what to mark with.
        factory: makes the engine, when the first submission comes.
        unsafe: mark even where the machine cannot hold the floor of the sandbox.
        scratch: folder for temporary files; the coordinator removes it, should this worker be killed.
    """
    global _post
    _die_with(coordinator)
    # Ctrl-C reaches the whole process group; it is the coordinator's to answer. A handler, unlike SIG_IGN, is not
    # inherited by programs that the engine starts.
    signal.signal(signal.SIGINT, _leave_to_coordinator)
    # `--json` promises that nothing but results comes out of standard output
    os.dup2(sys.stderr.fileno() if _has_descriptor(sys.stderr) else 2, 1)
    tempfile.tempdir = scratch
    for name in [name for name in os.environ if name.startswith(_SECRET_SETTINGS)]:
        del os.environ[name]  # a service of JupyterHub's has its token there; no worker needs it
    _post = _Post(bundle, factory, unsafe)
    atexit.register(_post.discard)


def mark(submission: Submission, again: Again | None = None) -> Result:
    """Mark one submission in this worker.

    Args:
        submission: which.
        again: what is known of it and what is to be marked; None: all is.

    Raises:
        UserError: the engine cannot start for a reason that the user can mend; no submission can be marked then.
    """
    if _post is None:
        raise RuntimeError("this process was not set up as a worker")
    try:
        marker = _post.marker()
        return marker.mark(submission) if again is None else marker.mark_again(submission, again)
    except UserError:
        raise
    except Exception:
        evidence = traceback.format_exc()[-_EVIDENCE_CHARACTERS:]
        try:
            _post.discard()
        except Exception:
            evidence += "\nand, while the engine was ended:\n" + traceback.format_exc()[-_EVIDENCE_CHARACTERS:]
        return infra_error(_post.bundle, submission, f"the engine failed:\n{evidence}")


def warm() -> None:
    """Start the engine in this worker ahead of the first submission.

    Raises:
        UserError: it cannot start for a reason that the user can mend.
    """
    if _post is None:
        raise RuntimeError("this process was not set up as a worker")
    _post.marker()


def infra_error(bundle: Bundle, submission: Submission, message: str) -> Result:
    """Make the result of a submission that could not be marked through no fault of its own."""
    return Result(
        submission.student,
        submission.assignment,
        Status.INFRA_ERROR,
        None,
        bundle.max_score,
        message=message,
        notes=submission.notes,
        bundle_hash=bundle.hash,
        submission_hash=submission.hash,
    )


def _die_with(coordinator: int) -> None:
    """Have the kernel end this process when its parent ends, even by SIGKILL: no worker is ever left over."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != coordinator:
        os._exit(1)  # it ended before the line above


def _leave_to_coordinator(_number: int, _frame: FrameType | None) -> None:
    return None


def _has_descriptor(stream: object) -> bool:
    try:
        stream.fileno()  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
    return True
