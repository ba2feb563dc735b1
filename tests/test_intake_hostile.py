"""Is a submitted folder read without being led elsewhere, held up or misled, and is each refused thing named?"""

from __future__ import annotations

import os
import stat
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fake_engine import FakeEngine, make_bundle
from saiten.gradebook import Practice, marked_folder
from saiten.intake import FolderLimits, read_submission
from saiten.submission import Submission

LIMITS = FolderLimits(file_bytes=1 << 20, total_bytes=1 << 22, files=100)
NOTEBOOK = b'{"scores": {}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hand-in with its one notebook, beside files that are nobody's business."""
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secret.txt").write_text("secret")
    handed = tmp_path / "submitted" / "student-666" / "ps1"
    handed.mkdir(parents=True)
    (handed / "n1.ipynb").write_bytes(NOTEBOOK)
    return handed


def read(folder: Path, expected: tuple[str, ...] = ("n1",), limits: FolderLimits = LIMITS) -> Submission:
    """Read it."""
    return read_submission(folder, "student-666", "ps1", expected, limits)


def when_opened(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], None]) -> None:
    """Do something at the moment in which the reader opens an entry, after it has looked at it."""
    real = os.open

    def opened(path: Any, *rest: Any, **more: Any) -> int:
        if path == name:
            act()
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", opened)


def test_a_folder_that_becomes_a_link_while_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is the link not followed, though a folder stood there a moment before?"""
    (folder / "data").mkdir()

    def swap() -> None:
        (folder / "data").rmdir()
        (folder / "data").symlink_to(folder.parents[2] / "secrets", target_is_directory=True)

    when_opened(monkeypatch, "data", swap)
    submission = read(folder)
    assert (folder / "data").is_symlink()
    assert (submission.files, submission.notes) == ({}, ("data was left out: it is a symbolic link.",))


def test_a_file_that_becomes_a_pipe_while_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does nobody wait for a pipe, whenever it appeared?"""
    (folder / "data.csv").write_text("1")

    def swap() -> None:
        (folder / "data.csv").unlink()
        os.mkfifo(folder / "data.csv")

    when_opened(monkeypatch, "data.csv", swap)
    submission = read(folder)
    assert (submission.files, submission.notes) == ({}, ("data.csv was left out: it is not a regular file.",))


def test_a_file_that_is_gone_when_it_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is it named, and the rest read?"""
    (folder / "a.csv").write_text("1")
    (folder / "b.csv").write_text("2")
    when_opened(monkeypatch, "a.csv", (folder / "a.csv").unlink)
    submission = read(folder)
    assert submission.files == {"b.csv": b"2"}
    assert submission.notes == ("a.csv was left out: it cannot be opened (no such file or directory).",)


def test_a_file_that_grows_while_it_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is no more read than what was found to be within the limits?"""
    (folder / "log.txt").write_bytes(b"x" * 1000)
    real, grown = os.fstat, []

    def grow(descriptor: int) -> os.stat_result:
        status = real(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_size == 1000:
            with (folder / "log.txt").open("ab") as file:
                file.write(b"y" * (2 << 20))
            grown.append(descriptor)
        return status

    monkeypatch.setattr(os, "fstat", grow)
    assert read(folder).files == {"log.txt": b"x" * 1000}
    assert grown


def test_a_device_is_not_even_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is a device file refused by its looks?"""
    (folder / "tape").write_text("")
    real = os.stat

    def device(path: Any, *rest: Any, **more: Any) -> os.stat_result:
        status = real(path, *rest, **more)
        if path != "tape":
            return status
        return os.stat_result((stat.S_IFCHR | 0o600, *tuple(status)[1:]))

    monkeypatch.setattr(os, "stat", device)
    when_opened(monkeypatch, "tape", lambda: pytest.fail("it was opened"))
    submission = read(folder)
    assert (submission.files, submission.notes) == ({}, ("tape was left out: it is not a regular file.",))


@pytest.mark.parametrize("name", ["data", "n1.ipynb", "ps1"])
def test_what_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Is a folder, a notebook or a whole submission without permission named, with the reason?"""
    (folder / "data").mkdir()
    (folder / "data" / "x").write_text("1")
    real = os.open

    def refuse(path: Any, *rest: Any, **more: Any) -> int:
        if os.fspath(path).endswith(name):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)
    submission = read(folder)
    reasons = {
        "data": "data was left out: it cannot be opened (permission denied).",
        "n1.ipynb": "n1.ipynb cannot be read: it cannot be opened (permission denied)",
        "ps1": "the submission's folder cannot be opened: permission denied",
    }
    assert reasons[name] in (*submission.notes, submission.problem)
    assert bool(submission.problem) == (name != "data")


def test_names_with_line_ends_and_commands(folder: Path) -> None:
    """Does no name reach a terminal or a log as it is?"""
    for name in ("a\nb: all points", "c\r\x1b[2K", "d\x9b31m", "e\u202efdp.exe", "f\u2028g"):
        (folder / name).symlink_to(folder)
    submission = read(folder)
    assert len(submission.notes) == 5
    assert all(note.isprintable() for note in submission.notes)
    assert submission.notes[0] == r"a\nb: all points was left out: it is a symbolic link."


def test_twins_by_case_and_by_unicode(folder: Path) -> None:
    """Does the name to the letter win over its twins, and are they named?"""
    name = "が"
    other = unicodedata.normalize("NFD", name)
    for each, text in (("N1", "1"), (name, "2"), (other, "3"), ("n1 copy", "4")):
        (folder / f"{each}.ipynb").write_text(text)
    submission = read(folder, ("n1", name))
    assert submission.notebooks["n1"] == NOTEBOOK
    assert submission.notebooks[name] == b"2"
    (note,) = submission.notes
    assert note.endswith(": no notebook of this assignment, not marked.")
    assert note.startswith("N1.ipynb, ")
    assert "n1 copy.ipynb" in note


def test_a_hundred_notebooks_too_many(folder: Path) -> None:
    """Is the list of what does not belong short?"""
    for number in range(60):
        (folder / f"x{number:02}.ipynb").write_text("{}")
    (note,) = read(folder).notes
    assert note == (
        "x00.ipynb, x01.ipynb, x02.ipynb, x03.ipynb, x04.ipynb and 55 more: no notebook of this assignment, not marked."
    )


def test_an_archive_is_a_file_like_any_other(folder: Path) -> None:
    """Is a zip bomb never unpacked?"""
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../out.txt", bytes(8 << 20))
    size = (folder / "bomb.zip").stat().st_size
    submission = read(folder)
    assert {name: len(content) for name, content in submission.files.items()} == {"bomb.zip": size}
    assert submission.notes == ()


def test_a_path_of_four_thousand_characters(folder: Path) -> None:
    """Is it read or refused, shown cut, and never written where a file system would choke on it?"""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(15):
        os.mkdir("d" * 250, dir_fd=here)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    with open(os.open("f" * 250, os.O_CREAT | os.O_WRONLY, dir_fd=here), "w") as file:
        file.write("deep")
    os.close(here)
    submission = read(folder)
    (name,) = submission.files
    assert len(name) == 16 * 250 + 15
    bundle = make_bundle()
    handed = Submission("student-666", bundle.assignment, {"problem1": NOTEBOOK}, submission.files)
    wanted = marked_folder(bundle, handed, FakeEngine(bundle).mark(handed), Practice(url=""))
    assert set(wanted.files) == {"problem1.ipynb"}
    (note,) = wanted.notes
    assert note.endswith("is not in autograded/: its name is too long")
    assert len(note) < 250


def test_a_flood_of_files_ends(folder: Path) -> None:
    """Are very many small files read up to the limit only, the notebook among them?"""
    for number in range(1500):
        (folder / f"f{number:04}").touch()
    submission = read(folder, limits=FolderLimits(file_bytes=1 << 20, total_bytes=1 << 22, files=200))
    assert len(submission.files) + len(submission.notebooks) == 200
    assert submission.notebooks == {"n1": NOTEBOOK}
    assert len(submission.notes) == 51
    assert submission.notes[-1] == "1251 more were left out."


@pytest.mark.parametrize("content", [b"", b"\xef\xbb\xbf{}", b"\0" * 1000, b'"\\ud800"', b"{}\r\n", b"\xff\xfe{\0}\0"])
def test_any_bytes_are_a_submission(folder: Path, content: bytes) -> None:
    """Is nothing parsed here: are the bytes handed on as they are?"""
    (folder / "n1.ipynb").write_bytes(content)
    submission = read(folder)
    assert (submission.notebooks, submission.problem) == ({"n1": content}, "")
