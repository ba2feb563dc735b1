"""What every test run needs: the environment's programs on PATH, as an activated environment has them; and whole groups
of tests for each process where several run."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from together import WholeGroups, place_of

# nbgrader starts `alembic` by name when it makes a gradebook.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.prefix) / "bin"), os.environ.get("PATH", "")])

# A shell that starts its jobs in the background has them, and all that they start, ignore Ctrl-C.
if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest groups in front; all others stay in their order."""
    items.sort(key=lambda item: place_of(item.nodeid))


@pytest.hookimpl(optionalhook=True)  # there is none where xdist is switched off
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeGroups:
    """Hand out tests by `together.group_of`, whatever --dist says."""
    return WholeGroups(config, log)
