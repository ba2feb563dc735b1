"""What a message of nothing but one thing costs in memory: a program of its own, for `test_fuzz_decoder.py`.

In: a file with packed things by name, the size of a message. Out: JSON, name to bytes of memory for each byte.
Each is read in a fork of its own, whose peak the kernel has counted.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

import torch  # noqa: F401  (in memory before it is measured)

from saiten.grading import codec, remote


def flood(thing: bytes, size: int) -> bytes:
    """Pack a list of the thing, over and over."""
    count = (size - 8) // len(thing)
    parts = [thing.replace(b"%n%%", (number + 1).to_bytes(4, "big")) for number in range(count)]
    return b"\x92\xa1l\xdd" + count.to_bytes(4, "big") + b"".join(parts)


def kilobytes(name: str) -> int:
    """A line of this process's own account of its memory."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def cost(packed: bytes) -> float:
    """Read a message in a fork; returns bytes of memory for each of its bytes."""
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        link = remote.Link.__new__(remote.Link)
        link._handles, link._released = remote.WeakValueDictionary(), []
        gc.disable()  # nothing of it is garbage: looking for some takes most of the time
        before = kilobytes("VmRSS")
        value = None  # kept until memory was measured
        with suppress(codec.Forged):
            value = codec.Decoder(b"", link._handle).decode(codec.unpack(packed))
        os.write(writable, str((kilobytes("VmHWM") - before) * 1024 / len(packed)).encode())
        del value
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as answer:
        text = answer.read()
    assert os.waitpid(child, 0)[1] == 0
    return float(text)


if __name__ == "__main__":
    floods = json.loads(Path(sys.argv[1]).read_text())
    messages = {name: flood(bytes.fromhex(thing), int(sys.argv[2])) for name, thing in floods.items()}
    print(json.dumps({name: cost(packed) for name, packed in messages.items()}))
