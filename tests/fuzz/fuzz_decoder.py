"""The decoder under a coverage-guided search: any bytes are a value of the closed set, or forged, and nothing else.

In: one input: a byte that says how to read it, then bytes. Out: nothing; an exception is a finding.
Run as `python tests/fuzz/fuzz_decoder.py SECONDS [FOLDER]` (needs atheris: `pip install saiten[fuzz]`); new inputs that
reach new code are kept in FOLDER. Its seeds are messages that real answers make.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import msgpack

if __name__ == "__main__":  # before the decoder is imported, so that its branches are seen
    import atheris

    with atheris.instrument_imports(include=["saiten.grading.codec", "saiten.grading.handles"]):
        from saiten.grading import codec, handles, remote
else:
    from saiten.grading import codec, handles, remote

from forged import is_allowed

CORPUS = Path(__file__).with_name("corpus")
RAW, BUILT = 0, 1
"""How an input is read: as packed bytes, or as a recipe for a structure (MessagePack need not be found)."""
_MOST_NODES = 200
_ATOMS: list[Any] = [
    None, True, False, 0, 1, -1, 7, 1 << 62, (1 << 64) - 1, -(1 << 63), 0.0, float("nan"), float("inf"), "", "\ud800",
    "0x1f", "<f8", "|b1", "<U1", ">U2", "|S3", "<M8[s]", "<M8", "<m8[7D]", "|O", "<f16", "float32", "bool",
    "bfloat16", "complex64", b"", b"\xff\0", [], {}, [0], [1, 2],
]  # fmt: skip
_TAGS = sorted(codec._DECODERS)


class _Recipe:
    """Bytes read one after the other; where they end, zeros go on for ever."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0
        self.nodes = 0

    def byte(self) -> int:
        self.place += 1
        return self.data[self.place - 1] if self.place <= len(self.data) else 0

    def node(self, depth: int = 0) -> Any:
        """A structure: atoms, tagged lists, lists, small numbers."""
        self.nodes += 1
        choice = self.byte()
        if choice < 64 or depth > 70 or self.nodes > _MOST_NODES:
            return _ATOMS[choice % len(_ATOMS)]
        if choice < 96:
            return self.byte()
        items = [self.node(depth + 1) for _ in range(choice & 7)]
        return [_TAGS[self.byte() % len(_TAGS)], *items] if choice < 224 else items


class _Nobody:
    """Takes the place of a student's process that is never asked anything."""

    def ask(self, op: str, target: handles.Handle, *, arguments: tuple[Any, ...] = (), **fields: Any) -> Any:
        raise AssertionError(f"decoding asked {op!r} of the student's process")

    def release(self, number: int) -> None:
        """Nobody keeps anything."""


def read(data: bytes) -> Any:
    """Decode an input as the judge would, or return None if it is forged.

    Raises:
        AssertionError: what came out may not come out.
    """
    mode, size, rest = data[:1], int.from_bytes(data[1:3], "big"), data[3:]
    link = remote.Link.__new__(remote.Link)
    link._handles = remote.WeakValueDictionary()
    link._released = []
    try:
        if mode and mode[0] % 2 == BUILT:
            recipe = _Recipe(rest[:size])
            structure = msgpack.unpackb(
                msgpack.packb(recipe.node(), unicode_errors="surrogatepass"),
                unicode_errors="surrogatepass",
                strict_map_key=False,
            )
        else:
            structure = codec.unpack(rest[:size])
        value = codec.Decoder(rest[size:], link._handle, ([1], {"a": 2})).decode(structure)
    except codec.Forged:
        return None
    assert is_allowed(value), type(value)
    return value


def seed(value: Any) -> bytes:
    """The input that a real answer makes."""
    encoder = codec.Encoder(lambda item: [1, type(item).__name__, True, "f", "", [["x", 1, False]]])
    structure, blob = encoder.message(encoder.encode(value))
    return bytes([RAW]) + len(structure).to_bytes(2, "big") + structure + b"".join(blob)


def seeds() -> list[bytes]:
    """Inputs to begin with: one of every kind in the table, and recipes."""
    import numpy as np
    import torch

    values: list[Any] = [
        [1 << 70, 1j, "x" * 2000, b"x" * 2000, bytearray(3), (1,), {2}, frozenset({3}), {"a": [1]}, ..., range(3)],
        [np.ones((2, 3)), np.float32(1), np.array(["ab"]), np.array(["2026-04-01"], "M8[D]"), np.dtype("<f4")],
        [torch.ones(2, 2), torch.Size([1]), torch.float32, torch.ones(1, requires_grad=True), slice(1, 2)],
        [object(), {"k": {"k": ({1.5, None}, NotImplemented)}}, [[[[]]]], np.array([True, False])],
    ]
    recipes = [bytes([BUILT, 0, 40, *(byte * step % 256 for byte in range(60))]) for step in (3, 7, 97, 131)]
    return [seed(value) for value in values] + recipes


def main() -> None:
    """Search for so many seconds; a finding is written to the working folder and ends the search."""
    seconds = int(sys.argv[1])
    kept = Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="saiten-fuzz-"))
    kept.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds()):
        (kept / f"seed-{number}").write_bytes(content)
    options = [
        f"-max_total_time={seconds}",
        "-max_len=4096",
        "-timeout=20",
        "-rss_limit_mb=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(kept), str(CORPUS)], lambda data: (read(data), None)[1])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
