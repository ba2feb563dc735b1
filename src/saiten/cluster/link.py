"""The connection to a Dask scheduler: opened with clear errors, opened again when it is lost, asked with a time limit.

In: an address, or a callable that returns a `distributed.Client`. Out: who works there, and why somebody has gone.
Whoever made the cluster (a callable) gets it closed at the end; a scheduler given by its address is left as it is.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import dask
from distributed import Client
from distributed.comm import registry
from distributed.comm.addressing import get_address_host_port
from distributed.comm.core import connect
from distributed.security import Security

from saiten.cluster.orders import identity
from saiten.errors import ClusterError

T = TypeVar("T")

Scheduler = str | Callable[[], Any]
"""an address, or a callable that returns a `distributed.Client`"""

_CONNECT_SECONDS = 15.0
"""for a scheduler to answer the first time"""
_ASK_SECONDS = 15.0
"""for a scheduler to answer a question, on a busy machine"""
_STALE_SECONDS = 10.0
"""without a heartbeat, after which a worker that has gone was cut off or stood still: a dead one is missed at once"""
_HOW_TO = "docs/how-to/mark-on-a-cluster.md."
_WITH_KEYS = ("tls", "wss")


@dataclass(frozen=True, slots=True)
class DaskWorker:
    """A worker as its scheduler sees it."""

    id: str
    """new for each start, even at the same address"""
    address: str
    name: str
    threads: int
    resources: Mapping[str, float] = field(default_factory=dict)
    last_seen: float = 0.0
    """time of its last heartbeat, by the scheduler's clock"""
    is_running: bool = True
    """whether it takes tasks: not paused, not closing"""

    @property
    def label(self) -> str:
        """What people call it."""
        return f"Worker {self.name}" if self.name == self.address else f"Worker {self.name} ({self.address})"


class Link:
    """A connection to a scheduler; one thread opens and closes it, any may ask.

    Args:
        scheduler: address or callable.

    Raises:
        ClusterError: there is no scheduler, or something else, at that address; the callable fails.
    """

    def __init__(self, scheduler: Scheduler) -> None:
        # what a lost connection means is said here; Dask's own words would come between
        for name in ("distributed.client", "distributed.core", "distributed.batched", "distributed.comm"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._is_ours = not isinstance(scheduler, str)
        self.client: Any = _opened(scheduler) if isinstance(scheduler, str) else _made(scheduler)
        self.address: str = scheduler if isinstance(scheduler, str) else str(self.client.scheduler.address)
        self._security = self.client.security
        self._cluster = self.client.cluster

    @property
    def is_up(self) -> bool:
        """Whether the client believes that it is connected."""
        return bool(self.client.status == "running")

    def renew(self) -> bool:
        """Connect anew to the same scheduler, or to one that has been started in its place.

        Returns:
            whether it answered.
        """
        _end(self.client)
        with suppress(Exception):  # whatever it is, the next attempt may fare better; the caller's patience ends it
            _greet(self.address, self._security, _CONNECT_SECONDS)
            self.client = _client(self.address, _ASK_SECONDS, self._security)
            return True
        return False

    def ask(self, question: Callable[[], Awaitable[T]], seconds: float = _ASK_SECONDS) -> T:
        """Call a coroutine on the client's own loop.

        Raises:
            TimeoutError: no answer in time.
            Exception: whatever the coroutine raises.
        """

        async def limited() -> T:
            return await asyncio.wait_for(question(), seconds)

        return asyncio.run_coroutine_threadsafe(limited(), self.client.loop.asyncio_loop).result(seconds + 5)

    def look(self) -> tuple[str, list[DaskWorker]]:
        """Return the scheduler's id (new for each start) and its workers.

        Raises:
            Exception: it does not answer.
        """
        found: dict[str, Any] = self.ask(lambda: self.client.scheduler.identity())
        return str(found["id"]), [_worker(address, each) for address, each in found["workers"].items()]

    def versions(self) -> dict[str, Any]:
        """Return what the scheduler says is installed where it runs."""
        found: dict[str, Any] = self.ask(lambda: self.client.scheduler.versions())
        return found

    def run(self, worker: DaskWorker, function: Callable[..., Any], *arguments: Any, seconds: float) -> Any:
        """Run a function on a worker, beside its tasks.

        Raises:
            Exception: the worker cannot be reached, or what the function raises.
        """
        client = self.client
        answers: dict[str, Any] = self.ask(
            lambda: client.run(function, *arguments, workers=[worker.address], on_error="return"), seconds
        )
        answer = answers[worker.address]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def has_died(self, worker: DaskWorker) -> bool:
        """Tell whether a worker that has gone died, as far as the scheduler knows.

        One that took leave, was sent away, or had not been heard for a while before its connection broke, did not.
        """
        with suppress(Exception):
            events = self.ask(lambda: self.client.get_events(worker.address)) or ()
            for moment, event in reversed(events):
                action = event.get("action") if isinstance(event, dict) else None
                if action == "closing-worker":  # it said so itself, before its connection ended
                    return False
                if action == "remove-worker" and (event["expected"] or moment - worker.last_seen > _STALE_SECONDS):
                    return False
        return True

    def close(self) -> None:
        """Disconnect; a cluster that the callable made for us is closed."""
        _end(self.client)
        if self._is_ours and self._cluster is not None:
            with suppress(Exception):  # its workers end without us, too: the scheduler has gone
                self._cluster.close()


def _worker(address: str, raw: Mapping[str, Any]) -> DaskWorker:
    return DaskWorker(
        id=identity(address, str(raw.get("local_directory"))),
        address=address,
        name=str(raw.get("name", address)),
        threads=int(raw["nthreads"]),
        resources=dict(raw.get("resources") or {}),
        last_seen=float(raw.get("last_seen", 0.0)),
        is_running=raw.get("status", "running") == "running",
    )


def _opened(address: str) -> Any:
    """Connect for the first time."""
    scheme, separator, rest = address.partition("://")
    known = sorted({*registry.backends, "tcp", "tls"} - {"inproc"})
    if not separator or not rest or scheme not in known:
        raise ClusterError(
            f"{address!r} is not the address of a Dask scheduler.",
            f"It has the form tcp://HOST:PORT (or {', '.join(f'{each}://' for each in known if each != 'tcp')}).",
        )
    security = _keys(address, scheme)
    begin = time.monotonic()
    try:
        _greet(address, security, _CONNECT_SECONDS)
        return _client(address, _ASK_SECONDS, security)
    except Exception as error:  # sockets, TLS, messages of something that is not Dask
        reason = _reason(error)
        seconds = time.monotonic() - begin
        if scheme == "tcp" and reason == TimeoutError.__name__:
            reason = _refusal(address) or reason
        if scheme in _WITH_KEYS:
            step = "See that it speaks TLS, and that certificate, key and CA of `distributed.comm.tls` fit its own."
        else:
            step = "See that `dask scheduler` runs there without TLS, and that no firewall is between: " + _HOW_TO
        raise ClusterError(f"No Dask scheduler answers at {address} after {seconds:.0f} s ({reason}).", step) from error


def _refusal(address: str) -> str:
    """Say how a plain connection is refused; "" where it is not.

    Dask tries until its time is over. The last attempt may have none of it left, and hide that all others were refused.
    """
    try:
        socket.create_connection(get_address_host_port(address), timeout=1.0).close()
    except (OSError, ValueError) as error:
        return _reason(error)
    return ""


def _keys(address: str, scheme: str) -> Any:
    """Read certificate and key from Dask's configuration, and refuse TLS without them before Dask tries."""
    make: Callable[[], Any] = Security
    if scheme not in _WITH_KEYS:
        return make()
    try:
        security = make()
        missing = security.get_connection_args("client").get("ssl_context") is None
        reason = "Dask's configuration names none"
    except Exception as error:  # files that are not there, or hold something else
        missing, reason = True, _reason(error)
    if missing:
        raise ClusterError(
            f"{address} needs certificate and key, and they cannot be had ({reason}).",
            "Set distributed.comm.tls.ca-file, client.cert and client.key in Dask's configuration: " + _HOW_TO,
        )
    return security


def _greet(address: str, security: Any, seconds: float) -> None:
    """Ask who is there, within a time: a `Client` would wait for ever for a program that accepts and says nothing.

    Raises:
        Exception: nobody, or somebody who is no scheduler.
    """
    begin: Callable[..., Awaitable[Any]] = connect

    async def greet() -> Any:
        comm = await begin(address, timeout=seconds, **security.get_connection_args("client"))
        try:
            await comm.write({"op": "identity", "reply": True})
            return await comm.read()
        finally:
            comm.abort()

    async def limited() -> Any:
        return await asyncio.wait_for(greet(), seconds + 1)

    with ThreadPoolExecutor(1, "saiten-greeting") as aside:  # this thread may have a loop of its own, as in a notebook
        answer = aside.submit(asyncio.run, limited()).result()
    kind = answer.get("type") if isinstance(answer, dict) else None
    if kind not in ("Scheduler", None):
        raise ValueError(f"it is a Dask {kind}'s address, not a scheduler's")


def _client(address: str, seconds: float, security: Any = None) -> Any:
    make: Callable[..., Any] = Client
    return make(address, security=security, timeout=seconds, set_as_default=False, name="saiten")


def _made(make: Callable[[], Any]) -> Any:
    """Have the course's own callable connect."""
    try:
        client = make()
    except Exception as error:
        raise ClusterError(
            f"c.Saiten.scheduler could not make a cluster ({_reason(error)}).", "Mend it in nbgrader_config.py."
        ) from error
    if not isinstance(client, Client) or client.asynchronous:
        raise ClusterError(
            f"c.Saiten.scheduler returned {type(client).__name__}, not a distributed.Client that is in step.",
            "Return `Client(cluster)` or `cluster.get_client()`.",
        )
    return client


def _end(client: Any) -> None:
    with suppress(Exception), dask.config.set({"distributed.comm.timeouts.connect": "2s"}):
        client.close(timeout=2)


def _reason(error: BaseException) -> str:
    """Return the innermost cause; that a wait was given up is told by the time-out, not by its `CancelledError`."""
    while error.__cause__ is not None and not isinstance(error.__cause__, asyncio.CancelledError):
        error = error.__cause__
    words = " ".join(str(error).split())
    return f"{type(error).__name__}: {words}"[:300] if words else type(error).__name__
