"""Framed messages over a socket, with sizes checked before memory is spent and a deadline on every wait.

In: a connected stream socket. Out: (structure bytes, blob bytes) pairs; trusted peers exchange pickles on top.
Used between judge and student (untrusted direction: limits matter) and between the worker and its parents.
"""

from __future__ import annotations

import array
import pickle
import select
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any

_HEADER = struct.Struct("!IQ")
_MAX_FDS = 4


class ChannelClosed(Exception):
    """The other side ended or sent half a message."""


class ChannelTimeout(Exception):
    """No complete message before the deadline."""


class TooLarge(Exception):
    """The other side announced more than the limit."""


class Channel:
    """One end of a conversation.

    Args:
        sock: a connected stream socket; the channel owns it.
        max_structure, max_blob: limits in bytes on what is received; sending is not limited.
    """

    def __init__(self, sock: socket.socket, *, max_structure: int = 1 << 31, max_blob: int = 1 << 40) -> None:
        self._sock = sock
        self._max_structure = max_structure
        self._max_blob = max_blob

    def fileno(self) -> int:
        """File descriptor, for `select`."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close this end."""
        self._sock.close()

    def send(self, structure: bytes, blob: Sequence[bytes | memoryview] = (), deadline: float | None = None) -> None:
        """Send one message.

        Raises:
            ChannelClosed: the other side is gone.
            ChannelTimeout: the other side does not read and the deadline (monotonic seconds) has passed.
        """
        size = sum(len(part) for part in blob)
        for part in (_HEADER.pack(len(structure), size), structure, *blob):
            self._send_all(memoryview(part), deadline)

    def receive(self, deadline: float | None = None) -> tuple[bytes, bytes]:
        """Receive one message.

        Raises:
            ChannelClosed, ChannelTimeout: as for `send`.
            TooLarge: the message is beyond the limits; the channel cannot be used after that.
        """
        structure_size, blob_size = _HEADER.unpack(self._receive_exactly(_HEADER.size, deadline))
        if structure_size > self._max_structure or blob_size > self._max_blob:
            raise TooLarge(f"a message of {structure_size + blob_size} bytes")
        return self._receive_exactly(structure_size, deadline), self._receive_exactly(blob_size, deadline)

    def send_object(self, value: Any, fds: Sequence[int] = ()) -> None:
        """Send a pickled object (trusted peers only), with open file descriptors if given."""
        content = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        try:
            self._sock.sendmsg([b"+"], ancillary)
        except (BrokenPipeError, ConnectionError) as error:
            raise ChannelClosed(str(error)) from None
        self.send(content)

    def receive_object(self, deadline: float | None = None) -> tuple[Any, list[int]]:
        """Receive what `send_object` sent: the object and the descriptors (close-on-exec)."""
        self._wait(select.POLLIN, deadline)
        try:
            first, ancillary, _, _ = self._sock.recvmsg(1, socket.CMSG_SPACE(_MAX_FDS * 4), socket.MSG_CMSG_CLOEXEC)
        except ConnectionError as error:
            raise ChannelClosed(str(error)) from None
        if not first:
            raise ChannelClosed("the other side ended")
        fds: list[int] = []
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received = array.array("i")
                received.frombytes(data[: len(data) - len(data) % received.itemsize])
                fds.extend(received)
        content, _ = self.receive(deadline)
        return pickle.loads(content), fds

    def _wait(self, event: int, deadline: float | None) -> None:
        if deadline is None:
            return
        remaining = deadline - time.monotonic()
        poll = select.poll()
        poll.register(self._sock, event)
        if remaining <= 0 or not poll.poll(remaining * 1000):
            raise ChannelTimeout

    def _send_all(self, view: memoryview, deadline: float | None) -> None:
        view = view.cast("B") if view.nbytes else view
        sent = 0
        while sent < view.nbytes:
            self._wait(select.POLLOUT, deadline)
            flags = socket.MSG_NOSIGNAL | (socket.MSG_DONTWAIT if deadline is not None else 0)
            try:
                sent += self._sock.send(view[sent : sent + (1 << 20)], flags)
            except BlockingIOError:
                continue
            except ConnectionError as error:
                raise ChannelClosed(str(error)) from None

    def _receive_exactly(self, size: int, deadline: float | None) -> bytes:
        # The buffer grows with what has arrived, so that an announced size alone costs nothing.
        buffer = bytearray()
        while len(buffer) < size:
            self._wait(select.POLLIN, deadline)
            try:
                part = self._sock.recv(min(size - len(buffer), 1 << 20))
            except ConnectionError as error:
                raise ChannelClosed(str(error)) from None
            if not part:
                raise ChannelClosed("the other side ended")
            buffer += part
        return bytes(buffer)


def pair() -> tuple[socket.socket, socket.socket]:
    """A connected pair of stream sockets."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
