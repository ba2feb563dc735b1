"""Holds a hub and all that it starts, and leaves nothing behind, whatever becomes of the hub or of who asked for it.

In: a command; SIGTERM, which also comes when the parent ends. Out: the command's exit code, when nothing runs any more.
JupyterHub's proxy and servers have sessions of their own: without this they outlive a hub that dies.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from saiten.grading import linux
from saiten.grading.descendants import end_all

_PATIENCE = 20
"""Seconds that the hub gets to stop its servers."""


class _Stop(BaseException):
    """SIGTERM came."""


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stop


def main(command: Sequence[str]) -> int:
    """Run a command to its end, and end what it leaves."""
    # The hub stops its servers by SIGINT. A shell that started us in the background has that ignored, and we would
    # hand it on: each stop would take half a minute.
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, _stop)
    linux.adopt_orphans()
    parent = os.getppid()
    process = None
    try:
        linux.die_with_parent(signal.SIGTERM)
        if os.getppid() != parent:
            return 1  # it ended before the line above
        process = subprocess.Popen(command)
        return process.wait()
    except _Stop:
        if process is None:
            return 0
        process.terminate()
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            return 1
        return 0
    finally:
        end_all(os.getpid())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
