"""Does a sandbox keep its promises? The same probes run on both floors; what only one of them promises is told apart.

Every probe is first run where nothing confines it, and must succeed there: a wall in front of nothing proves nothing.
What namespaces alone give has `namespaces` in its name, so that `-k "not namespaces"` leaves it out where they are
forbidden: a view of the machine without its other files and processes, /tmp and /dev/shm of one's own, a size of the
scratch space that is exact, network interfaces without any network.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import cast

import pytest
from sandbox_probes import ARM, Run, attempts, running, through

from saiten.bundle import Limits
from saiten.grading.floor import FLOORS, LandlockSandbox
from saiten.grading.sandbox import NamespaceSandbox, Seat, UnsafeSandbox, user_maps
from saiten.grading.tree import readable_folders

both = pytest.mark.parametrize("kind", FLOORS)
UNSAFE = UnsafeSandbox.name
NAMESPACES = NamespaceSandbox.name

READ_SECRET = "with open(SECRET) as file:\n    said = file.read()"
SEE_PROCESSES = "import os\nsaid = sorted(int(name) for name in os.listdir('/proc') if name.isdigit())"
# -- files ----------------------------------------------------------------------------------------------------------


@both
def test_files_are_out_of_reach(run: Run, kind: str) -> None:
    """Can the course be read by its path, found by walking the whole tree, or be changed?"""
    walk = """
        import os
        said = []
        for base, folders, names in os.walk("/"):
            folders[:] = [name for name in folders if os.path.join(base, name) not in ("/usr", "/proc", "/sys")]
            said += [os.path.join(base, name) for name in names if name == "hidden.txt"]
    """
    change = attempts(
        write="open(SECRET, 'a').close()",
        empty="os.truncate(SECRET, 0)",
        remove="os.remove(SECRET)",
        move="os.rename(SECRET, 'x')",
        link="os.link(SECRET, 'x')",
    )
    assert run(UNSAFE, READ_SECRET) == ["the hidden test"]
    read, found, changed = run(kind, READ_SECRET, walk, change)
    assert str(read).startswith(("FileNotFoundError", "PermissionError"))
    assert found == []
    assert through(changed) == []
    assert through(run(UNSAFE, change)[0])[:2] == ["write", "empty"]


@both
def test_modes_and_times_of_other_files_stay(run: Run, kind: str, secret: Path) -> None:
    """Is what one user may do to all its files (mode, times, attributes) done to none outside?"""
    probe = attempts(chmod="os.chmod(SECRET, 0o600)", times="os.utime(SECRET, (1, 1))", mark=SET_ATTRIBUTE)
    before = secret.stat()
    run(kind, probe)
    after = secret.stat()
    assert (before.st_mode, before.st_mtime) == (after.st_mode, after.st_mtime)
    assert os.listxattr(secret) == []
    run(UNSAFE, probe)
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.stat().st_mtime == 1


SET_ATTRIBUTE = "os.setxattr(SECRET, 'user.saiten', b'x')"


@both
def test_the_system_is_read_only(run: Run, kind: str) -> None:
    """Can Python, the system or the tree itself be written?"""
    probe = """
        import os
        said = []
        places = ("/usr/x", "/x", "/etc/x", %r + "/x", "/dev/x")
        for path in (*places, "/proc/sys/kernel/hostname", "/proc/self/oom_score_adj"):
            try:
                open(path, "w").close()
                said.append(path)
            except OSError:
                pass
    """
    assert run(kind, textwrap.dedent(probe % sys.prefix)) == [[]]


@both
def test_nothing_is_left_for_the_next(run: Run, kind: str) -> None:
    """Is every place fresh in which one submission could leave something for another?"""
    leave = attempts(
        tmp="open('/tmp/left', 'w').write('x')",
        shm="open('/dev/shm/left', 'w').write('x')",
        home="open(os.path.expanduser('~/left'), 'w').write('x')",
        work="open('left', 'w').write('x')",
        temporary="open(os.environ['TMPDIR'] + '/left', 'w').write('x')",
        segment="need(libc.shmget(4711, 4096, 0o1666) != -1)",
        semaphore="need(libc.semget(4711, 1, 0o1666) != -1)",
        queue="need(libc.msgget(4711, 0o1666) != -1)",
        key=f"need(libc.syscall({217 if ARM else 248}, b'user', b'left', b'x', 1, -4) != -1)",
    )
    find = attempts(
        tmp="os.stat('/tmp/left')",
        shm="os.stat('/dev/shm/left')",
        home="os.stat(os.path.expanduser('~/left'))",
        work="os.stat('left')",
        temporary="os.stat(os.environ['TMPDIR'] + '/left')",
        segment="need(libc.shmget(4711, 4096, 0) != -1)",
        key="need('left' in open('/proc/keys').read())",
    )
    left, found = run(kind, leave, find)
    assert {"home", "work", "temporary"} <= set(through(left)), "a submission has room of its own"
    assert not {"segment", "semaphore", "queue", "key"} & set(through(left))
    assert through(found) == []


@both
def test_the_working_folder_is_as_given(run: Run, kind: str) -> None:
    """Are the assignment's files and those of leading cells there, writable, and whole again for the next?"""
    change = (
        "said = open('data/a.txt').read() + open('made').read()\n"
        "open('data/a.txt', 'w').write('changed')\nopen('made', 'w').write('changed')"
    )
    leading = "open('made', 'w').write('M')"
    assert run(kind, change, change, files={"data/a.txt": "A"}, leading=leading) == ["AM", "AM"]
    assert run(UNSAFE, change, change, files={"data/a.txt": "A"}, leading=leading) == ["AM", "changedchanged"]


def test_an_environment_below_tmp_stays_readable_in_namespaces(run: Run) -> None:
    """Does a checkout in /tmp work, read-only, while /tmp itself is the submission's own and fresh?"""
    package = Path(tempfile.mkdtemp(prefix="saiten-package-", dir="/tmp"))
    try:
        (package / "module.py").write_text("x = 1", encoding="utf-8")
        package.chmod(0o755)
        look = f"""
            import os
            said = [open({str(package / "module.py")!r}).read(), sorted(os.listdir("/tmp"))]
            open("/tmp/left", "w").close()
            try:
                open({str(package / "new")!r}, "w").close()
                said.append("written")
            except OSError:
                said.append("read-only")
        """
        seen = run(NAMESPACES, look, look, readable=(str(package),))
    finally:
        shutil.rmtree(package)
    for content, listed, writing in seen:  # type: ignore[misc]
        assert (content, writing) == ("x = 1", "read-only")
        assert package.name in listed
        assert "left" not in listed
        assert not any("course" in name or "pytest-of" in name for name in listed) or "pytest-of" in sys.prefix


def test_homes_are_not_even_named_in_namespaces(run: Run) -> None:
    """Is the one home that is seen the submission's own?"""
    assert run(NAMESPACES, "import os\nsaid = sorted(os.listdir('/home'))") == [["student"]]


# -- network and processes ------------------------------------------------------------------------------------------


@both
def test_no_network(run: Run, kind: str, port: int, tmp_path: Path) -> None:
    """Are services of this machine out of reach by TCP, UDP, abstract and file sockets, and raw sockets refused?"""
    import socket

    abstract, by_path = f"\0saiten-{os.getpid()}", str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as one, socket.socket(socket.AF_UNIX) as other:
        for server, address in ((one, abstract), (other, by_path)):
            server.bind(address)
            server.listen()
        os.chmod(by_path, 0o777)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service:
            service.bind(("127.0.0.1", 0))
            ways = {
                "tcp": f"socket.create_connection(('127.0.0.1', {port}), 2)",
                "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
                f".sendto(b'x', ('127.0.0.1', {service.getsockname()[1]}))",
                "abstract": f"socket.socket(socket.AF_UNIX).connect({abstract!r})",
                "path": f"socket.socket(socket.AF_UNIX).connect({by_path!r})",
            }
            raw = {
                "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)",
                "raw": "socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
                "packet": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
                "vsock": "socket.socket(40, socket.SOCK_STREAM)",
                "alg": "socket.socket(38, socket.SOCK_SEQPACKET)",
            }
            assert through(run(kind, attempts(**ways, **raw))[0]) == []
            assert set(through(run(UNSAFE, attempts(**ways, **raw))[0])) >= {*ways, "netlink"}


def test_no_interface_is_seen_in_namespaces(run: Run) -> None:
    """Is the one interface a loopback of the submission's own?"""
    interfaces = "said = [line.split(':')[0].strip() for line in open('/proc/net/dev').read().splitlines()[2:]]"
    assert run(NAMESPACES, interfaces) == [["lo"]]


@both
def test_no_other_process_is_reached(run: Run, kind: str, decoy: int) -> None:
    """Can a process outside be signalled, traced, read, limited or slowed down?"""
    ways = {
        "signal": f"os.kill({decoy}, 0)",
        "end": f"os.kill({decoy}, signal.SIGTERM)" if kind != UNSAFE else "None",
        "queue": f"need(libc.syscall({138 if ARM else 129}, {decoy}, 0, None) == 0)",
        "handle": f"signal.pidfd_send_signal(os.pidfd_open({decoy}), 0)",
        "limit": f"resource.prlimit({decoy}, resource.RLIMIT_NOFILE)",
        "slow": f"os.setpriority(os.PRIO_PROCESS, {decoy}, 1)",
        "place": f"os.sched_setaffinity({decoy}, {{0}})",
        "command": f"open('/proc/{decoy}/cmdline').read()",
        "environment": f"open('/proc/{decoy}/environ').read()",
        "memory": f"open('/proc/{decoy}/mem', 'rb')",
        "descriptors": f"os.listdir('/proc/{decoy}/fd')",
        "trace": f"need(libc.ptrace(0x4206, {decoy}, None, None) == 0)",
        "parent": "os.kill(os.getppid() or 2, 0)",
    }
    assert through(run(kind, attempts(**ways))[0]) == []
    harmless = {name: how for name, how in ways.items() if name not in ("end", "trace", "parent")}
    outside = through(run(UNSAFE, attempts(**harmless))[0])
    assert {"signal", "limit", "slow", "place", "command", "environment"} <= set(outside)


def test_no_other_process_is_seen_in_namespaces(run: Run) -> None:
    """Does /proc show the student's own processes only, and does a signal to everybody reach nobody?"""
    everybody = "import os\ntry:\n    os.kill(-1, 9)\nexcept ProcessLookupError:\n    said = 'nobody'"
    assert run(NAMESPACES, SEE_PROCESSES, everybody, SEE_PROCESSES) == [[1], "nobody", [1]]


@both
def test_everything_a_submission_started_ends_with_it(run: Run, kind: str) -> None:
    """Does a daemon that left its group, session and parent end when the submission does?"""
    daemon = """
        import os, subprocess
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execv("/bin/sleep", ["saiten-daemon-%d", "600"])
            os._exit(0)
        os.wait()
    """
    marked = textwrap.dedent(daemon % os.getpid())
    assert run(kind, marked, "said = 'next'") == [True, "next"]
    assert not running(f"saiten-daemon-{os.getpid()}")


@both
def test_a_fork_bomb_ends(run: Run, kind: str) -> None:
    """Does a submission end whose processes fork as fast as they can, and is the next one sound?"""
    bomb = """
        import os
        os.write(out, b'"started"\\n')
        while True:
            try:
                os.fork()
            except OSError:
                pass
    """
    assert run(kind, bomb, "said = 'next'", processes=30) == ["started", "next"]


# -- the kernel -----------------------------------------------------------------------------------------------------


@both
def test_no_privilege_and_no_way_to_one(run: Run, kind: str) -> None:
    """Is the process without capabilities, under a filter, unable to make namespaces or mounts?"""
    status = """
        fields = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines() if ":" in line)
        said = [fields[name].split()[0] for name in ("CapEff", "CapPrm", "NoNewPrivs", "Seccomp", "Uid")]
    """
    spaces = """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        said = [libc.unshare(flag) for flag in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000, 0x2000000)]
        said.append(libc.mount(b"t", b".", b"tmpfs", 0, None))
        said.append(libc.syscall({"x86_64": 56, "aarch64": 220}[os.uname().machine], 0x10000000 | 17, 0, 0, 0, 0))
    """
    environment = "import os\nsaid = sorted(os.environ)"
    shown, made, names = run(kind, status, spaces, environment)
    *walls, user = cast("list[str]", shown)
    assert walls == ["0" * 16, "0" * 16, "1", "2"]
    assert user == ("1000" if kind == NAMESPACES else str(os.getuid()))
    assert set(cast("list[int]", made)) == {-1}
    assert not {name for name in cast("list[str]", names) if "TOKEN" in name or "KEY" in name or "PIP" in name}


REFUSED = {
    "memfd": "need(libc.memfd_create(b'x', 0) != -1)",
    "keyctl": f"need(libc.syscall({219 if ARM else 250}, 0, -4, 1) != -1)",
    "segment": "need(libc.shmget(0, 4096, 0o1600) != -1)",
    "userfaultfd": f"need(libc.syscall({282 if ARM else 323}, 1) != -1)",
    "ring": "need(libc.syscall(425, 1, bytes(120)) != -1 or ctypes.get_errno() == 22)",
    "perf": f"need(libc.syscall({241 if ARM else 298}, bytes(128), 0, -1, -1, 0) != -1 or ctypes.get_errno() == 22)",
    "bpf": f"need(libc.syscall({280 if ARM else 321}, 5, bytes(128), 128) != -1 or ctypes.get_errno() == 22)",
    "trace": "need(libc.ptrace(0, 0, None, None) == 0)",
    "persona": "need(libc.personality(0xFFFFFFFF) != -1)",
}
"""EINVAL, from the kernel's own check of the arguments, means that the call came through"""


@both
def test_calls_that_marking_never_needs_are_refused(run: Run, kind: str) -> None:
    """Does the filter refuse what the walls above it let through?"""
    assert through(run(kind, attempts(**REFUSED))[0]) == []
    assert {"memfd", "segment", "trace", "persona", "keyctl"} <= set(through(run(UNSAFE, attempts(**REFUSED))[0]))


def test_the_second_wall_is_what_refuses_them_in_namespaces(run: Run) -> None:
    """Would memory files and keyrings be open in namespaces alone? (If not, the second wall is for nothing.)"""
    (said,) = run(NAMESPACES, attempts(**REFUSED), second_wall=False)
    assert {"memfd", "segment", "trace", "persona", "keyctl"} <= set(through(said))


@both
def test_descriptors_are_closed(run: Run, kind: str) -> None:
    """Is the one channel all that is open?"""
    probe = """
        import os
        said = []
        for number in range(256):
            try:
                os.fstat(number)
                said.append(number)
            except OSError:
                pass
        said.remove(out)
    """
    assert run(kind, probe) == [[0, 1, 2]]


# -- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*FLOORS, UNSAFE])
def test_limits_hold(run: Run, kind: str) -> None:
    """Do memory, file size and open files end at their limits, in every sandbox?"""
    memory = "x = bytearray(300 << 20)"
    little = "x = bytearray(50 << 20)\nsaid = 'fine'"
    file = """
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with open("big", "wb") as f:
            for _ in range(20):
                f.write(bytes(1 << 20))
    """
    handles = "kept = [open('/dev/null') for _ in range(100)]"
    too_much, fits, large, many = run(kind, memory, little, file, handles, memory_mb=200, file_mb=8, open_files=50)
    assert str(too_much).startswith("MemoryError")
    assert fits == "fine"
    assert str(large).startswith("OSError")
    assert "Too many open files" in str(many)


@both
def test_many_processes_do_not_get_more_memory_than_one(run: Run, kind: str) -> None:
    """Is memory bounded for all processes of a submission together, shared mappings included?"""
    balloon = """
        import mmap, os, time
        children = []
        for _ in range(16):
            child = os.fork()
            if child == 0:
                block = mmap.mmap(-1, 60 << 20)
                for place in range(0, len(block), 4096):
                    block[place] = 1
                time.sleep(3)
                os._exit(0)
            children.append(child)
        said = [os.waitpid(child, 0)[1] for child in children].count(0)
    """
    whole, after = run(kind, balloon, "said = 'next'", memory_mb=100, scratch_mb=32, file_mb=8)
    assert whole == "died" or cast(int, whole) < 16
    assert after == "next"


FILL = """
import os, time
for number in range(21_000):
    FILL
time.sleep(100)
"""


VISIBLE = [Path(each).resolve() for each in (sys.prefix, sys.base_prefix, *filter(None, sys.path))]
BELOW_TMP = sorted({path.relative_to("/tmp").parts[0] for path in VISIBLE if Path("/tmp") in path.parents})
"""Where Python or this checkout lie below /tmp they stay there, read-only."""
LIST_ALL = f"import os\nsaid = sorted({{*os.listdir('.'), *os.listdir(os.environ['TMPDIR'])}} - {{*{BELOW_TMP!r}}})"


@both
@pytest.mark.parametrize(
    "how",
    [
        "open(f'f{number}', 'wb').write(bytes(1 << 20))",
        "open(f'f{number}', 'wb').close()",
        "kept = globals().setdefault('kept', []); f = open('f', 'wb', 0); f.write(bytes(1 << 20)); os.unlink('f'); "
        "kept.append(f)",
    ],
    ids=["bytes", "files", "nameless"],
)
def test_scratch_space_is_bounded_and_cleared(run: Run, kind: str, how: str) -> None:
    """Does whoever fills the disk, with or without names, end, and does the next one find an empty folder?"""
    ended, found = run(kind, FILL.replace("FILL", how), LIST_ALL, scratch_mb=32, file_mb=8)
    assert ended == "died" if kind == LandlockSandbox.name else "No space left" in str(ended)
    assert found == []


@both
def test_a_deep_folder_is_cleared(run: Run, kind: str) -> None:
    """Are folders within folders, far beyond what a path can name or a program call itself, gone for the next one?"""
    dig = "import os\nfor _ in range(3000):\n    os.mkdir('d')\n    os.chdir('d')\nos.mkdir('closed', 0)"
    ended, found = run(kind, dig, LIST_ALL)
    assert ended in (True, "died"), "deeper than a path can name: the warden may call it too much"
    assert found == []


def test_disk_space_is_exact_in_namespaces(run: Run) -> None:
    """Does the write that is too much fail, rather than the process end?"""
    disk = "for number in range(200):\n    open(f'f{number}', 'wb').write(bytes(1 << 20))"
    many = "for number in range(30000):\n    open(f'f{number}', 'wb').close()"
    forks = """
        import os, time
        said = 0
        try:
            for _ in range(200):
                if os.fork() == 0:
                    time.sleep(30)
                    os._exit(0)
                said += 1
        except BlockingIOError:
            pass
    """
    full, crowded, started = run(NAMESPACES, disk, many, forks, scratch_mb=32, processes=20)
    assert "No space left" in str(full)
    assert "No space left" in str(crowded)
    assert cast(int, started) < 20


# -- what has to work -----------------------------------------------------------------------------------------------

WORK = {
    "commands": """
        import subprocess
        said = subprocess.run("echo hi | tr h H", shell=True, capture_output=True).stdout == b"Hi\\n"
    """,
    "pool": """
        import multiprocessing as m
        with m.get_context("fork").Pool(2) as pool:
            said = pool.map(abs, [-1, 2]) == [1, 2]
    """,
    "queue": """
        import multiprocessing as m
        context = m.get_context("fork")
        queue, lock, value = context.Queue(), context.RLock(), context.Value("i", 1)
        def work():
            with lock, lock:
                value.value += 1
            queue.put([1.5] * 10_000)
        workers = [context.Process(target=work) for _ in range(3)]
        for worker in workers:
            worker.start()
        got = [len(queue.get()) for _ in workers]
        for worker in workers:
            worker.join()
        said = got == [10_000] * 3 and value.value == 4
    """,
    "semaphores": """
        import multiprocessing as m
        context = m.get_context("fork")
        two, condition, event = context.BoundedSemaphore(2), context.Condition(), context.Event()
        taken = [two.acquire(), two.acquire(), two.acquire(timeout=0.05), two.acquire(block=False)]
        two.release()
        two.release()
        try:
            two.release()
        except ValueError:
            taken.append("too many")
        def wake():
            with condition:
                condition.notify_all()
        with condition:
            other = context.Process(target=wake)
            other.start()
            woken = condition.wait(10)
        other.join()
        event.set()
        said = [*taken, woken, event.wait(0)] == [True, True, False, False, "too many", True, True]
    """,
    "executor": """
        import multiprocessing as m
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2, m.get_context("fork")) as executor:
            said = list(executor.map(abs, range(-3, 0))) == [3, 2, 1]
    """,
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(4) as executor:
            said = sum(executor.map(abs, [-1, 2])) == 3
    """,
    "asyncio": "import asyncio\nsaid = asyncio.run(asyncio.sleep(0, True))",
    "temporary": """
        import os, shutil, tempfile
        with tempfile.NamedTemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
            file.write(b"x")
            shutil.copy2(file.name, folder)
            said = os.listdir(folder) == [os.path.basename(file.name)]
    """,
    "files": """
        import os
        os.makedirs("a/b")
        open("a/b/c", "w").write("x")
        os.rename("a/b/c", "c")
        os.symlink("c", "d")
        said = open("d").read() == "x"
    """,
    "machine": """
        import getpass, os, platform
        said = bool(os.cpu_count() and platform.platform()) and getpass.getuser() == "student"
    """,
    "children": """
        import os, signal, subprocess
        child = subprocess.Popen(["sleep", "60"])
        child.terminate()
        said = child.wait() == -15
    """,
}


@both
@pytest.mark.parametrize("what", WORK)
def test_honest_work_goes_on(run: Run, kind: str, what: str) -> None:
    """Do commands, processes, threads, locks, files and temporary files work behind the walls?"""
    assert run(kind, WORK[what]) == [True]


def test_the_unsafe_sandbox_promises_no_wall(run: Run) -> None:
    """Does `--unsafe` say truly that files can be read? (If this fails, its description is wrong.)"""
    assert run(UNSAFE, READ_SECRET) == ["the hidden test"]


def test_the_maps_give_the_student_nobodys_rights() -> None:
    """Is the user outside the sandbox neither root nor this one?"""
    users, groups = user_maps()
    assert users == groups == "0 0 1\n1000 65534 1\n"
    assert len({NamespaceSandbox.name, LandlockSandbox.name, UnsafeSandbox.name}) == 3
    assert all(Path(folder).is_dir() for folder in readable_folders())
    assert Seat(Limits()).files == {}
