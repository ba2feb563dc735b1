# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Submissions that speak to the judge themselves: forged answers, half frames, floods. Named, with what each tries.

The student's end of the conversation lives in the student's process; there every line of it can be changed. `FORGE`
replaces the answer to calls of `double` by a message of the attacker's; `n` is the number of the question.
"""

from __future__ import annotations

from attack_target import Attack

FORGE = """
import gc, json, os, struct, threading, time
import msgpack
import numpy as np
side = next(thing for thing in gc.get_objects() if type(thing).__name__ == "StudentSide")
channel = side._channel
honest_reply = side._reply
def frame(packed, blob=b""):
    return struct.pack("!IQ", len(packed), len(blob)) + packed + blob
def forged(kind, request, value, before):
    n = request["number"]
    if request["op"] != "call" or side._objects.get(request["target"]) is not double:
        return honest_reply(kind, request, value, before)
    {code}
    return msgpack.packb(message, unicode_errors="surrogatepass"), [blob]
blob = b""
side._reply = forged
def double(x):
    return x * 3
"""


def _forgery(name: str, tries: str, code: str) -> Attack:
    return Attack(name, tries, {"double": FORGE.replace("{code}", code.replace("\n", "\n    "))}, real=False)


def _message(name: str, tries: str, message: str) -> Attack:
    return _forgery(name, tries, f"message = {message}")


SHAPES = tuple(
    _message(f"a message that is {message}", "an exception in the judge that is not a verdict", message)
    for message in (
        "None",
        "[]",
        "{}",
        "['value', n]",
        "['value', n, 6, [], [], []]",
        "['value', n, 6, None, []]",
        "['value', n, 6, {}, {}]",
        "['value', n + 1, 6, [], []]",
        "['value', str(n), 6, [], []]",
        "['value', [n], 6, [], []]",
        "['victory', n, 6, [], []]",
        "[['value'], n, 6, [], []]",
        "['value', n, ['?', 6], [], []]",
        "['value', n, [['l']], [], []]",
        "['value', n, {'a': 1}, [], []]",
        "['value', n, ['h', 1, 'int', True, 'x', 'y'], [], []]",
        "['value', n, ['h', -1, 'int', True, 'x', 'y', []], [], []]",
        "['value', n, ['h', 10**18, 'int', True, 'x', 'y', 3], [], []]",
        "['value', n, ['h', 10**18, 'int', 1, '__eq__', None, [[1, 2, 3]]], [], []]",
        "['value', n, ['m', 0], [], []]",
        "['value', n, ['m', 7], [], []]",
        "['value', n, ['m', -1], [], []]",
        "['value', n, ['a', '<f8', [1 << 40], 0, 0], [], []]",
        "['value', n, ['a', '|O', [1], 0, 8], [], []]",
        "['value', n, ['a', '<f8', [-1], 0, 8], [], []]",
        "['value', n, ['a', '<f8', [1], 1 << 60, 8], [], []]",
        "['value', n, ['a', '<f8', [1], -8, 8], [], []]",
        "['value', n, ['p', '|V9'], [], []]",
        "['value', n, ['y', '__builtins__'], [], []]",
        "['value', n, ['i', 'x' * 999], [], []]",
        "['value', n, ['r', ['l', [0, 1 << 62, 1]]], [], []]",
        "['value', n, ['s', [['l', []]]], [], []]",
        "['value', n, ['d', [1], []], [], []]",
        "['value', n, 6, [[0, 6]], []]",
        "['value', n, 6, [[5, 6]], []]",
        "['value', n, 6, [[-1, 6]], []]",
        "['value', n, 6, [[[], 6]], []]",
        "['value', n, 6, [6], []]",
        "['value', n, 6, [], [['np', 1]]]",
        "['value', n, 6, [], [['reference', 1]]]",
        "['value', n, 6, [], [['reference']]]",
        "['value', n, 6, [], [['X', 1]]]",
        "['value', n, 6, [], [['math', 1]]]",
        "['value', n, 6, [], [['__builtins__', 1]]]",
        "['value', n, 6, [], [['abs', 1]]]",
        "['value', n, 6, [], [[['double'], 1]]]",
        "['value', n, 6, [], [[1, 2, 3]]]",
        "['value', n, 6, [], [['double', 6]] * 1000]",
        "['callback', 0, [['l', []], ['d', [], []]], [], []]",
        "['callback', -1, [['l', []], ['d', [], []]], [], []]",
        "['callback', 1 << 40, [['l', []], ['d', [], []]], [], []]",
        "['callback', None, None, [], []]",
        "['raise', n, None, [], []]",
        "['raise', n, [[], 3, '', 0], [], []]",
        "['raise', n, [[3, None], 'x', 5, 'y'], [], []]",
        "['raise', n, [['builtins.SystemExit'], 'x', '', 0], [], []]",
        "['raise', n, [['saiten.grading.faults.StudentGone'], 'x', '', 0], [], []]",
        "['raise', n, [['saiten.grading.judge.TestTimeout'], 'x', '', 0], [], []]",
        "['raise', n, [['builtins.BaseExceptionGroup'], 'x', '', 0], [], []]",
        "['raise', n, [['builtins.UnicodeDecodeError', 'builtins.StopIteration'], 'x', '', 0], [], []]",
        "['raise', n, [['unittest.case.SkipTest', '_pytest.outcomes.Skipped'], 'x', '', 0], [], []]",
        "['raise', n, [['IPython.core.error.InputRejected'], 'x', '', 0], [], []]",
        "['raise', n, [['sys.path', 'os.environ', '.', '', 'a.b.c'], 'x', '', 0], [], []]",
        "['raise', n, [['class\\n;'], chr(0xd800), '<\\x1b[2J>', 1 << 60], [], []]",
        "['timeout', n, 6, [], []]",
    )
)
"""Well formed or not: whatever is sent instead of an answer, it is a wrong answer."""

FRAMES = (
    _forgery(
        "half a frame, then the end",
        "a judge that waits for the rest",
        "channel._sock.sendall(frame(b'x' * 100)[:50])\nos._exit(0)",
    ),
    _forgery("half a header, then the end", "the same, earlier", "channel._sock.sendall(b'abc')\nos._exit(0)"),
    _forgery(
        "half a frame, then silence",
        "the same, without an end",
        "channel._sock.sendall(frame(b'x' * 100)[:50])\nwhile True:\n    try:\n        time.sleep(9)\n"
        "    except BaseException:\n        pass",
    ),
    _forgery(
        "a huge structure is announced",
        "memory is reserved before anything arrives",
        "channel._sock.sendall(struct.pack('!IQ', (1 << 32) - 1, 0))\ntime.sleep(0.2)\nmessage = 6",
    ),
    _forgery(
        "a huge blob is announced",
        "memory is reserved before anything arrives",
        "channel._sock.sendall(struct.pack('!IQ', 1, (1 << 64) - 1))\ntime.sleep(0.2)\nmessage = 6",
    ),
    _forgery("the channel is closed", "a judge without an answer", "os.close(channel.fileno())\nwhile True: pass"),
    _forgery("no MessagePack at all", "a parser's exception", "return b'\\xc1' * 50, []"),
    _forgery("a tree of a thousand levels", "the parser's stack", "return b'\\x91' * 4000 + b'\\xc0', []"),
    _forgery(
        "arrays that announce millions",
        "memory by announcement",
        "return (b'\\xdd\\x00\\x3f\\xff\\xff' * 900).ljust(4 << 20, b'\\xc0'), []",
    ),
    _forgery("an extension type", "objects of the parser's own", "return b'\\xd6\\xff' + b'\\0' * 4, []"),
    _forgery(
        "one blob, named a thousand times",
        "a megabyte becomes a gigabyte",
        "blob = bytes(1 << 20)\nmessage = ['value', n, ['l', [['a', '|u1', [1 << 20], 0, 1 << 20]] * 1000], [], []]",
    ),
    _forgery(
        "the same change, a hundred thousand times",
        "copies without end",
        "blob = bytes(1 << 20)\nmessage = ['value', n, 6, [[0, ['a', '|u1', [1 << 20], 0, 1 << 20]]] * 100000, []]",
    ),
    _forgery(
        "keys that collide",
        "the square of their number is the time to store them",
        "message = ['value', n, ['s', [['c', float(-1000003 * k), float(k)] for k in range(100000)]], [], []]",
    ),
    _forgery(
        "two answers at once",
        "the second answers the next question, whatever it is",
        "channel._sock.sendall(frame(msgpack.packb(['value', n, 6, [], []])))\nmessage = ['value', n + 1, 3.0, [], []]",
    ),
    _forgery(
        "a flood of call-backs",
        "questions back without end",
        "while True:\n    channel._sock.sendall(frame(msgpack.packb(['callback', 0, [['l', []], ['d', [], []]], [], []])))",
    ),
    _forgery(
        "an exception that the author seems to explain",
        "the judge's own words in the attacker's mouth",
        "message = ['raise', n, [['saiten.grading.faults.Explained'], 'full marks', '', 0], [], []]",
    ),
)

AHEAD = _forgery(
    "answers before the questions",
    "a thread that sends answers all the time",
    "def flood():\n    number = n\n    while True:\n        number += 1\n"
    "        channel._sock.sendall(frame(msgpack.packb(['value', number, 6, [], []])))\n"
    "threading.Thread(target=flood, daemon=True).start()\nmessage = ['value', n, 6, [], []]",
)
"""It may spoil the attacker's other questions, whose answers it sends, too."""

RUNS = """
import gc, msgpack
side = next(thing for thing in gc.get_objects() if type(thing).__name__ == "StudentSide")
honest_reply = side._reply
def forged(kind, request, value, before):
    n = request["number"]
    if request["op"] != "run" or "the next cell" not in request["source"]:
        return honest_reply(kind, request, value, before)
    return msgpack.packb({message}), [{blob}]
side._reply = forged
"""


def _run(name: str, message: str, blob: str = "b'[]'") -> Attack:
    code = RUNS.replace("{message}", message).replace("{blob}", blob)
    return Attack(f"the answer to a cell {name}", "an exception in the judge", before=code, after="# the next cell\n1")


CELLS = (
    _run("is no list", "['value', n, 3, [], []]"),
    _run("has no place", "['value', n, ['ok', [], None, ''], [], []]"),
    _run("has an odd place", "['value', n, ['ok', ['a', 'b'], None, ''], [], []]"),
    _run("has another status", "['value', n, ['passed', [0, 2], 100.0, ''], [], []]"),
    _run("has outputs that are no JSON", "['value', n, ['ok', [0, 2], None, ''], [], []]", "b'[['"),
    _run("has deep outputs", "['value', n, ['ok', [0, 200000], None, ''], [], []]", "b'[' * 100000 + b']' * 100000"),
    _run(
        "has odd outputs",
        "['value', n, ['ok', [0, 99], None, ''], [], []]",
        'b\'[1, null, {}, {"output_type": [1]}, {"output_type": "error", "traceback": [1, "\\\\ud800"]}]\'',
    ),
    _run(
        "has too much output",
        "['value', n, ['ok', [0, 1 << 22], None, ''], [], []]",
        "b'[' + b' ' * ((1 << 22) - 2) + b']'",
    ),
    _run("has an odd number", "['value', n, ['ok', [0, 2], 1 << 63, ''], [], []]"),
    _run(
        "has lone surrogates",
        "['value', n, ['error', [0, 2], None, '\\\\ud800'.encode().decode('unicode-escape')], [], []]",
    ),
    _run("raises", "['raise', n, [['builtins.ValueError'], 'x', '', 0], [], []]"),
    _run("is late", "['timeout', n, None, [], []]"),
    _run("names what is not watched", "['value', n, ['ok', [0, 2], None, ''], [], [['np', 1]]]"),
    _run(
        "names one thing a hundred thousand times",
        "['value', n, ['ok', [0, 2], None, ''], [], [['double', 1]] * 100000]",
    ),
)
"""Nothing of this answers a question wrong: all points stay."""
