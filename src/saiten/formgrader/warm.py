"""What a server keeps between two clicks: workers that are warm for an assignment, and its bundle.

In: an assignment, then what `mark_class` asks of a pool. Out: the same workers again while the assignment is the same.
formgrader's "Autograde all" asks for one student after the other; the imports of a course are paid once, not each time.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from saiten.batch.freshness import current_bundle
from saiten.batch.pool import LocalPool
from saiten.batch.worker import MarkerFactory
from saiten.build import source_hash
from saiten.bundle import Bundle
from saiten.course import Assignment

IDLE_SECONDS = 300.0
"""after which nobody clicks any more, and the workers' memory is given back"""

_PoolKey = tuple[str, int, MarkerFactory, bool]
_Stamp = tuple[str, int | None]


@dataclass(frozen=True, slots=True)
class _Kept:
    key: _PoolKey
    pool: LocalPool
    timer: threading.Timer


_lock = threading.Lock()
_kept: _Kept | None = None
"""one assignment's workers at most: two courses' imports side by side would cost a server its memory"""
_bundles: dict[tuple[Path, str], tuple[_Stamp, Bundle]] = {}


def bundle(assignment: Assignment) -> Bundle:
    """Return the bundle of an assignment as its source is now; made anew only when something has changed.

    Raises:
        SourceError: the source cannot be built.
    """
    course = assignment.course
    built = course.autograder_dir(assignment.name) / "bundle.json"
    stamp = source_hash(assignment), built.stat().st_mtime_ns if built.is_file() else None
    key = course.root, assignment.name
    known = _bundles.get(key)
    if known is None or known[0] != stamp:
        known = _bundles[key] = stamp, current_bundle(assignment)
    return known[1]


@contextmanager
def workers(number: int, what: Bundle, factory: MarkerFactory, /, *, unsafe: bool) -> Iterator[LocalPool]:
    """Lend workers, warm ones if there are: a `saiten.batch.pool.PoolFactory`.

    At a normal end they are kept for `IDLE_SECONDS`, in place of any other assignment's; an exception ends them.
    """
    key = what.hash, number, factory, unsafe
    kept = _take()
    if kept is not None and kept.key == key:
        pool = kept.pool
    else:
        if kept is not None:
            kept.pool.shutdown()
        pool = LocalPool(number, what, factory, unsafe=unsafe)
    try:
        yield pool
    except BaseException:
        pool.kill()
        raise
    _keep(key, pool)


def end() -> None:
    """End the workers that are kept, if any; the next click starts new ones."""
    kept = _take()
    if kept is not None:
        kept.pool.shutdown()


def _take() -> _Kept | None:
    global _kept
    with _lock:
        kept, _kept = _kept, None
    if kept is not None:
        kept.timer.cancel()
    return kept


def _keep(key: _PoolKey, pool: LocalPool) -> None:
    global _kept
    timer = threading.Timer(IDLE_SECONDS, end)
    timer.daemon = True
    with _lock:
        previous, _kept = _kept, _Kept(key, pool, timer)
    if previous is not None:  # somebody else's, who marked at the same time
        previous.timer.cancel()
        previous.pool.shutdown()
    timer.start()


atexit.register(end)
