"""Dask processes that end while they mark: is each told as what it is, and does each submission get its mark?"""

from __future__ import annotations

import os
import signal
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cluster_engine import WaitingEngine
from dask_processes import DaskProcesses, end, wait_for
from fake_engine import make_bundle, order
from saiten.batch.run import run_batch
from saiten.batch.worker import mark
from saiten.cluster.pool import ClusterPool
from saiten.errors import ClusterError
from saiten.results import Result, Status
from saiten.submission import Submission

BUNDLE = make_bundle()
PATIENCE = 120.0

pytestmark = pytest.mark.system


def run(pool: ClusterPool, batch: list[Submission]) -> dict[str, Result]:
    """Mark; each has to come back once."""
    pairs = list(run_batch(BUNDLE, batch, pool, mark))
    assert len(pairs) == len(batch)
    return {submission.student: result for submission, result in pairs}


def pool_on(scheduler: str, **options: Any) -> ClusterPool:
    """As many as there are slots."""
    return ClusterPool(scheduler, 100, BUNDLE, WaitingEngine, **{"patience": PATIENCE, **options})


def blocked(folder: Path, number: int) -> Submission:
    """One that says when it is being marked, and waits for a file named `go`."""
    files = {"started": str(folder / str(number)), "until": str(folder / "go")}
    return order(f"student-{number:03}", scores={"mean-test": 2}, **files)


def test_processes_that_are_killed_and_started_again(tmp_path: Path) -> None:
    """A worker dies in a submission, then the scheduler dies, then all: is each told as what it is?"""
    told: list[str] = []
    with DaskProcesses(tmp_path) as dask:
        bare = tmp_path / "bare.py"
        bare.write_text(
            "import sys\nfrom pathlib import Path\n"
            "sys.path[:] = [each for each in sys.path if not (Path(each) / 'saiten').is_dir()]\n"
            "sys.meta_path[:] = [each for each in sys.meta_path if 'editable' not in repr(each).lower()]\n"
        )
        without = dask.start_worker("--preload", str(bare))
        with pytest.raises(ClusterError, match="has no Saiten: it cannot mark"), pool_on(dask.address):
            pass
        end(without)
        first = dask.start_worker()
        with pool_on(dask.address, tell=told.append) as pool, ThreadPoolExecutor(1) as aside:
            # a worker dies: its submission is a suspect, and tried once more alone
            marking = aside.submit(run, pool, [blocked(tmp_path, 1)])
            wait_for(tmp_path / "1")
            end(first)
            (tmp_path / "go").touch()
            dask.start_worker()
            found = marking.result(PATIENCE)
            assert [(each.status, each.score) for each in found.values()] == [(Status.NEEDS_MANUAL, 2)]
            (tmp_path / "go").unlink()

            # without that second try, what is told
            future = pool.submit(mark, blocked(tmp_path, 2))
            wait_for(tmp_path / "2")
            end(dask.workers[-1])
            with pytest.raises(BrokenExecutor, match="died while it marked this submission"):
                future.result(PATIENCE)
            assert "died while it marked" in pool.post_mortem(future)

            # nobody's fault: the scheduler goes, and comes again with another worker
            dask.start_worker()
            again = pool.submit(mark, blocked(tmp_path, 3))
            wait_for(tmp_path / "3")
            end(dask.scheduler)
            (tmp_path / "go").touch()
            dask.start_scheduler()
            dask.start_worker()
            assert again.result(PATIENCE).score == 2

            # and goes for good
            pool._keeper._waits._patience = 1.0
            end(dask.scheduler)
            with pytest.raises(ClusterError, match=r"Waited .* s for the Dask scheduler .* in vain.*What was marked"):
                pool.submit(mark, order("student-004")).result(PATIENCE)


def test_a_worker_that_is_closed_in_order_is_nobodys_fault(tmp_path: Path) -> None:
    """SIGTERM, as when a job's time is over: is the submission marked by the next worker, without a suspicion?"""
    with DaskProcesses(tmp_path) as dask:
        first = dask.start_worker(nanny=True)
        with pool_on(dask.address) as pool:
            future = pool.submit(mark, blocked(tmp_path, 1))
            wait_for(tmp_path / "1")
            os.kill(first.pid, signal.SIGTERM)
            (tmp_path / "go").touch()
            dask.start_worker()
            assert future.result(PATIENCE).score == 2
