"""Ports of the trial hub, on 127.0.0.1 alone.

In: the port that browsers use. Out: that one and four free ones for hub, proxy, marking service and formgrader.
Somebody else may take one before the hub does: the hub then fails to start, and says so in its log.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from dataclasses import dataclass

from saiten.errors import UserError

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts of one trial listen."""

    public: int
    """what browsers use"""
    hub: int
    proxy: int
    """the proxy's own interface"""
    marking: int
    formgrader: int


def choose_ports(public: int) -> Ports:
    """Choose ports; all are held until the last is chosen, so that they differ.

    Args:
        public: the one that browsers use; 0 takes a free one.

    Raises:
        UserError: it is taken, or an ordinary user may not have it.
    """
    with ExitStack() as stack:
        chosen = []
        for port in (public, 0, 0, 0, 0):
            held = stack.enter_context(socket.socket())
            # what listened here a moment ago does not count as taken
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                held.bind((HOST, port))
                held.listen()
            except OSError as error:
                raise UserError(
                    f"Port {port} of {HOST} cannot be used: {error.strerror}.",
                    "Stop what listens there, or give another one with --port (0 takes a free one).",
                ) from error
            chosen.append(int(held.getsockname()[1]))
    return Ports(*chosen)
