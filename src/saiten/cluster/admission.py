"""Who may mark: a Dask worker whose versions are ours, that holds the bundle, and where an engine starts.

In: a worker of a scheduler's. Out: nothing, or an error that names the worker and the next step.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import Any

from saiten.batch.worker import MarkerFactory
from saiten.bundle import Bundle
from saiten.cluster import orders, versions
from saiten.cluster.link import DaskWorker, Link
from saiten.cluster.lodge import hash_of
from saiten.cluster.orders import Answer, Equipment, Kind
from saiten.errors import ClusterError, UserError

_LOOK_SECONDS = 60.0
"""for a worker to say what is installed there: a new one may still be importing"""


class Admission:
    """Checks workers and equips them.

    Args:
        bundle: what to mark with.
        factory: makes the engine.
        unsafe: see `saiten.grading.Engine`.
        seconds: for an engine to start.
    """

    def __init__(self, bundle: Bundle, factory: MarkerFactory, unsafe: bool, seconds: float) -> None:
        self._names = versions.wanted(bundle)
        self._here = versions.installed(self._names)
        self._content = pickle.dumps(Equipment(bundle, factory, unsafe))
        self._seconds = seconds
        self.equipment = hash_of(self._content)
        """by which workers know the file"""

    def check_scheduler(self, said: Mapping[str, Any]) -> None:
        """Compare a scheduler with this machine.

        Raises:
            ClusterError: a difference that matters.
        """
        problem = versions.scheduler_difference(self._here, said)
        if problem is not None:
            raise ClusterError(*problem)

    def admit(self, link: Link, worker: DaskWorker) -> None:
        """Check a worker, send it the bundle, start an engine there.

        Raises:
            UserError: it must not, or cannot, mark.
            Exception: it cannot be reached.
        """
        there = link.run(worker, versions.installed, self._names, seconds=_LOOK_SECONDS)
        problem = versions.difference(self._here, there, worker.label)
        if problem is not None:
            raise ClusterError(*problem)
        content = link.run(
            worker, orders.admit, self.equipment, self._content, self._seconds, seconds=self._seconds + _LOOK_SECONDS
        )
        answer: Answer = pickle.loads(content)
        # an engine that fails otherwise fails for every submission, and says so there, as on this machine
        if answer.kind is Kind.REFUSED and isinstance(answer.content, UserError):
            error = answer.content
            raise type(error)(f"{worker.label}: {error.message}", error.next_step)
