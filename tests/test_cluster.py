"""Marking on a Dask cluster: is each result what this machine would give, whatever becomes of the cluster?"""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest
from distributed import Client, LocalCluster

from cluster_engine import WaitingEngine
from dask_processes import gone, wait_for
from fake_engine import RefusingEngine, judged, make_bundle, order
from saiten.batch.run import run_batch
from saiten.batch.worker import mark
from saiten.bundle import Bundle
from saiten.cluster import link, lodge, orders, versions
from saiten.cluster.choose import HERE, Cluster, chosen
from saiten.cluster.pool import ClusterPool
from saiten.errors import ClusterError, SandboxError
from saiten.results import Result, Status
from saiten.submission import Submission

BUNDLE = make_bundle()
PATIENCE = 60.0


def local_cluster(workers: int = 1, threads: int = 2, **options: Any) -> LocalCluster:
    """Scheduler and workers in threads of this process; what marks is in processes of its own."""
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs=50,
        **options,
    )


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """One worker with two slots, whose processes stay warm from test to test."""
    with local_cluster() as made:
        yield made


def run(pool: ClusterPool, batch: list[Submission], bundle: Bundle = BUNDLE) -> dict[str, Result]:
    """Mark; each has to come back once."""
    pairs = list(run_batch(bundle, batch, pool, mark))
    assert sorted(submission.student for submission, _ in pairs) == sorted(each.student for each in batch)
    return {submission.student: result for submission, result in pairs}


def a_class(*more: Submission) -> list[Submission]:
    """A few, and more."""
    return [*(order(f"student-{number:03}", scores={"mean-test": number % 3}) for number in range(6)), *more]


def pool_on(scheduler: Any, bundle: Bundle = BUNDLE, factory: Any = WaitingEngine, **options: Any) -> ClusterPool:
    """As many as there are slots."""
    return ClusterPool(scheduler, 100, bundle, factory, **{"patience": PATIENCE, **options})


# -- marking --------------------------------------------------------------------------------------------------------


def test_a_cluster_gives_what_this_machine_gives(cluster: LocalCluster, tmp_path: Path) -> None:
    """Are all results the engine's own, is a dead one blamed alone, and does the Dask worker outlive it?"""
    batch = a_class(
        order("student-100", do="die"),
        order("student-101", do="die once", trace=str(tmp_path / "died"), scores={"mean-test": 2}),
        order("student-102", do="raise"),
    )
    with pool_on(cluster.scheduler_address) as pool:
        found = run(pool, batch)
        assert pool.widest == 2
        assert pool._keeper.calls == {}
        assert len(pool._link.client.futures) <= 2  # what was marked is let go
    expected = {each.student: judged(BUNDLE, each, json.loads(each.notebooks["problem1"])) for each in batch}
    bad = ("student-100", "student-102")
    assert {name: each for name, each in found.items() if name not in bad} == {
        name: each for name, each in expected.items() if name not in bad
    }
    assert [found[name].status for name in bad] == [Status.INFRA_ERROR] * 2
    message = found["student-100"].message
    assert message.count("the worker process was ended by SIGKILL (on Worker 0 (tcp://127.0.0.1:") == 2
    assert "the fake engine broke" in found["student-102"].message
    assert len(cluster.scheduler.workers) == 1


def test_equipment_that_was_lost_is_sent_again(cluster: LocalCluster) -> None:
    """Is a worker that has thrown its oldest bundle away given it anew?"""
    with pool_on(cluster.scheduler_address) as pool:
        run(pool, a_class())
        for file in Path(next(iter(cluster.workers.values())).local_directory).rglob("*.equipment"):
            file.unlink()
        assert {each.status for each in run(pool, a_class()).values()} == {Status.NEEDS_MANUAL}
        assert pool.workers == 2


def test_whoever_stops_leaves_nothing_running(cluster: LocalCluster, tmp_path: Path) -> None:
    """After Ctrl-C: does no process go on marking?"""
    pool = pool_on(cluster.scheduler_address)
    with pool:
        for number in range(2):
            pool.submit(mark, blocked(tmp_path, number))
        for number in range(2):
            wait_for(tmp_path / f"{number}")
        processes = marking_processes()
        pool.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
        assert len(processes) == 2
        assert gone(processes)


def test_who_joins_later_gets_the_bundle_and_work(tmp_path: Path) -> None:
    """Does the width grow while a class is being marked, and is no process left when the workers are closed?"""
    outcome: list[dict[str, Result]] = []
    with local_cluster(threads=1) as cluster:
        folder = Path(next(iter(cluster.workers.values())).local_directory)

        def marking() -> None:
            with pool_on(cluster.scheduler_address) as pool:
                outcome.append(run(pool, [blocked(tmp_path, number) for number in range(2)]))

        thread = threading.Thread(target=marking)
        thread.start()
        wait_for(tmp_path / "0")
        assert not (tmp_path / "1").exists()
        cluster.scale(2)
        wait_for(tmp_path / "1")
        (tmp_path / "go").touch()
        thread.join(PATIENCE)
        assert [each.score for each in outcome[0].values()] == [2, 2]
        processes = marking_processes(folder)
        assert len(processes) == 1
        assert list(folder.glob("saiten-*/*.equipment"))
    assert gone(processes)
    assert not folder.exists()


def blocked(folder: Path, number: int) -> Submission:
    """One that says when it is being marked, and waits for a file named `go`."""
    files = {"started": str(folder / str(number)), "until": str(folder / "go")}
    return order(f"student-{number:03}", scores={"mean-test": 2}, **files)


def marking_processes(folder: Path | None = None) -> list[psutil.Process]:
    """The processes beside the workers of this test's process, or of the one that has its files there."""
    found = [each for each in psutil.Process().children() if "spawn_main" in " ".join(each.cmdline())]
    rooms = [room for lodge in lodges() for room in lodge._rooms if folder in (None, lodge._folder.parent)]
    return [each for each in found if each.pid in {room.seat.pid for room in rooms}]


def lodges() -> list[lodge.Lodge]:
    """What the workers in this process hold."""
    return list(lodge._lodges.values())


def test_another_bundle_takes_the_place_of_an_idle_process(tmp_path: Path) -> None:
    """Are there never more processes than slots, and more files of bundles than are kept?"""
    held = lodge.Lodge(tmp_path, 1)
    try:
        seen = []
        for number in range(6):
            bundle = replace(BUNDLE, limits=replace(BUNDLE.limits, cell_seconds=7.0 + number))
            content = pickle.dumps(orders.Equipment(bundle, WaitingEngine, False))
            held.equip(lodge.hash_of(content), content)
            if number < 2:
                call = pickle.dumps((mark, (order(scores={"mean-test": 2}),)))
                sent = pickle.dumps(orders.Order(lodge.hash_of(content), "run", call, PATIENCE))
                answer = pickle.loads(held.carry_out(sent))
                assert (answer.kind, answer.content.bundle_hash) == (orders.Kind.DONE, bundle.hash)
                seen.append(psutil.Process(held._rooms[0].seat.pid))
                assert len(held._rooms) == 1
        assert gone(seen[:1])
        assert len(list(tmp_path.rglob("*.equipment"))) == 4
        with pytest.raises(ValueError, match="damaged"):
            held.equip("0", b"1")
    finally:
        held.close()
    assert gone(seen)
    assert list(tmp_path.iterdir()) == []


# -- refusals -------------------------------------------------------------------------------------------------------


def test_an_engine_that_cannot_start_there_is_refused_as_here(cluster: LocalCluster) -> None:
    """Does the sandbox's own error name the worker, before anything is marked?"""
    with (
        pytest.raises(SandboxError, match=r"Worker 0 .*does not allow the sandbox"),
        pool_on(cluster.scheduler_address, factory=RefusingEngine),
    ):
        pass


def test_a_gpu_is_asked_for_and_missed(cluster: LocalCluster) -> None:
    """Is it said clearly that no worker offers one, and is one that does given one submission at a time?"""
    bundle = replace(BUNDLE, gpu="required")
    with (
        pytest.raises(ClusterError, match=r"needs a GPU.*none of 1 Dask workers offers one"),
        pool_on(cluster.scheduler_address, bundle),
    ):
        pass
    with (
        local_cluster(threads=2, resources={"GPU": 1}) as offering,
        pool_on(offering.scheduler_address, bundle) as pool,
    ):
        assert run(pool, a_class(), bundle)["student-002"].score == 2
        assert pool.widest == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"saiten": None}, "Worker w has no Saiten: it cannot mark. Install saiten 1"),
        ({"saiten": "0"}, "Worker w has saiten 0, this machine has saiten 1"),
        ({versions.ENGINE: "2"}, "Worker w has Saiten's engine 2, this machine has Saiten's engine 3"),
        ({versions.PYTHON: "3.12"}, "Worker w has Python 3.12, this machine has Python 3.11"),
        ({"numpy": "1"}, "Worker w has numpy 1, this machine has numpy 2"),
        ({"torch": None}, "Worker w has no torch, this machine has torch 2"),
        ({versions.CODE: "b"}, "Worker w has Saiten's code (a fingerprint) b"),
    ],
)
def test_versions_that_matter(change: dict[str, str | None], words: str) -> None:
    """Does one sentence name worker, package and both versions, and the next one what to do?"""
    here = {
        "numpy": "2",
        "torch": "2",
        "saiten": "1",
        versions.ENGINE: "3",
        versions.PYTHON: "3.11",
        versions.CODE: "a",
    }
    assert versions.difference(here, dict(here), "Worker w") is None
    problem = versions.difference(here, here | change, "Worker w")
    assert problem is not None
    assert words in " ".join(problem)
    assert problem[1].endswith(".")


def test_a_schedulers_versions_matter_where_it_talks() -> None:
    """Is another Dask refused, and a library that only workers need not?"""
    here = versions.installed(versions.wanted(BUNDLE))
    python = f"{sys.version_info[0]}.{sys.version_info[1]}.0.final.0"
    packages = {name: here[name] for name in ("distributed", "dask", "cloudpickle", "msgpack")}
    assert versions.scheduler_difference(here, {"host": {"python": python}, "packages": packages}) is None
    problem = versions.scheduler_difference(here, {"host": {"python": python}, "packages": packages | {"dask": "1"}})
    assert problem is not None
    assert "The scheduler has dask 1" in problem[0]


def test_what_a_bundle_imports_is_compared() -> None:
    """Are a course's own libraries among those whose versions have to be the same?"""
    first = replace(BUNDLE.notebooks[0], imports=("yaml.reader", "saiten", "os"))
    names = versions.wanted(replace(BUNDLE, notebooks=(first,)))
    assert "PyYAML" in names
    assert "saiten" not in names


def test_scheduler_and_workers_without_saiten_can_open_what_they_get() -> None:
    """Is nothing of Saiten's needed to say that Saiten is missing, or to pass a task on?"""
    sent = cloudpickle.dumps([orders.carry_out, orders.admit, orders.abandon, versions.installed])
    program = (
        "import sys, pickle\nsys.modules['saiten'] = None\n"
        "functions = pickle.loads(sys.stdin.buffer.read())\nprint(functions[3](['numpy', 'no-such-thing']))"
    )
    done = subprocess.run([sys.executable, "-c", program], input=sent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode()
    assert "'saiten': None" in said
    assert "'no-such-thing': None" in said


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("10.0.0.5:8786", "is not the address of a Dask scheduler. It has the form tcp://HOST:PORT"),
        ("http://127.0.0.1:8786", "is not the address of a Dask scheduler"),
        ("tcp://", "is not the address of a Dask scheduler"),
        ("tls://127.0.0.1:8786", "needs certificate and key.*distributed.comm.tls.ca-file"),
    ],
)
def test_what_is_no_address_is_said_at_once(address: str, words: str) -> None:
    """Does a wrong option cost no waiting?"""
    with pytest.raises(ClusterError, match=words), pool_on(address):
        pass


def test_nobody_and_somebody_else_at_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a closed port, and a program that is no scheduler, one clear error each?"""
    monkeypatch.setattr("saiten.cluster.link._CONNECT_SECONDS", 0.5)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        port = mute.getsockname()[1]
        with (
            pytest.raises(ClusterError, match=f"No Dask scheduler answers at tcp://127.0.0.1:{port} .*refused"),
            pool_on(f"tcp://127.0.0.1:{port}"),
        ):
            pass
        mute.listen()
        with (
            pytest.raises(ClusterError, match=f"No Dask scheduler answers at tcp://127.0.0.1:{port}"),
            pool_on(f"tcp://127.0.0.1:{port}"),
        ):
            pass


def test_a_last_attempt_without_time_left_hides_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a closed port said to refuse, though Dask's last attempt ended by time, and who is mute to be late?"""

    def late(*_: object) -> None:
        raise OSError("Timed out trying to connect") from TimeoutError()

    monkeypatch.setattr(link, "_greet", late)
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(ClusterError, match="refused"), pool_on(address):
            pass
        mute.listen()
        with pytest.raises(ClusterError, match=r"\(TimeoutError\)"), pool_on(address):
            pass


def test_an_attempt_without_time_left_is_said_to_be_late() -> None:
    """Is a wait that was cut short called a time-out? Newer Pythons name a `CancelledError` as its cause."""
    late = TimeoutError()
    late.__cause__ = asyncio.CancelledError()
    outer = OSError("Timed out trying to connect")
    outer.__cause__ = late
    assert link._reason(outer) == "TimeoutError"


def test_waiting_for_workers_ends() -> None:
    """Without workers: is it said what is waited for, and is it given up in the end?"""
    told: list[str] = []
    with (
        local_cluster(workers=0) as cluster,
        pytest.raises(ClusterError, match=r"Waited \d s for Dask workers at tcp.* in vain"),
        pool_on(cluster.scheduler_address, patience=1.5, tell=told.append),
    ):
        pass
    assert [line for line in told if line.startswith("Waiting for Dask workers at tcp://127.0.0.1:")] == told != []


# -- a callable -----------------------------------------------------------------------------------------------------


def test_a_callable_makes_the_cluster_and_it_is_closed_with_the_run() -> None:
    """As for Slurm and Kubernetes: is its client used, and are its workers gone afterwards?"""
    made: list[LocalCluster] = []

    def make() -> Client:
        made.append(local_cluster(workers=2, threads=1))
        return Client(made[0], set_as_default=False)

    with pool_on(make) as pool:
        assert run(pool, a_class())["student-002"].score == 2
    assert str(made[0].status) == "Status.closed"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: "tcp://127.0.0.1:8786", "returned str, not a distributed.Client"),
        (lambda: [][0], "could not make a cluster .IndexError"),
    ],
)
def test_a_callable_that_is_wrong(make: Callable[[], Any], words: str) -> None:
    """Does the error name the option?"""
    with pytest.raises(ClusterError, match=f"c.Saiten.scheduler {words}"), pool_on(make):
        pass


def test_which_scheduler_is_chosen() -> None:
    """Does the command line go before the configuration, and is `none` this machine?"""
    assert chosen(None, "", 1.0, print) is None
    assert chosen(HERE, "tcp://a:1", 1.0, print) is None
    assert isinstance(chosen(None, "tcp://a:1", 1.0, print), Cluster)
    assert isinstance(chosen("tcp://b:1", "", 1.0, print), Cluster)


def test_a_workers_address_is_no_schedulers(cluster: LocalCluster) -> None:
    """Is the other address of a log taken for what it is?"""
    address = next(iter(cluster.scheduler.workers))
    with pytest.raises(ClusterError, match="a Dask Worker's address"), pool_on(address):
        pass
