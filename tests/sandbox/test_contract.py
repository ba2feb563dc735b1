"""Does a sandbox keep its promises? The same probes run in every sandbox, each as far as it promises.

Every probe is first run outside, where it must succeed: a wall in front of nothing proves nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saiten.bundle import Limits
from saiten.grading.sandbox import NamespaceSandbox, Seat, UnsafeSandbox, user_maps
from saiten.grading.tree import readable_folders

DRIVER = """
import json, os, sys
from pathlib import Path
from saiten.bundle import Limits
from saiten.grading.sandbox import NamespaceSandbox, Seat, UnsafeSandbox, user_maps
from saiten.grading.tree import readable_folders

task = json.loads(sys.stdin.read())
ask_read, ask_write = os.pipe()
answer_read, answer_write = os.pipe()
pid = os.fork()
if pid:
    os.close(ask_write)
    if os.read(ask_read, 1):
        users, groups = user_maps()
        Path(f"/proc/{pid}/uid_map").write_text(users)
        Path(f"/proc/{pid}/gid_map").write_text(groups)
        os.write(answer_write, b"!")
    _, status = os.waitpid(pid, 0)
    sys.exit(os.waitstatus_to_exitcode(status))

def map_user():
    os.write(ask_write, b"?")
    os.read(answer_read, 1)

os.umask(0o022)
sandbox = {"namespaces": NamespaceSandbox, "unsafe": UnsafeSandbox}[task["sandbox"]](Path(task["root"]))
limits = Limits(**task["limits"])
files = {name: text.encode() for name, text in task["files"].items()}
sandbox.enclose(Seat(limits, files, (*readable_folders(), *task["readable"])), map_user)
for probe in task["probes"]:
    out_read, out_write = os.pipe()
    child = sandbox.fork(out_write, {})
    if child == 0:
        names = {"SECRET": task["secret"], "out": out_write}
        try:
            exec(probe, names)
            said = names.get("said", True)
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(out_write, json.dumps(said).encode())
        os._exit(0)
    os.close(out_write)
    answer = b""
    while part := os.read(out_read, 65536):
        answer += part
    sandbox.kill(child)
    sandbox.reap()
    os.write(1, (answer or b'"died"') + b"\\n")
os._exit(0)
"""


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the course, readable by this user."""
    path = tmp_path / "course" / "source" / "hidden.txt"
    path.parent.mkdir(parents=True)
    path.write_text("the hidden test", encoding="utf-8")
    for folder in (tmp_path, *path.parents):
        if folder.stat().st_uid == os.getuid() and str(folder).startswith("/tmp/"):
            folder.chmod(0o755)
    return path


Run = Callable[..., list[object]]


@pytest.fixture
def run(tmp_path: Path, secret: Path) -> Run:
    """Run probes one after another in a sandbox; each answers what it saw."""

    def in_sandbox(
        kind: str, *probes: str, files: dict[str, str] | None = None, readable: tuple[str, ...] = (), **limits: float
    ) -> list[object]:
        root = tmp_path / f"root-{kind}"
        root.mkdir(exist_ok=True)
        task = {
            "sandbox": kind,
            "root": str(root),
            "limits": limits,
            "files": files or {},
            "secret": str(secret),
            "readable": readable,
            "probes": [textwrap.dedent(probe) for probe in probes],
        }
        done = subprocess.run(
            [sys.executable, "-c", DRIVER],
            input=json.dumps(task).encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    return in_sandbox


READ_SECRET = "with open(SECRET) as file:\n    said = file.read()"
CONNECT = """
import socket, os
s = socket.create_connection(("127.0.0.1", PORT), 2)
said = "connected"
"""
SEE_PROCESSES = """
import os
said = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
"""
LEAVE = """
import os
for path in ("/tmp/left", "/dev/shm/left", os.path.expanduser("~/left"), "left"):
    open(path, "w").write("x")
said = "left"
"""
FIND = """
import os
said = [path for path in ("/tmp/left", "/dev/shm/left", os.path.expanduser("~/left"), "left") if os.path.exists(path)]
"""


def test_the_probes_work_outside(secret: Path) -> None:
    """Would the probes find something if nothing confined them?"""
    names: dict[str, object] = {"SECRET": str(secret)}
    exec(READ_SECRET, names)
    assert names["said"] == "the hidden test"
    exec(SEE_PROCESSES, names)
    assert os.getpid() in names["said"]  # type: ignore[operator]


def test_files_are_out_of_reach(run: Run) -> None:
    """Can the course be read by its path, or found by walking the whole tree?"""
    walk = """
        import os
        said = [os.path.join(base, name) for base, _, names in os.walk("/") for name in names if name == "hidden.txt"]
    """
    read, found, homes = run("namespaces", READ_SECRET, walk, "import os\nsaid = sorted(os.listdir('/home'))")
    assert str(read).startswith("FileNotFoundError")
    assert found == []
    assert homes == ["student"]


def test_the_unsafe_sandbox_promises_no_wall(run: Run) -> None:
    """Does `--unsafe` say truly that files can be read? (If this fails, its description is wrong.)"""
    assert run("unsafe", READ_SECRET) == ["the hidden test"]


@pytest.fixture
def port() -> Iterator[int]:
    """A service on this machine's loopback."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_no_network(run: Run, port: int) -> None:
    """Is a loopback service of this machine out of reach, while it can be reached from outside the sandbox?"""
    probe = CONNECT.replace("PORT", str(port))
    udp = f"import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(b'x', ('127.0.0.1', {port}))"
    (outside,) = run("unsafe", probe)
    devices = "said = [line.split(':')[0].strip() for line in open('/proc/net/dev').read().splitlines()[2:]]"
    tcp, datagram, interfaces = run("namespaces", probe, udp, devices)
    assert outside == "connected"
    assert str(tcp).startswith(("OSError", "PermissionError"))
    assert str(datagram).startswith("OSError")
    assert interfaces == ["lo"]


def test_no_other_process_is_seen(run: Run) -> None:
    """Does /proc show the student's own processes only, and does no signal reach another?"""
    signal_all = "import os\ntry:\n    os.kill(-1, 9)\nexcept ProcessLookupError:\n    said = 'nobody'"
    parent = "import os\nos.kill(os.getppid() or 2, 0)"
    seen, everybody, above, after = run("namespaces", SEE_PROCESSES, signal_all, parent, SEE_PROCESSES)
    assert seen == [1]
    assert everybody == "nobody"
    assert str(above).startswith("ProcessLookupError")
    assert after == [1]


def test_nothing_is_left_for_the_next(run: Run) -> None:
    """Is every place where a file could be left fresh for the next submission, and shared memory gone?"""
    shm = """
        import ctypes
        said = ctypes.CDLL(None).shmget(4711, 4096, 0o1666)
    """
    attach = "import ctypes\nsaid = ctypes.CDLL(None).shmget(4711, 4096, 0)"
    left, found, made, seen = run("namespaces", LEAVE, FIND, "import os" + shm, attach)
    assert left == "left"
    assert found == []
    assert made != -1
    assert seen == -1


def test_the_system_is_read_only(run: Run) -> None:
    """Can Python, the system or the tree itself be written?"""
    prefix = sys.prefix
    probe = """
        import os
        said = []
        for path in ("/usr/x", "/x", "/etc/x", %r + "/x", "/proc/sys/kernel/hostname", "/dev/x"):
            try:
                open(path, "w").close()
                said.append(path)
            except OSError:
                pass
    """
    assert run("namespaces", textwrap.dedent(probe % prefix)) == [[]]


def test_an_environment_below_tmp_stays_readable(run: Run, tmp_path: Path) -> None:
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
        seen = run("namespaces", look, look, readable=(str(package),))
    finally:
        shutil.rmtree(package)
    for content, listed, writing in seen:  # type: ignore[misc]
        assert (content, writing) == ("x = 1", "read-only")
        assert package.name in listed
        assert "left" not in listed
        assert not any("course" in name or "pytest-of" in name for name in listed) or "pytest-of" in sys.prefix


def test_no_privilege_and_no_way_to_one(run: Run) -> None:
    """Is the user nobody special, without capabilities, unable to make namespaces, mount, or trace?"""
    status = """
        fields = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines() if ":" in line)
        said = [fields[name].split()[0] for name in ("Uid", "CapEff", "CapPrm", "NoNewPrivs")]
    """
    spaces = """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        said = [libc.unshare(flag) for flag in (0x10000000, 0x20000, 0x40000000)]
        said.append(libc.mount(b"t", b"/tmp", b"tmpfs", 0, None))
    """
    environment = "import os\nsaid = sorted(os.environ)"
    shown, made, names = run("namespaces", status, spaces, environment)
    assert shown == ["1000", "0" * 16, "0" * 16, "1"]
    assert made == [-1, -1, -1, -1]
    assert not {name for name in names if "TOKEN" in name or "KEY" in name or "PIP" in name}  # type: ignore[attr-defined]


def test_descriptors_are_closed(run: Run) -> None:
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
    assert run("namespaces", probe) == [[0, 1, 2]]


@pytest.mark.parametrize("kind", ["namespaces", "unsafe"])
def test_limits_hold(run: Run, kind: str) -> None:
    """Do memory, file size and processes end at their limits, in every sandbox?"""
    memory = "x = bytearray(300 << 20)"
    little = "x = bytearray(50 << 20)\nsaid = 'fine'"
    file = """
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with open("big", "wb") as f:
            for _ in range(20):
                f.write(bytes(1 << 20))
    """
    too_much, fits, large = run(kind, memory, little, file, memory_mb=200, file_mb=8)
    assert str(too_much).startswith("MemoryError")
    assert fits == "fine"
    assert str(large).startswith("OSError")


def test_scratch_and_process_limits_hold(run: Run) -> None:
    """Are disk space, number of files and number of processes bounded?"""
    disk = """
        for number in range(200):
            open(f"f{number}", "wb").write(bytes(1 << 20))
    """
    many = """
        for number in range(30000):
            open(f"f{number}", "wb").close()
    """
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
    full, crowded, started = run("namespaces", disk, many, forks, scratch_mb=32, processes=20)
    assert "No space left" in str(full)
    assert "No space left" in str(crowded)
    assert isinstance(started, int)
    assert started < 20


@pytest.mark.parametrize("kind", ["namespaces", "unsafe"])
def test_the_working_folder_is_as_given(run: Run, kind: str) -> None:
    """Are the assignment's files there, writable, and whole again for the next submission?"""
    change = "said = open('data/a.txt').read()\nopen('data/a.txt', 'w').write('changed')"
    first, second = run(kind, change, change, files={"data/a.txt": "A"})
    assert first == "A"
    assert second == ("A" if kind == "namespaces" else "changed")


def test_everything_a_submission_started_ends_with_it(run: Run) -> None:
    """Does a daemon that left its group and session end when the submission does?"""
    daemon = """
        import os, time
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(30)
            os._exit(0)
        time.sleep(0.2)
        said = len([name for name in os.listdir("/proc") if name.isdigit()])
    """
    alive, after = run("namespaces", daemon, SEE_PROCESSES)
    assert alive == 3 or alive == 2
    assert after == [1]


def test_the_maps_give_the_student_nobodys_rights() -> None:
    """Is the user outside the sandbox neither root nor this one?"""
    users, groups = user_maps()
    assert users == groups == "0 0 1\n1000 65534 1\n"
    assert NamespaceSandbox.name != UnsafeSandbox.name
    assert all(Path(folder).is_dir() for folder in readable_folders())
    assert Seat(Limits()).files == {}
