"""Does all of this hold for an ordinary user, too? The sandbox, engine and doctor suites once more, as nobody.

Once with user namespaces, and once where they are refused, as most containers do: there the second floor has to do.
Needs root, to become somebody else; and an own mount namespace, in which Python and this checkout are readable even
where they live in root's home.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Replaces every folder that nobody may not enter by one that holds only what is needed, then becomes nobody.
BECOME_NOBODY = """
import os, sys
from pathlib import Path
from saiten.grading import linux

linux.unshare(linux.CLONE_NEWNS)
linux.make_private()
needed = [Path(path) for path in sys.argv[1].split(":")]
kept = Path(sys.argv[2])
tops = {}
for path in needed:
    closed = [parent for parent in reversed(path.parents) if not parent.stat().st_mode & 0o001]
    if closed:
        tops.setdefault(closed[0], []).append(path)
for number, (top, paths) in enumerate(tops.items()):
    places = []
    for index, path in enumerate(paths):
        place = kept / f"{number}-{index}"
        place.mkdir()
        linux.mount(str(path), str(place), None, linux.MS_BIND | linux.MS_REC)
        places.append(place)
    linux.mount("open", str(top), "tmpfs", 0, "mode=0755")
    for path, place in zip(paths, places):
        path.mkdir(parents=True, exist_ok=True)
        linux.mount(str(place), str(path), None, linux.MS_BIND | linux.MS_REC)
os.chdir(needed[0])
if sys.argv[3] == "refused":
    import pyseccomp
    container = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    container.set_attr(pyseccomp.Attr.CTL_NNP, 0)
    for call in ("unshare", "setns", "mount"):
        container.add_rule(pyseccomp.ERRNO(1), call)
    container.load()
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
os.execv(sys.executable, [sys.executable, *sys.argv[4:]])
"""


@pytest.mark.system
@pytest.mark.timeout(900)
@pytest.mark.parametrize("namespaces", ["allowed", "refused"])
@pytest.mark.parametrize("suite", ["tests/sandbox", "tests/grading/test_engine.py", "tests/test_doctor.py"])
def test_an_ordinary_user_can_mark_safely(suite: str, namespaces: str, tmp_path: Path) -> None:
    """Do all walls hold, and all tests mean the same, without any privilege?"""
    assert os.getuid() == 0, "run this as root: it gives up its rights"
    needed = ":".join(map(str, (ROOT, sys.prefix, sys.base_prefix)))
    command = [sys.executable, "-c", BECOME_NOBODY, needed, str(tmp_path), namespaces]
    pytest_arguments = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", suite]
    if namespaces == "refused":
        pytest_arguments += ["-k", "not namespaces"]  # see the docstring of the sandbox suite
    environment = {**os.environ, "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [*command, *pytest_arguments], env=environment, capture_output=True, text=True, timeout=850, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
