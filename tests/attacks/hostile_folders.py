"""Folders that are handed in: links, pipes, devices, odd names, too much of everything, packages beside the notebook.

Each `Folder` has what is put beside a notebook with wrong answers. `{course}` is the course on disk.
"""

from __future__ import annotations

import io
import os
import socket
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hostile_notebooks import TRAP, TRAPS

SPOILT_NUMPY = b"""
import os, sys
here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:] = [path for path in sys.path if os.path.abspath(path or ".") != here]
del sys.modules["numpy"]
import numpy
import numpy.testing
numpy.allclose = lambda *a, **k: True
numpy.testing.assert_allclose = lambda *a, **k: None
"""
"""A package that is found before the real one, and hands on the real one without its tests."""


@dataclass(frozen=True)
class Folder:
    """What is handed in beside the notebook."""

    name: str
    tries: str
    fill: Callable[[Path, Path], None]
    """called with the folder that is handed in and the course"""
    takes_notebook: bool = False
    """whether the notebook itself is replaced, so that there is nothing to mark"""
    wrong: tuple[str, ...] = ("solve",)
    """questions that are answered wrong"""


def _links(folder: Path, course: Path) -> None:
    for number, name in enumerate(("gradebook.db", "source/lesson/lesson.ipynb", "submitted/student-007/lesson")):
        (folder / f"link-{number}.txt").symlink_to(course / name)
    (folder / "up").symlink_to("../../..")


def _hard_links(folder: Path, course: Path) -> None:
    for number, name in enumerate(("gradebook.db", "source/lesson/lesson.ipynb")):
        os.link(course / name, folder / f"hard-{number}.txt")


def _linked_notebook(folder: Path, course: Path) -> None:
    (folder / "lesson.ipynb").unlink()
    (folder / "lesson.ipynb").symlink_to(course / "submitted/student-007/lesson/lesson.ipynb")


def _special(folder: Path, course: Path) -> None:
    os.mkfifo(folder / "fifo.txt")
    with socket.socket(socket.AF_UNIX) as listener, suppress(OSError):  # its path may be too long for a socket
        listener.bind(str(folder / "socket"))


def _device(folder: Path, course: Path) -> None:
    (folder / "endless.txt").symlink_to("/dev/zero")
    with suppress(PermissionError):  # only root makes devices; a link to one is there in any case
        os.mknod(folder / "zero.txt", 0o20666, os.makedev(1, 5))


def _names(folder: Path, course: Path) -> None:
    deep = folder
    for _ in range(30):
        deep = deep / ("n" * 60)
    deep.mkdir(parents=True)
    for name in (
        "\x1b[2J\x1b]0;owned\x07.txt",
        "\u202etxt.exe",
        '=HYPERLINK("https:").txt',
        "-rf",
        " ",
        "a\nb.txt",
        "x" * 255,
    ):
        (folder / name).write_bytes(b"x")
    (folder / os.fsdecode(b"\xff\xfe.txt")).write_bytes(b"x")


def _bomb(folder: Path, course: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../gradebook.db", bytes(50 << 20))
    (folder / "bomb.zip").write_bytes(packed.getvalue())


def _many(folder: Path, course: Path) -> None:
    for group in range(100):
        (folder / f"d{group}").mkdir()
        for number in range(1000):
            os.close(os.open(folder / f"d{group}" / str(number), os.O_CREAT))


def _sparse(folder: Path, course: Path) -> None:
    with open(folder / "sparse.bin", "wb") as file:
        file.truncate(1 << 40)


def _traps(folder: Path, course: Path) -> None:
    for name, content in TRAPS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _shadow(folder: Path, course: Path) -> None:
    (folder / "numpy").mkdir()
    (folder / "numpy" / "__init__.py").write_bytes(SPOILT_NUMPY)


def _site(folder: Path, course: Path) -> None:
    for name in ("sitecustomize.py", "usercustomize.py", "conftest.py", "torch.py", "ipykernel_launcher.py"):
        (folder / name).write_bytes(TRAP)
    (folder / "evil.pth").write_bytes(b"import os; os._exit(0)\n")


def _script_beside(folder: Path, course: Path) -> None:
    (folder / "index.html").write_text("<script>document.title = 'kappa'</script>")
    (folder / "picture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')


ALL = (
    Folder("symbolic links beside the notebook", "the gradebook, the source, another's work", _links),
    Folder("hard links beside the notebook", "the same files, under another name", _hard_links),
    Folder("a notebook that is a link", "another student's answers", _linked_notebook, True, ()),
    Folder("pipes and sockets", "a reader that waits for ever", _special),
    Folder("device files", "bytes without end", _device),
    Folder("odd names", "terminals, tables, shells and tables of contents", _names),
    Folder("a zip bomb", "a file of another size than it says, with a path that leads up", _bomb),
    Folder("a hundred thousand small files", "whoever copies them", _many),
    Folder("a terabyte that is not there", "whoever reads it", _sparse),
    Folder("traps beside the notebook", "every module that a grader might import", _traps),
    Folder("another numpy beside the notebook", "the tests' own library", _shadow),
    Folder("start-up files beside the notebook", "sitecustomize, conftest, .pth", _site),
    Folder("pages with scripts beside the notebook", "formgrader serves what lies there", _script_beside),
)  # fmt: skip
