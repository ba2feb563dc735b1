"""Does what an LMS or a form gives come in under the right names, and nothing that is not certain, or hostile?"""

from __future__ import annotations

import io
import json
import os
import stat
import unicodedata
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fake_course import hand_in, make_course, rows
from fake_engine import order
from hub_class import Student, make_fake_hub_course
from saiten.cli import main
from saiten.collect import claims, pattern_of
from saiten.collect.naming import plain_stem
from saiten.course import Course
from saiten.errors import CourseError
from tiny_course import make_tiny_course

NOTEBOOK = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
WORKSHEET = "\ufeffIdentifier,Full name,ID number,Email address\nParticipant 4711,山田 花子,student-001,h@example.org\n"
"""as Moodle's grading worksheet has it"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with one assignment, "tiny", of one notebook, "mean"."""
    make_tiny_course(tmp_path / "course")
    return tmp_path / "course"


def run(course: Path, *arguments: str, assignment: str = "tiny") -> Result:
    """`saiten collect`."""
    return CliRunner().invoke(
        main, ["collect", assignment, "--course", str(course), *arguments], prog_name="saiten", catch_exceptions=False
    )


def packed(path: Path, files: Mapping[str, str | bytes], moment: tuple[int, ...] = (2026, 4, 1, 12, 0, 0)) -> str:
    """A zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, moment), content)  # type: ignore[arg-type]
    return str(path)


def submitted(course: Path) -> dict[str, bytes]:
    """What lies under `submitted/`."""
    folder = course / "submitted"
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return dict(sorted(found.items()))


def listed(tmp_path: Path, text: str) -> str:
    """A list of people on disk."""
    path = tmp_path / "people.csv"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    "name",
    [
        "山田 花子_4711_assignsubmission_file_/mean.ipynb",
        "山田 花子_4711_assignsubmission_file/mean.ipynb",
        "山田 花子_4711_assignsubmission_file_mean.ipynb",
        "all/山田花子_4711_assignsubmission_file_/mean のコピー.ipynb",
        "山田 花子_99_assignsubmission_file_/whatever.ipynb",
    ],
)
def test_moodles_download(course: Path, tmp_path: Path, name: str) -> None:
    """Is the student found by the participant's number, or by the name, and the notebook by what it has to be?"""
    done = run(course, "--from", packed(tmp_path / "m.zip", {name: NOTEBOOK}), "--roster", listed(tmp_path, WORKSHEET))
    assert done.exit_code == 0, done.output
    assert submitted(course) == {"student-001/tiny/mean.ipynb": NOTEBOOK.encode()}
    assert "named as moodle does" in done.output


def test_canvas_download(course: Path, tmp_path: Path) -> None:
    """Is the student found by Canvas's number, late or not, and of two attempts is the later one taken?"""
    roster = 'Student,ID,SIS User ID,SIS Login ID\n"Yamada, Hanako",11,u1,student-001\n"Sato, Taro",12,u2,student-002\n'
    archive = packed(
        tmp_path / "c.zip",
        {
            "yamadahanako_11_8001_mean.ipynb": "{}",
            "yamadahanako_LATE_11_8002_mean-1.ipynb": NOTEBOOK,
            "satotaro_12_8003_my work.ipynb": NOTEBOOK,
            "satotaro_12_8004_notes.txt": "n",
        },
    )
    done = run(course, "--from", archive, "--roster", listed(tmp_path, roster))
    assert done.exit_code == 0, done.output
    assert submitted(course) == {
        "student-001/tiny/mean.ipynb": NOTEBOOK.encode(),
        "student-002/tiny/mean.ipynb": NOTEBOOK.encode(),
        "student-002/tiny/notes.txt": b"n",
    }
    assert "of 2 files for mean.ipynb" in done.output


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_files_of_a_form(course: Path, tmp_path: Path, form: str) -> None:
    """Are files of Colab users, who copy and rename, told apart by a pattern, however their letters are written?"""
    folder = tmp_path / "uploads"
    folder.mkdir()
    names = [
        "2022_0114student-001.ipynb",
        "2022_0114student-002 のコピー.ipynb",
        "「がぎ」2022_0114student-003 (1).ipynb",
    ]
    for name in names:
        (folder / unicodedata.normalize(form, name)).write_text(NOTEBOOK)
    (folder / "memo.txt").write_text("not a hand-in")
    pattern = r"2022_0114(?P<student>student-\d+)"
    done = run(course, "--from", str(folder), "--pattern", pattern)
    assert done.exit_code == 1, "one file is nobody's"
    assert list(submitted(course)) == [f"student-00{number}/tiny/mean.ipynb" for number in (1, 2, 3)]
    assert "Left out: memo.txt: its name does not say whose it is" in done.output


def test_folders_by_student(course: Path, tmp_path: Path) -> None:
    """Does the plainest way, a folder for each student, need neither list nor pattern?"""
    archive = packed(tmp_path / "f.zip", {"student-001/mean.ipynb": NOTEBOOK, "student-002/mean.ipynb": NOTEBOOK})
    done = run(course, "--from", archive)
    assert done.exit_code == 0, done.output
    assert list(submitted(course)) == ["student-001/tiny/mean.ipynb", "student-002/tiny/mean.ipynb"]


def test_a_second_time_changes_nothing(course: Path, tmp_path: Path) -> None:
    """Are the files the same ones, by their inodes, and is another version of one student's brought in alone?"""
    first = packed(tmp_path / "1.zip", {"student-001/mean.ipynb": NOTEBOOK, "student-002/mean.ipynb": NOTEBOOK})
    assert run(course, "--from", first).exit_code == 0
    before = {path: path.stat().st_ino for path in (course / "submitted").rglob("*.ipynb")}
    again = run(course, "--from", first)
    assert "0 are new or changed, 2 as before" in again.output
    assert {path: path.stat().st_ino for path in (course / "submitted").rglob("*.ipynb")} == before
    second = packed(tmp_path / "2.zip", {"student-001/mean.ipynb": NOTEBOOK, "student-002/mean.ipynb": "{}"})
    assert "1 would be written, 1 as before" in run(course, "--from", second, "--dry-run").output
    assert submitted(course)["student-002/tiny/mean.ipynb"] == NOTEBOOK.encode()
    assert "1 are new or changed, 1 as before" in run(course, "--from", second).output
    assert submitted(course)["student-002/tiny/mean.ipynb"] == b"{}"


def test_times_count_only_where_they_are_said_to(course: Path, tmp_path: Path) -> None:
    """Is a download's time no lateness by itself; with --times, is it, and does an older file replace no newer one?"""
    new = packed(tmp_path / "n.zip", {"student-001/mean.ipynb": NOTEBOOK}, (2026, 4, 2, 12, 0, 0))
    old = packed(tmp_path / "o.zip", {"student-001/mean.ipynb": "{}"}, (2026, 4, 1, 12, 0, 0))
    assert run(course, "--from", new).exit_code == 0
    assert list(submitted(course)) == ["student-001/tiny/mean.ipynb"]
    assert run(course, "--from", new, "--times").exit_code == 0
    stamp = submitted(course)["student-001/tiny/timestamp.txt"].decode()
    local = datetime(2026, 4, 2, 12).astimezone(UTC)
    assert stamp == local.strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    kept = run(course, "--from", old, "--times")
    assert "1 newer in the course" in kept.output
    assert submitted(course)["student-001/tiny/mean.ipynb"] == NOTEBOOK.encode()


def test_who_is_not_certain_is_left_out(course: Path, tmp_path: Path) -> None:
    """Are a stranger, two of one name, and an id that is no folder's name told, and nothing of theirs written?"""
    roster = "Full name,ID number\nA B,student-001\nA B,student-002\nC D,../student-003\nE F,student-004\n"
    names = ["A B", "C D", "G H", "E F"]
    archive = packed(
        tmp_path / "m.zip",
        {f"{name}_{at}_assignsubmission_file_/mean.ipynb": NOTEBOOK for at, name in enumerate(names)},
    )
    done = run(course, "--from", archive, "--roster", listed(tmp_path, roster))
    assert done.exit_code == 1
    assert list(submitted(course)) == ["student-004/tiny/mean.ipynb"]
    for words in ("A B stands in the list more than once", "3 is not in the list", "can be no student's id"):
        assert words.replace("3 is", "2 is") in done.output
    without = run(course, "--from", archive)
    assert without.exit_code == 1
    assert "its name holds no student's id; give the list" in without.output


def test_a_hostile_archive(course: Path, tmp_path: Path) -> None:
    """Are paths out of it, links, encrypted, damaged and exploding files left out, and nothing else harmed?"""
    path = tmp_path / "h.zip"
    link = zipfile.ZipInfo("student-005/mean.ipynb")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("student-001/mean.ipynb", NOTEBOOK)
        archive.writestr("../student-002/mean.ipynb", NOTEBOOK)
        archive.writestr("/student-003/mean.ipynb", NOTEBOOK)
        archive.writestr("student-004/../../mean.ipynb", NOTEBOOK)
        archive.writestr(link, "/etc/passwd")
        archive.writestr("student-006/mean.ipynb", b"\0" * (20 << 20))
        archive.writestr("student-007/mean.ipynb", os.urandom(5000))
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        offset = archive.getinfo("student-007/mean.ipynb").header_offset + 100
    content[offset : offset + 50] = bytes(50)
    path.write_bytes(bytes(content))
    done = run(course, "--from", str(path))
    assert done.exit_code == 1
    assert list(submitted(course)) == ["student-001/tiny/mean.ipynb"]
    for words in ("leads out of the archive", "a link or a device", "packed like no real file", "cannot be unpacked"):
        assert words in done.output, words
    assert not (tmp_path / "student-002").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip file"])
def test_what_is_no_archive_is_refused(course: Path, tmp_path: Path, content: bytes) -> None:
    """Is it one sentence, with exit code 2?"""
    (tmp_path / "x.zip").write_bytes(content)
    done = run(course, "--from", str(tmp_path / "x.zip"))
    assert done.exit_code == 2
    assert "is no zip file" in done.output
    assert run(course, "--from", str(tmp_path / "none.zip")).exit_code == 2


@pytest.mark.parametrize("pattern", ["(", "(?P<who>x)"])
def test_a_pattern_that_is_none_is_refused(pattern: str) -> None:
    """Is the next step an example?"""
    with pytest.raises(CourseError, match="pattern"):
        pattern_of(pattern)


def test_names_that_fit_nothing_are_refused(course: Path, tmp_path: Path) -> None:
    """Is nobody guessed at where no known way fits half of the files?"""
    archive = packed(tmp_path / "x.zip", {f"work {number}.ipynb": NOTEBOOK for number in range(4)})
    done = run(course, "--from", archive)
    assert done.exit_code == 2
    assert "No file's name says who handed it in" in done.output
    assert claims(["a.ipynb", "student-001/mean.ipynb", "b.ipynb"], None) == ([], "")


@pytest.mark.parametrize(
    "name",
    [
        "mean",
        "mean のコピー",
        "mean - コピー (2)",
        "Copy of mean",
        "mean-Copy1",
        "mean (1) のコピー",
        "コピー ~ mean",
        "mean-2",
    ],
)
def test_what_copying_adds_to_a_name(name: str) -> None:
    """Is it the same notebook?"""
    assert plain_stem(f"{name}.ipynb") == "mean"


def test_nbgraders_exchange_and_marking_at_once(tmp_path: Path) -> None:
    """Without --from, does nbgrader's own collect bring it in; with --grade, is it marked?"""
    course = make_fake_hub_course(tmp_path)
    Student(tmp_path, "student-001", "ps1").order(scores={"mean-test": 2})
    done = run(course.root, assignment="ps1")
    assert done.exit_code == 0, done.output
    assert "1 have handed in, 1 of them are new, 0 have handed in again." in done.output
    assert (course.submitted_dir("ps1", "student-001") / "problem1.ipynb").is_file()
    wrong = run(course.root, "--times", assignment="ps1")
    assert wrong.exit_code == 2
    assert "--times is for a zip file or folder" in wrong.output


def test_an_exchange_that_is_not_there(tmp_path: Path) -> None:
    """Is it a sentence, not a traceback?"""
    make_course(tmp_path, f"c.CourseDirectory.course_id = 'x'\nc.Exchange.root = {str(tmp_path / 'none')!r}\n")
    hand_in(tmp_path, order("student-001"))
    done = run(Course.find(tmp_path).root, assignment="ps1")
    assert done.exit_code == 2
    assert "There is no exchange: the folder" in done.output
    assert "c.Exchange.root" in done.output


@pytest.mark.system
@pytest.mark.parametrize("way", ["moodle", "canvas"])
def test_two_hundred_from_collect_to_export_in_two_commands(course: Path, tmp_path: Path, way: str) -> None:
    """Does a class come in, get marked and go out again, matched to the other system's people?"""
    from tiny_course import RIGHT, WRONG
    from tiny_course import submitted as tiny_work

    files: dict[str, str | bytes] = {}
    lines = ["Identifier,Full name,Username" if way == "moodle" else "Student,ID,SIS User ID,SIS Login ID,Section"]
    for number in range(200):
        student = f"student-{number:03d}"
        work = tiny_work(tmp_path / "work", student, RIGHT if number % 2 else WRONG, "It is the middle.")
        content = (work / "mean.ipynb").read_bytes()
        if way == "moodle":
            files[f"Made Up {number}_{5000 + number}_assignsubmission_file_/mean.ipynb"] = content
            lines.append(f"Participant {5000 + number},Made Up {number},{student}")
        else:
            files[f"up{number}made_{700 + number}_{9000 + number}_mean.ipynb"] = content
            lines.append(f'"Up{number}, Made",{700 + number},,{student},A')
    archive, roster = packed(tmp_path / "all.zip", files), listed(tmp_path, "\n".join(lines))
    first = run(course, "--from", archive, "--roster", roster, "--grade")
    assert first.exit_code == 0, first.output
    assert len(rows(course, "select id from submitted_assignment")) == 200
    target = tmp_path / "out.csv"
    second = CliRunner().invoke(
        main,
        ["export", "--course", str(course), "--to", way, "--roster", roster, "--output", str(target)],
        prog_name="saiten",
    )
    assert "200 students" in second.output
    assert len(target.read_text("utf-8").splitlines()) == 200 + (1 if way == "moodle" else 2)
