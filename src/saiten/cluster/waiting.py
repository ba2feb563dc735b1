"""Waiting for a cluster: told to people after a moment, and never for ever.

In: what is waited for, whenever it is still missing. Out: sentences for standard error; in the end an error.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from saiten.errors import ClusterError

PATIENCE_SECONDS = 600.0
"""to wait for workers, or for a scheduler that was lost, unless the course says otherwise"""
_TELL_SECONDS = 5.0
"""of waiting, after which people are told"""


class Waiting:
    """One cluster's.

    Args:
        patience: seconds.
        tell: called with a sentence.
    """

    def __init__(self, patience: float, tell: Callable[[str], None]) -> None:
        self._patience, self._tell = patience, tell
        self._since: float | None = None
        self._has_told = False

    def wait_for(self, what: str) -> None:
        """Note that something is missing.

        Raises:
            ClusterError: it has been for too long.
        """
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        waited = now - self._since
        if waited > self._patience:
            raise ClusterError(
                f"Waited {waited:.0f} s for {what}, in vain.",
                "What was marked is kept: start them, then run the same again (c.Saiten.cluster_patience is the time).",
            )
        if waited > min(_TELL_SECONDS, self._patience / 2) and not self._has_told:
            self._has_told = True
            self._tell(f"Waiting for {what}, for {self._patience:.0f} s at most.")

    def go_on(self, slots: int) -> None:
        """Note that nothing is missing any more."""
        if self._has_told:
            self._tell(f"Going on, {slots} at the same time.")
        self._since, self._has_told = None, False
