# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Submissions that read what is not theirs, or send it away: named, with what each tries.

`{course}` in a text stands for the path of a course on disk; the attacker may know it. What they find they print.
"""

from __future__ import annotations

from attack_target import HIDDEN_TEST, REFERENCE, SAYS_SO, Attack

SHOW = "found = []\n"
WALK_UP = """
import os
folder = os.getcwd()
while True:
    for base, folders, names in os.walk(folder):
        for name in names:
            if name.endswith((".ipynb", ".db", ".txt", "bundle.json")):
                try:
                    print(open(os.path.join(base, name), errors="replace").read()[:20000])
                except OSError:
                    pass
        if base.count(os.sep) > folder.count(os.sep) + 4 or "site-packages" in base or base.startswith(("/usr", "/proc")):
            folders.clear()
    parent = os.path.dirname(folder)
    if parent in (folder, "/"):
        break
    folder = parent
"""
IN_CALL = """
import sys
found = []
def double(x):
    frame = sys._getframe()
    while frame is not None:
        found.append(repr(frame.f_code.co_consts))
        for values in (frame.f_locals, frame.f_globals):
            found.extend(str(value)[:2000] for value in list(values.values()) if type(value) in (str, bytes, list, dict))
        frame = frame.f_back
    return x * 2
"""
COLLECTED = """
import gc, sys
hits = set()
for thing in gc.get_objects():
    for part in (list(thing.values()) if type(thing) is dict else thing if type(thing) in (tuple, list) else ()):
        if type(part) is str and "kappa-" in part:
            hits.add(part[-3000:])
print(sorted(hits))
"""
DESCRIPTORS = """
import os
for number in range(256):
    try:
        print(number, os.readlink(f"/proc/self/fd/{number}"))
        print(os.pread(number, 10000, 0))
    except OSError:
        pass
"""
EVERY_PROCESS = """
import os
for name in os.listdir("/proc"):
    if name.isdigit():
        for part in ("environ", "cmdline"):
            try:
                print(name, open(f"/proc/{name}/{part}", "rb").read())
            except OSError:
                pass
"""
OTHER_MEMORY = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]
read = []
for pid in {*range(1, 64), os.getppid()} - {os.getpid()}:
    try:
        for line in open(f"/proc/{pid}/maps"):
            start = int(line.split("-")[0], 16)
            buffer = ctypes.create_string_buffer(64)
            here, there = Vector(ctypes.addressof(buffer), 64), Vector(start, 64)
            if libc.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) > 0:
                read.append(pid)
                break
    except OSError:
        pass
    if libc.ptrace(16, pid, None, None) == 0:
        read.append(pid)
        libc.ptrace(17, pid, None, None)
print("other processes read:", sorted(set(read)))
if read:
    print("kappa-got-" + "through")
"""
ESCAPES = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for name, flag in (("user", 0x10000000), ("mount", 0x20000), ("pid", 0x20000000), ("net", 0x40000000)):
    print("unshare", name, libc.unshare(flag))
print("mount", libc.mount(b"none", b"/home/student/work", b"tmpfs", 0, None))
print("umount", libc.umount2(b"/home/student", 2))
print("remount", libc.mount(b"none", b"/", None, 4096 | 32, None))
for path in ("/proc/1/root{course}", "/proc/self/root{course}", "/proc/self/cwd/../../..{course}", "{course}"):
    try:
        print(os.listdir(path))
    except OSError as error:
        print(type(error).__name__)
for name in ("a", "b"):
    try:
        os.mknod(name, 0o60600, os.makedev(8, 0))
        print("device made")
    except OSError as error:
        print(type(error).__name__)
"""
SPY = """
import pickle, saiten.grading.student as student
seen = []
class Spy(student._Unpickler):
    def __init__(self, file, side):
        seen.append(file.getvalue())
        super().__init__(file, side)
student._Unpickler = Spy
def double(x):
    return x * 2
"""

MEMORY = f"""
halves = {[(marker[:12], marker[12:]) for marker in (HIDDEN_TEST, REFERENCE)]!r}
with open("/proc/self/mem", "rb", 0) as memory:
    for line in open("/proc/self/maps"):
        place, rights = line.split()[:2]
        start, end = (int(part, 16) for part in place.split("-"))
        while rights[0] == "r" and start < end:
            try:
                memory.seek(start)
                chunk = memory.read(min(end - start, 1 << 24))
            except (OSError, ValueError, OverflowError):
                break
            for first, second in halves:
                at = chunk.find(first.encode())
                while at >= 0:
                    if chunk[at + 12 : at + 12 + len(second)] == second.encode():
                        {SAYS_SO}
                    at = chunk.find(first.encode(), at + 1)
            start += max(len(chunk), 1)
"""
INPUTS = """
seen = []
def count(text):
    seen.append(text)
    return {letter: text.count(letter) for letter in text}
"""

ALL = (
    Attack("walks up from the working directory", "the source, the gradebook, other submissions", after=WALK_UP),
    Attack(
        "reads by absolute path",
        "the same, by a path that everybody knows",
        after="for name in ('source/lesson/lesson.ipynb', 'gradebook.db', 'submitted/student-007/lesson/lesson.ipynb'):\n"
        "    try:\n        print(open('{course}/' + name, errors='replace').read())\n"
        "    except OSError as error:\n        print(type(error).__name__)",
    ),
    Attack(
        "opens the gradebook",
        "hidden tests stand in nbgrader's database",
        after="import sqlite3\ntry:\n"
        "    print(sqlite3.connect('file:{course}/gradebook.db?mode=ro', uri=True).execute("
        "'select * from source_cell').fetchall())\n"
        "except sqlite3.Error as error:\n    print(type(error).__name__)",
    ),
    Attack(
        "looks at its caller", "frames and constants of the running test", {"double": IN_CALL}, after="print(found)"
    ),
    Attack("walks the garbage collector", "every string of every live object", after=COLLECTED),
    Attack(
        "reads IPython's caches",
        "linecache keeps the source of every cell that ran",
        after="import linecache\nprint([''.join(entry[2]) for entry in linecache.cache.values() if len(entry) > 2])",
    ),
    Attack("reads the environment", "secrets of the grader in variables", after="import os\nprint(dict(os.environ))"),
    Attack("reads every process", "command lines and environments in /proc", after=EVERY_PROCESS),
    Attack("reads open descriptors", "files that the grader left open", after=DESCRIPTORS, real=False),
    Attack("reads other memory", "ptrace and process_vm_readv on the judge", after=OTHER_MEMORY, real=False),
    Attack("breaks out", "new namespaces, mounts, device files, /proc/1/root", after=ESCAPES, real=False),
    Attack(
        "records what the judge sends",
        "every request of the judge, byte for byte",
        {"double": SPY},
        after="print(len(seen), b''.join(seen).decode('latin-1'))",
        real=False,
    ),
    Attack("searches its own memory", "hidden tests and reference by /proc/self/mem", after=MEMORY, real=False),
)
"""None of them answers a question wrong: they keep their points, and read nothing."""

SHOWN_INPUTS = Attack(
    "prints the inputs of hidden tests",
    "what hidden tests pass, in the feedback",
    {"count": INPUTS},
    after="if 'banana' in seen:\n    " + SAYS_SO,
)
"""The answer is right; what a call saw is shown by a later cell."""

ONE_BIT = Attack(
    "asks one bit of a submission",
    "a wrong answer at one input tells, by the score, whether a hidden test passes it",
    {
        "count": "def count(text):\n    return {} if text == 'banana' else {letter: text.count(letter) for letter in text}"
    },
    real=False,
)
"""The score is the answer to the question; no grader that tells scores can withhold it."""

SCAN = """
pairs = {pairs!r}
counts = [0] * len(pairs)
with open("/proc/self/mem", "rb", 0) as memory:
    for line in open("/proc/self/maps"):
        place, rights = line.split()[:2]
        if rights[0] != "r":
            continue
        start, end = (int(part, 16) for part in place.split("-"))
        while start < end:
            try:
                memory.seek(start)
                chunk = memory.read(min(end - start, 1 << 24))
            except (OSError, ValueError, OverflowError):
                break  # the kernel's own pages
            if not chunk:
                break
            for number, (first, second) in enumerate(pairs):
                at = chunk.find(first)
                while at >= 0:
                    behind = at + len(first)
                    counts[number] += chunk[behind : behind + len(second)] == second
                    at = chunk.find(first, behind)
            start += len(chunk) if start + len(chunk) >= end or len(chunk) < 256 else len(chunk) - 128
print("scanned", counts)
"""
"""A search of the whole process; each marker is given in two parts, so that the search does not find itself."""
