# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Submissions that stop, break, slow or fill what marks them. Named, with what each tries.

`{daemon}` stands for the name of a process that is left running, `{victim}` for a file that it would write.
"""

from __future__ import annotations

from attack_target import Attack

DEAF = "import time\n{head}\nwhile True:\n    try:\n        while True:\n            time.sleep(9)\n    except BaseException:\n        pass"
SIGNALS = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())"
IGNORE = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\nsignal.signal(signal.SIGINT, signal.SIG_IGN)"

HIDE = """
import ctypes, os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        libc = ctypes.CDLL(None)
        libc.prctl(1, 0, 0, 0, 0)
        libc.prctl(15, b"{daemon}", 0, 0, 0)
        for number in range(256):
            try:
                os.close(number)
            except OSError:
                pass
        while True:
            try:
                open("{victim}", "a").write("extra credit")
            except OSError:
                pass
            time.sleep(0.05)
    os._exit(0)
print("hidden")
"""
"""A daemon that waits for the end of marking and then writes."""


def _cell(name: str, tries: str, code: str) -> Attack:
    """Code that runs with the cell; what the cell defines is not reached."""
    return Attack(name, tries, {"double": code + "\ndef double(x):\n    return x * 3"}, real=False)


def _call(name: str, tries: str, code: str) -> Attack:
    """Code that runs when a test calls the answer."""
    body = code.replace("\n", "\n    ")
    return Attack(name, tries, {"double": f"def double(x):\n    {body}\n    return x * 3"}, real=False)


ENDS = (
    _cell("os._exit in a cell", "a kernel that is gone without a word", "import os\nos._exit(0)"),
    _call("os._exit in a call", "the same, in the middle of a test", "import os\nos._exit(0)"),
    _cell("sys.exit in a cell", "the end of the notebook", "import sys\nsys.exit(0)"),
    _call("sys.exit in a call", "SystemExit in the test", "import sys\nsys.exit(0)"),
    _cell("quit() in a cell", "the end of the notebook", "quit()"),
    _call(
        "an exception of its own that is no Exception",
        "nobody catches it",
        "raise type('Quiet', (BaseException,), {'__str__': lambda self: 1 / 0})()",
    ),
    _cell("SIGKILL to itself", "a dead kernel", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"),
    _call(
        "SIGKILL to its parent, its group and all",
        "a dead grader",
        "import os, signal\nfor pid in (os.getppid(), 0, -1):\n    try:\n        os.kill(pid, signal.SIGKILL)\n"
        "    except OSError:\n        pass",
    ),
    _cell(
        "SIGKILL to every number",
        "the judge, whatever its number is",
        "import os, signal\nfor pid in range(2, 40_000):\n    try:\n        os.kill(pid, signal.SIGKILL)\n"
        "    except OSError:\n        pass",
    ),
    _cell(
        "SIGSTOP",
        "a process that neither lives nor dies",
        "import os, signal\nfor pid in (os.getpid(), os.getppid(), 0, -1):\n    try:\n"
        "        os.kill(pid, signal.SIGSTOP)\n    except OSError:\n        pass",
    ),
    _cell("a segmentation fault in a cell", "the C stack", "import ctypes\nctypes.string_at(0)"),
    _call("a segmentation fault in a call", "the C stack", "import ctypes\nctypes.string_at(0)"),
    _cell("abort", "a signal that cannot be held", "import os\nos.abort()"),
    _call(
        "recursion without end",
        "the C stack",
        "import sys\nsys.setrecursionlimit(10**9)\ndef f(n):\n    return [f(n + 1)]\nf(0)",
    ),
    _cell("every descriptor closed", "a grader that loses its student", "import os\nos.closerange(0, 256)"),
    _cell(
        "standard streams replaced",
        "output that explodes when it is read",
        "import sys\nclass Bomb:\n    def __getattr__(self, name):\n        raise SystemExit\n"
        "sys.stdout = sys.stderr = sys.stdin = sys.displayhook = sys.excepthook = Bomb()",
    ),
    _cell(
        "a bomb at exit",
        "atexit, __del__ and weak references that raise and sleep",
        "import atexit, weakref, time\nclass Bomb:\n    def __del__(self):\n        time.sleep(99)\n"
        "bomb = Bomb()\nweakref.finalize(bomb, lambda: time.sleep(99))\natexit.register(lambda: time.sleep(99))",
    ),
)
"""The process dies, or ought to."""

LOOPS = (
    Attack("a loop in a cell", "time without end", after="while True: pass", real=False),
    Attack(
        "a loop that swallows KeyboardInterrupt",
        "an interrupt that does nothing",
        after=DEAF.format(head=""),
        real=False,
    ),
    _call("a loop in a call", "a test that never ends", "while True: pass"),
    _call("a deaf loop in a call that masks its signals", "an alarm that never rings", SIGNALS + "\nwhile True: pass"),
    _call(
        "a deaf loop in a call that ignores its signals",
        "an alarm that nobody hears",
        IGNORE + "\nimport time\nwhile True:\n    time.sleep(9)",
    ),
    _call("C code that never looks up", "a regular expression without end", "import re\nre.match('(a+)+b', 'a' * 64)"),
    Attack("input()", "a question that nobody answers", after="input('name? ')", real=False),
    Attack(
        "a lock held across a fork",
        "a child that waits for ever",
        after="import os, threading\nlock = threading.Lock()\nlock.acquire()\n"
        "if os.fork() == 0:\n    lock.acquire()\nlock.acquire()",
        real=False,
    ),
    Attack(
        "cleaning up without end",
        "a finally clause that loops",
        after="try:\n    while True: pass\nfinally:\n    while True: pass",
        real=False,
    ),
)
"""Time is up."""

FLOODS = (
    Attack(
        "a fork bomb",
        "the process table",
        after="import os\ncount = 0\ntry:\n    while True:\n        os.fork()\n        count += 1\n"
        "except OSError:\n    import time\n    time.sleep(9)",
        real=False,
    ),
    Attack(
        "a thread bomb",
        "threads without end",
        after="import threading, time\ntry:\n    while True:\n        threading.Thread(target=time.sleep, args=(99,), "
        "daemon=True).start()\nexcept RuntimeError as error:\n    print(error)",
        real=False,
    ),
    Attack(
        "a memory balloon",
        "all the memory of the machine",
        after="import numpy as np\nkept = []\ntry:\n    while True:\n        kept.append(np.ones(1 << 20))\n"
        "except MemoryError:\n    print('no more after', len(kept))",
        real=False,
    ),
    _call("a memory balloon in a call", "all the memory of the machine", "return bytearray(1 << 34)"),
    Attack(
        "a full disk",
        "a disk without room",
        after="try:\n    for n in range(10_000):\n        open(f'f{n}', 'wb').write(bytes(1 << 20))\n"
        "except OSError as error:\n    print('disk', error.errno)",
        real=False,
    ),
    Attack(
        "a huge sparse file",
        "a terabyte that is not there",
        after="try:\n    open('f', 'wb').truncate(1 << 40)\nexcept OSError as error:\n    print('file', error.errno)",
        real=False,
    ),
    Attack(
        "a hundred thousand files",
        "inodes without end",
        after="try:\n    for n in range(100_000):\n        open(f'f{n}', 'w').close()\nexcept OSError as error:\n"
        "    print('files', error.errno)",
        real=False,
    ),
    Attack("sixty megabytes on one line", "a log that grows", after="print('x' * 60_000_000)", real=False),
    Attack("output without end", "a log that grows", after="while True: print('x' * 1000)", real=False),
    Attack(
        "sixty megabytes past Python",
        "the descriptor itself",
        after="import os\nwhile True: os.write(1, b'x' * 65536)",
        real=False,
    ),
    Attack(
        "ten thousand displays",
        "a notebook that grows",
        after="from IPython.display import display, HTML\nfor n in range(10_000):\n    display(HTML('x' * 100))",
        real=False,
    ),
    Attack(
        "a hundred thousand figures",
        "a notebook that grows",
        after="import base64\nfrom IPython.display import display\npicture = base64.b64encode(bytes(3000)).decode()\n"
        "for n in range(100_000):\n    display({'image/png': picture}, raw=True)",
        real=False,
    ),
    Attack(
        "an error of ten megabytes", "a traceback that grows", after="raise ValueError('x' * 10_000_000)", real=False
    ),
)
"""Something runs full."""

MAX_DOCUMENT = 2 << 20
"""Bytes of a marked notebook in which one cell printed without end (output_kb is 64)."""
