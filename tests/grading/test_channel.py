"""Are messages whole or not there at all, within their limits and their time?"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saiten.grading.channel import Channel, ChannelClosed, ChannelTimeout, TooLarge, pair

SOON = 0.05
HEADER = struct.Struct("!IQ")


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    """Two ends of one conversation, the second with small limits."""
    ours, theirs = pair()
    one, other = Channel(ours), Channel(theirs, max_structure=1000, max_blob=100_000)
    yield one, other
    one.close()
    other.close()


def later() -> float:
    """A deadline that no test reaches."""
    return time.monotonic() + 60


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=1000), st.lists(st.binary(max_size=3000), max_size=5))
def test_what_is_sent_arrives(structure: bytes, blob: list[bytes]) -> None:
    """Are structure and blob the same, one message after another, empty ones included?"""
    ours, theirs = pair()
    one, other = Channel(ours), Channel(theirs)
    for _ in range(3):
        one.send(structure, blob)
        assert other.receive(later()) == (structure, b"".join(blob))
    one.close()
    other.close()


def test_large_messages_arrive(ends: tuple[Channel, Channel]) -> None:
    """Does a message come through that is larger than any buffer, in both directions, with a deadline?"""
    one, other = ends
    big = os.urandom(5 << 20)
    sender = threading.Thread(target=lambda: other.send(b"s", [big, memoryview(big)], later()))
    sender.start()
    assert one.receive(later()) == (b"s", big + big)
    sender.join()


def test_arrays_are_sent_as_their_bytes(ends: tuple[Channel, Channel]) -> None:
    """Is a view of something wider than bytes measured in bytes?"""
    import numpy as np

    one, other = ends
    one.send(b"", [np.arange(5.0).tobytes(), memoryview(b"abc")])
    assert other.receive(later())[1] == np.arange(5.0).tobytes() + b"abc"


@pytest.mark.parametrize("kept", [0, 1, HEADER.size - 1, HEADER.size, HEADER.size + 1, HEADER.size + 7])
def test_a_cut_message_is_no_message(kept: int) -> None:
    """Is every message that ends early a closed channel, wherever it was cut?"""
    ours, theirs = pair()
    other = Channel(theirs)
    ours.sendall((HEADER.pack(4, 4) + b"abcdefgh")[:kept])
    ours.close()
    with pytest.raises(ChannelClosed):
        other.receive(later())
    other.close()


@pytest.mark.parametrize("kept", [0, 1, HEADER.size, HEADER.size + 7])
def test_half_a_message_and_silence_is_a_timeout(kept: int) -> None:
    """Does waiting end at the deadline, wherever the other side fell silent?"""
    ours, theirs = pair()
    other = Channel(theirs)
    ours.sendall((HEADER.pack(4, 4) + b"abcdefgh")[:kept])
    with pytest.raises(ChannelTimeout):
        other.receive(time.monotonic() + SOON)
    ours.close()
    other.close()


def test_a_dripping_sender_does_not_prolong_the_wait(ends: tuple[Channel, Channel]) -> None:
    """Is the deadline one for the whole message, not for each part?"""
    ours, theirs = pair()
    other = Channel(theirs)
    stop = threading.Event()

    def drip() -> None:
        ours.sendall(HEADER.pack(1 << 20, 0))
        while not stop.wait(SOON / 10):
            ours.sendall(b"x")

    dripper = threading.Thread(target=drip)
    dripper.start()
    with pytest.raises(ChannelTimeout):
        other.receive(time.monotonic() + SOON * 3)
    stop.set()
    dripper.join()
    ours.close()
    other.close()


def test_a_deadline_that_has_passed(ends: tuple[Channel, Channel]) -> None:
    """Is nothing read or sent after the deadline, even if it could be at once?"""
    one, other = ends
    one.send(b"x")
    with pytest.raises(ChannelTimeout):
        other.receive(time.monotonic() - 1)
    with pytest.raises(ChannelTimeout):
        one.send(b"y", (), time.monotonic() - 1)


@pytest.mark.parametrize("sizes", [(1001, 0), (0, 100_001), ((1 << 32) - 1, (1 << 64) - 1)])
def test_too_large_is_refused_before_it_arrives(ends: tuple[Channel, Channel], sizes: tuple[int, int]) -> None:
    """Does the announcement alone decide?"""
    ours, theirs = pair()
    other = Channel(theirs, max_structure=1000, max_blob=100_000)
    ours.sendall(HEADER.pack(*sizes))
    with pytest.raises(TooLarge):
        other.receive(later())
    ours.close()
    other.close()


def test_limits_are_inclusive(ends: tuple[Channel, Channel]) -> None:
    """May a message be as large as the limit?"""
    one, other = ends
    one.send(b"s" * 1000, [b"b" * 100_000])
    assert other.receive(later()) == (b"s" * 1000, b"b" * 100_000)


def test_an_announced_size_costs_no_memory() -> None:
    """Is memory spent on what has arrived, not on what was announced?"""
    ours, theirs = pair()
    other = Channel(theirs)
    ours.sendall(HEADER.pack(0, 1 << 39) + b"x" * 1000)
    ours.close()
    tracemalloc.start()
    with pytest.raises(ChannelClosed):
        other.receive(later())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20
    other.close()


@pytest.mark.parametrize(
    "send", [lambda one: one.send(b"x" * (8 << 20)), lambda one: one.send_object(b"x" * (8 << 20))]
)
def test_sending_to_nobody(send: Callable[[Channel], None]) -> None:
    """Is it a closed channel, and no signal that ends the process?"""
    ours, theirs = pair()
    one = Channel(ours)
    theirs.close()
    with pytest.raises(ChannelClosed):
        send(one)
    one.close()


def test_sending_to_one_who_does_not_read(ends: tuple[Channel, Channel]) -> None:
    """Does sending end at the deadline when the other side's buffer is full?"""
    one, _ = ends
    with pytest.raises(ChannelTimeout):
        one.send(b"", [bytes(64 << 20)], time.monotonic() + SOON)


@pytest.mark.parametrize("value", [None, {"a": [1, (2, b"x")]}, "x" * 100_000])
def test_objects_between_trusted_peers(value: object) -> None:
    """Does any picklable object arrive as it was?"""
    ours, theirs = pair()
    one, other = Channel(ours), Channel(theirs)
    one.send_object(value)
    assert other.receive_object(later()) == (value, [])
    one.close()
    other.close()


def test_objects_wait_no_longer_than_their_deadline() -> None:
    """Is a peer that says nothing, or half of it, a timeout; and one that ends a closed channel?"""
    ours, theirs = pair()
    other = Channel(theirs)
    for part in (b"", b"+", HEADER.pack(9, 0)[:5]):
        ours.sendall(part)
        with pytest.raises(ChannelTimeout):
            other.receive_object(time.monotonic() + SOON)
    ours.close()
    with pytest.raises(ChannelClosed):
        other.receive_object(later())
    other.close()


def test_descriptors_travel_with_an_object() -> None:
    """Does an open file arrive as a descriptor of its own that no program inherits, and only with its object?"""
    ours, theirs = pair()
    one, other = Channel(ours), Channel(theirs)
    read_end, write_end = os.pipe()
    one.send_object("first")
    one.send_object("with", [read_end, write_end])
    one.send_object("last")
    assert other.receive_object(later()) == ("first", [])
    word, received = other.receive_object(later())
    assert word == "with"
    assert len(received) == 2
    assert not set(received) & {read_end, write_end}
    assert not any(os.get_inheritable(fd) for fd in received)
    os.write(write_end, b"through")
    assert os.read(received[0], 10) == b"through"
    assert other.receive_object(later()) == ("last", [])
    for fd in (read_end, write_end, *received):
        os.close(fd)
    one.close()
    other.close()


def test_descriptors_from_the_student_are_dropped() -> None:
    """Do files that an untrusted peer attaches to its bytes never become files of this process?"""
    ours, theirs = pair()
    other = Channel(theirs)
    before = set(os.listdir("/proc/self/fd"))
    socket.send_fds(ours, [HEADER.pack(1, 1) + b"ab"], [0, 1, 2])
    assert other.receive(later()) == (b"a", b"b")
    assert set(os.listdir("/proc/self/fd")) == before
    ours.close()
    other.close()
