"""Where a class is marked: on this machine, or on the Dask cluster that an option or the course names.

In: `--scheduler`, `c.Saiten.scheduler`. Out: a `Cluster` (a `PoolFactory`); None for this machine.
Dask is imported when marking begins: who marks on one machine need not have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from saiten.batch.worker import MarkerFactory
from saiten.bundle import Bundle
from saiten.errors import ClusterError

if TYPE_CHECKING:
    from saiten.cluster.link import Scheduler
    from saiten.cluster.pool import ClusterPool

HERE = "none"
"""what `--scheduler` says for this machine, whatever the course's configuration says"""


class Cluster:
    """Makes the executor for one class.

    Args:
        scheduler: address or callable.
        patience: seconds to wait for workers, or for the scheduler.
        tell: called with a sentence when something is waited for.
    """

    def __init__(self, scheduler: Scheduler, patience: float, tell: Callable[[str], None]) -> None:
        self._scheduler, self._patience, self._tell = scheduler, patience, tell
        self._pool: ClusterPool | None = None

    @property
    def widest(self) -> int:
        """How many submissions were marked at the same time, at most; 0 if it was never asked for."""
        return 0 if self._pool is None else self._pool.widest

    def __call__(self, workers: int, bundle: Bundle, factory: MarkerFactory, /, *, unsafe: bool) -> ClusterPool:
        """See `PoolFactory`.

        Raises:
            ClusterError: Dask is not installed.
        """
        try:
            from saiten.cluster.pool import ClusterPool
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("dask", "distributed"):
                raise
            raise ClusterError(
                "Dask is not installed here, and a scheduler was named.", 'Install it: pip install "saiten[dask]".'
            ) from error
        self._pool = ClusterPool(
            self._scheduler, workers, bundle, factory, unsafe=unsafe, patience=self._patience, tell=self._tell
        )
        return self._pool


def chosen(option: str | None, configured: Any, patience: float, tell: Callable[[str], None]) -> Cluster | None:
    """Return the cluster to mark on.

    Args:
        option: of the command line; None if it was not given.
        configured: `c.Saiten.scheduler`.
        patience: `c.Saiten.cluster_patience`.
        tell: see `Cluster`.
    """
    scheduler = configured if option is None else option
    if not scheduler or scheduler == HERE:
        return None
    return Cluster(scheduler, patience, tell)
