"""Does the decoder give a value of the closed set or its own error, within the memory that it states, always?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import forged
import fuzz_decoder
import msgpack
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from saiten.grading import codec

QUICK = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(node: Any, blob: bytes) -> Any:
    """A structure, packed, and its bulk; through the same door as the search's inputs."""
    packed = msgpack.packb(node, unicode_errors="surrogatepass")
    return fuzz_decoder.read(bytes([fuzz_decoder.RAW]) + len(packed).to_bytes(2, "big") + packed + blob)


def deep(levels: int) -> Any:
    """Lists within lists."""
    node: Any = None
    for _ in range(levels):
        node = ["l", [node]]
    return node


@QUICK
@given(forged.NODES, forged.BLOBS)
@example(["x", "float32", [1], 0, 3, False], b"abc")
@example(["x", "float32", [0] * 70, 0, 0, True], b"")
@example(["x", "complex64", [1, 1], 0, 7, False], b"abcdefg")
@example(["z", [(1 << 64) - 1, -1]], b"")
@example(["d", [float("nan")] * 9, [1] * 9], b"")
@example(["a", "<f8", [-1], 0, 0], b"")
@example(["a", "<f8", [(1 << 64) - 1, 0], 0, 0], b"")
@example(["h", 1, "t", True, "n", "d", [["x", 7, True]]], b"")
@example(["h", 1, "t", True, "n", "d", [["x", [[[]]], True]]], b"")
@example(deep(codec.MAX_DEPTH), b"")
@example(deep(200), b"")
def test_any_structure_is_a_value_or_forged(node: Any, blob: bytes) -> None:
    """Does nothing else come out: no other exception, no question to the student, no object of another class?"""
    read(node, blob)


@QUICK
@given(forged.messages(7), forged.BLOBS)
def test_any_message_can_be_parsed(message: Any, blob: bytes) -> None:
    """Are the five places of a message values or forged, each for itself?"""
    for part in message:
        read(part, blob)


@QUICK
@given(forged.NODES, st.data())
def test_a_message_that_was_cut_or_changed(node: Any, data: st.DataObject) -> None:
    """The same for packed bytes that were cut, doubled, or changed in a few places."""
    packed = bytearray(msgpack.packb(node, unicode_errors="surrogatepass"))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(packed) - 1))
        change = data.draw(st.sampled_from(["cut", "flip", "double"]))
        if change == "flip":
            packed[place] = data.draw(st.integers(0, 255))
        elif change == "double":
            packed[place:place] = packed[:place]
        else:
            del packed[place + 1 :]
    size = min(len(packed), 0xFFFF)
    fuzz_decoder.read(bytes([fuzz_decoder.RAW]) + size.to_bytes(2, "big") + bytes(packed))


@pytest.mark.parametrize("levels", [100, 1000, 10_000, 1_000_000])
def test_levels_without_end(levels: int) -> None:
    """Does depth end neither the stack nor the process?"""
    with pytest.raises(codec.Forged):
        codec.Decoder(b"", lambda _: None).decode(codec.unpack(b"\x91" * levels + b"\xc0"))


FLOODS = {
    "empty lists": b"\x90",
    "empty maps": b"\x80",
    "lists of one": b"\x91\xc0",
    "maps of one": b"\x81\xa0\xc0",
    "short texts": b"\xa2ab",
    "extensions": b"\xd4\x05a",
    "time stamps": b"\xd6\xff\0\0\0\0",
    "NotImplemented": b"\x91\xa1n",
    "lists": b"\x92\xa1l\x90",
    "sets": b"\x92\xa1s\x90",
    "dicts": b"\x93\xa1d\x90\x90",
    "ordered dicts": b"\x93\xa1o\x90\x90",
    "counters": b"\x93\xa1C\x90\x90",
    "slices": b"\x92\xa1k\x91\xc0",
    "ranges": b"\x92\xa1r\x91\x01",
    "sizes": b"\x92\xa1z\x90",
    "byte arrays": b"\x93\xa1b\0\0",
    "integers": b"\x92\xa1i\xa3999",
    "dtypes": b"\x92\xa1p\xa6<M8[s]",
    "arrays": b"\x95\xa1a\xa3|b1\x91\0\0\0",
    "arrays of 32 dimensions": b"\x95\xa1a\xa3|b1\xdc\0\x20" + b"\0" * 34,
    "tensors": b"\x96\xa1x\xa4bool\x91\0\0\0\xc2",
    "handles": b"\x97\xa1h\xce%n%%\xa0\xc3\xa0\xa0\x90",
    "handles with parameters": b"\x97\xa1h\xce%n%%\xa0\xc3\xa0\xa0\x91\x93\xa1a\1\0",
}
"""What fills a message, packed; `%n%%` stands for the number of the item."""
FLOOD_BYTES = 256 << 10


def test_no_byte_costs_more_than_is_stated(tmp_path: Path) -> None:
    """Is a message of any one thing within `MAX_MEMORY`, measured as the judge's own processes allocate?"""
    (tmp_path / "floods.json").write_text(json.dumps({name: flood.hex() for name, flood in FLOODS.items()}))
    script = Path(__file__).with_name("flood_costs.py")
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "floods.json"), str(FLOOD_BYTES)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    costs = json.loads(done.stdout)
    assert costs.keys() == FLOODS.keys()
    stated = codec.MAX_MEMORY / codec.MAX_STRUCTURE
    assert {name: cost for name, cost in costs.items() if not 1 < cost <= stated} == {}
