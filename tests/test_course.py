"""Are courses found, configured and laid out as nbgrader has it, and are submissions read as hostile files?"""

from __future__ import annotations

import json
import os
import re
import socket
import unicodedata
from dataclasses import fields
from datetime import datetime
from pathlib import Path

import pytest

from course_samples import DOUBLE, make_course, notebook_json
from saiten.bundle import Limits
from saiten.config import Saiten
from saiten.course import Course
from saiten.errors import CourseError
from saiten.settings import InstantFeedback, Schedule, Settings, read_settings
from saiten.submission import Submission

ROOT = Path(__file__).parent.parent
NOTEBOOK = notebook_json(DOUBLE)


@pytest.fixture(autouse=True)
def _own_jupyter_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path_factory.mktemp("jupyter")))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")


# --- finding a course -------------------------------------------------------------------------------------------------


def test_a_folder_with_source_is_a_course_without_any_configuration(tmp_path: Path) -> None:
    """Does an existing nbgrader course work as it is, from anywhere inside it?"""
    make_course(tmp_path)
    inside = tmp_path / "source" / "a1"
    course = Course.find(inside)
    assert course.root == tmp_path
    assert course.coursedir.db_url == f"sqlite:///{tmp_path}/gradebook.db"
    assert course.options.languages == ["ja", "en"]
    assert [each.name for each in course.assignments()] == ["a1"]


def test_the_current_folder_is_where_the_search_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a path, is the course above the current folder found?"""
    make_course(tmp_path)
    monkeypatch.chdir(tmp_path / "source")
    assert Course.find().root == tmp_path


def test_no_course_is_one_sentence(tmp_path: Path) -> None:
    """Does a folder outside any course, or none at all, say what to do?"""
    with pytest.raises(CourseError, match=r"No course at .* --course DIR"):
        Course.find(tmp_path)
    with pytest.raises(CourseError, match="no folder"):
        Course.find(tmp_path / "nowhere")


def test_the_configuration_moves_everything(tmp_path: Path) -> None:
    """Are directory names, structure, course id, database and Saiten's own options honoured?"""
    config = """
c.CourseDirectory.source_directory = "master"
c.CourseDirectory.solution_directory = "solutions"
c.CourseDirectory.directory_structure = "{nbgrader_step}/{assignment_id}/by-{student_id}"
c.CourseDirectory.course_id = "vision"
c.CourseDirectory.db_url = "sqlite:///marks/book.db"
c.Saiten.languages = ["en"]
c.Saiten.autograder_directory = "judge"
"""
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\n{config}")
    for student in ("ada", "bob"):
        folder = tmp_path / "submitted" / "ps" / f"by-{student}"
        folder.mkdir(parents=True)
        (folder / "n1.ipynb").write_text(NOTEBOOK)
    source = tmp_path / "master" / "ps" / "by-."
    source.mkdir(parents=True)
    (source / "n1.ipynb").write_text(NOTEBOOK)
    course = Course.find(tmp_path)
    assignment = course.assignment("ps")
    assert [each.name for each in course.assignments()] == ["ps"]
    assert (course.coursedir.course_id, course.coursedir.db_url) == ("vision", f"sqlite:///{tmp_path}/marks/book.db")
    assert course.options.languages == ["en"]
    assert course.autograder_dir("ps") == tmp_path / "judge" / "ps" / "by-."
    assert course.solutions_dir("ps") == tmp_path / "solutions" / "ps" / "by-."
    assert course.feedback_dir("ps", "ada") == tmp_path / "feedback" / "ps" / "by-ada"
    assert course.students() == ["ada", "bob"]
    assert [each.student for each in course.submissions(assignment)] == ["ada", "bob"]


def test_the_command_line_beats_a_configured_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Does `CourseDirectory.root` lead elsewhere for the current folder, but not against an explicit path?"""
    make_course(tmp_path / "real")
    desk = tmp_path / "desk"
    make_course(desk, name="other", config="c.CourseDirectory.root = '../real'")
    monkeypatch.chdir(desk)
    assert Course.find().root == tmp_path / "real"
    assert Course.find(desk).root == desk


def test_jupyters_configuration_is_read_first_and_loses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Is nbgrader_config.py on Jupyter's path read, the course's own stronger, and its root the last resort?"""
    jupyter, away = Path(os.environ["JUPYTER_CONFIG_DIR"]), tmp_path_factory.mktemp("away")
    make_course(tmp_path, config="c.CourseDirectory.course_id = 'mine'")
    (jupyter / "nbgrader_config.py").write_text(
        f"c = get_config()\nc.CourseDirectory.root = {str(tmp_path)!r}\n"
        "c.CourseDirectory.course_id = 'site'\nc.CourseDirectory.release_directory = 'given'\n"
    )
    monkeypatch.chdir(away)
    course = Course.find()
    assert (course.root, course.coursedir.course_id) == (tmp_path, "mine")
    assert course.release_dir("a1") == tmp_path / "given" / "a1"
    make_course(away / "here")
    monkeypatch.chdir(away / "here")
    assert Course.find().root == away / "here"


def test_json_and_old_names_are_understood(tmp_path: Path) -> None:
    """Are nbgrader_config.json and the option names of older versions of nbgrader read as nbgrader reads them?"""
    make_course(tmp_path)
    (tmp_path / "nbgrader_config.json").write_text(json.dumps({"NbGrader": {"course_id": "old", "ignore": ["*.bak"]}}))
    course = Course.find(tmp_path)
    assert (course.coursedir.course_id, course.coursedir.ignore) == ("old", ["*.bak"])


def test_the_configuration_can_import_what_stands_beside_it(tmp_path: Path) -> None:
    """Can nbgrader_config.py use a module of the course's folder, and is sys.path as before afterwards?"""
    import sys

    make_course(tmp_path)
    (tmp_path / "course_terms_of_this_test.py").write_text("NAME = 'faces'\n")
    (tmp_path / "nbgrader_config.py").write_text(
        "c = get_config()\nfrom course_terms_of_this_test import NAME\nc.CourseDirectory.course_id = NAME\n"
    )
    before = list(sys.path)
    assert Course.find(tmp_path).coursedir.course_id == "faces"
    assert sys.path == before


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("c.Saiten.langauges = ['en']", r"c\.Saiten\.langauges .* Did you mean c\.Saiten\.languages\?"),
        ("c.Saiten.zzz = 1", r"c\.Saiten\.zzz .* It has: "),
        ("c.Saiten.workers = 'two'", "wrong value.*workers"),
        ("c.Saiten.languages = []", "languages .* is empty"),
        ("c.CourseDirectory.ignore = 3", "wrong value.*ignore"),
        ("1 / 0", r"nbgrader_config\.py, line 2: .*ZeroDivisionError"),
        ("c.Course = (", r"nbgrader_config\.py, line 2: .*SyntaxError"),
        ("import no_such_module_at_all", "ModuleNotFoundError"),
    ],
)
def test_a_bad_configuration_is_one_sentence(tmp_path: Path, config: str, message: str) -> None:
    """Does each kind of mistake in nbgrader_config.py name itself?"""
    with pytest.raises(CourseError, match=message):
        make_course(tmp_path, config=config)


# --- assignments ------------------------------------------------------------------------------------------------------


def test_an_unknown_assignment_names_the_nearest(tmp_path: Path) -> None:
    """Does a typing error lead to the right name, and a folder without a notebook say so?"""
    course = make_course(tmp_path, name="01-regularization").course
    with pytest.raises(CourseError, match=r"Did you mean 01-regularization\?"):
        course.assignment("01-regularisation")
    with pytest.raises(CourseError, match="There are: 01-regularization"):
        course.assignment("zzz")
    (tmp_path / "source" / "empty").mkdir()
    with pytest.raises(CourseError, match="holds no notebook"):
        course.assignment("empty")
    for name in ("", ".", "..", "../source/01-regularization"):
        with pytest.raises(CourseError, match="no assignment"):
            course.assignment(name)
    assert [each.name for each in course.assignments()] == ["01-regularization"]


def test_text_notebooks_modules_answers_and_data_are_told_apart(tmp_path: Path) -> None:
    """Which files are notebooks, which data, which nobody's?"""
    percent = (
        '# %% nbgrader={"grade": false, "grade_id": "f", "locked": false, "schema_version": 3, "solution": true}\n1\n'
    )
    header = "# ---\n# jupyter:\n#   kernelspec:\n#     name: python3\n# ---\n\n# %%\n1\n"
    assignment = make_course(
        tmp_path,
        {"n1": DOUBLE, "n2": DOUBLE},
        toml='hidden_files = ["secret/*", "*.key"]',
        files={
            "n1.py": percent,
            "n3.py": header,
            "helper.py": "# %% a cell for the editor\nx = 1\n",
            "data/table.csv": "1,2\n",
            "secret/truth.csv": "3\n",
            "answers.key": "4\n",
            "answers/right.py": header,
            "data/old.ipynb": "{}",
            "__pycache__/helper.pyc": "x",
            ".ipynb_checkpoints/n1-checkpoint.ipynb": "{}",
        },
    )
    assert {name: path.name for name, path in assignment.notebooks.items()} == {
        "n1": "n1.py",
        "n2": "n2.ipynb",
        "n3": "n3.py",
    }
    data = assignment.data_files()
    assert list(data) == ["answers.key", "data/table.csv", "helper.py", "secret/truth.csv"]
    assert [name for name in data if assignment.is_hidden(name)] == ["answers.key", "secret/truth.csv"]


def test_settings_are_read(tmp_path: Path) -> None:
    """Does every key of assignment.toml arrive, and a missing file give the defaults?"""
    assert read_settings(tmp_path) == Settings()
    (tmp_path / "assignment.toml").write_text(
        'release = 2026-04-03T09:00:00+09:00\ndue = 2026-04-10T23:59:00+09:00\ngpu = "optional"\n'
        'hidden_files = ["h/*"]\nallow_files = ["*.png"]\nshared_code = ["p.py"]\n'
        '[title]\nja = "正則化"\nen = "Regularisation"\n[limits]\ncell_seconds = 5\nmemory_mb = 100\n'
        '[instant_feedback]\nshow = "total"\nper_day = 3\nquiet_hours = 6\n',
        encoding="utf-8",
    )
    settings = read_settings(tmp_path)
    assert settings.title == {"ja": "正則化", "en": "Regularisation"}
    assert settings.release == datetime.fromisoformat("2026-04-03T09:00:00+09:00")
    assert settings.due == datetime.fromisoformat("2026-04-10T23:59:00+09:00")
    assert (settings.gpu, settings.hidden_files, settings.allow_files) == ("optional", ("h/*",), ("*.png",))
    assert settings.shared_code == ("p.py",)
    assert settings.limits == Limits(cell_seconds=5.0, memory_mb=100)
    assert settings.instant_feedback == InstantFeedback("total", 3, 6.0)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('titel = "x"', r"`titel`.*Did you mean `title`\?"),
        ("zzz = 1", "`zzz`.*Known are"),
        ("[limits]\ncell_second = 1", r"`limits\.cell_second`.*`limits\.cell_seconds`"),
        ("[limits]\ncell_seconds = 0", "`limits.cell_seconds` must be a number of seconds"),
        ("[limits]\ncell_seconds = inf", "`limits.cell_seconds` must be"),
        ("[limits]\nmemory_mb = 1.5", "`limits.memory_mb` must be a whole number"),
        ("[limits]\nprocesses = true", "`limits.processes` must be a whole number"),
        ("limits = 3", "`limits` must be a table"),
        ('gpu = "yes"', '`gpu` must be "none" or'),
        ("gpu = [1]", "`gpu` must be"),
        ('hidden_files = "x"', "`hidden_files` must be a list"),
        ("allow_files = [1]", "`allow_files` must be a list"),
        ("due = 2026-04-10", "`due` must be a date and time with its offset"),
        ("due = 2026-04-10T10:00:00", "`due` must be a date and time with its offset"),
        ("title = {ja = 3}", "`title.ja` must be text"),
        ("[schedule]\nmark = true", r"`schedule\.mark`.*Known are"),
        ("[schedule]\ngrade = 1", "`schedule.grade` must be true or false"),
        ("[schedule]\nfeedback = true", "`schedule.feedback` is on and `schedule.grade` is off"),
        ("[schedule]\nlate_until = 2026-04-10T10:00:00Z", "`schedule.late_until` is not after `due`"),
        ('[instant_feedback]\nshow = "all"', "`instant_feedback.show` must be"),
        ("[instant_feedback]\nquiet_hours = -1", "`instant_feedback.quiet_hours` must be a number of hours"),
        ("release = 2026-04-10T10:00:00Z\ndue = 2026-04-10T10:00:00Z", "`due` is not after `release`"),
        ("not toml", "cannot be read"),
    ],
)
def test_bad_settings_name_the_key(tmp_path: Path, toml: str, message: str) -> None:
    """Does each mistake in assignment.toml say which key, and what it wants?"""
    (tmp_path / "assignment.toml").write_text(toml)
    with pytest.raises(CourseError, match=message) as caught:
        read_settings(tmp_path)
    assert str(tmp_path / "assignment.toml") in str(caught.value)


def test_the_documents_name_every_option() -> None:
    """Do docs/reference/configuration.md and assignment-toml.md list each option with its default?"""
    configuration = (ROOT / "docs/reference/configuration.md").read_text(encoding="utf-8")
    for name, trait in Saiten.class_traits(config=True).items():
        default = json.dumps(trait.default())
        assert f"| `{name}` | `{default}` |" in configuration, name
    page = (ROOT / "docs/reference/assignment-toml.md").read_text(encoding="utf-8")
    for item in fields(Settings):
        assert f"| `{item.name}` | " in page, item.name
    for limit in fields(Limits):
        assert f"| `{limit.name}` | {limit.default:g} | " in page, limit.name
    for item in (*fields(InstantFeedback), *fields(Schedule)):
        assert f"| `{item.name}` | " in page, item.name
    example = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert example


def test_the_example_in_the_documents_is_valid(tmp_path: Path) -> None:
    """Can the assignment.toml shown in the docs be read?"""
    page = (ROOT / "docs/reference/assignment-toml.md").read_text(encoding="utf-8")
    (tmp_path / "assignment.toml").write_text(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[0], encoding="utf-8")
    assert read_settings(tmp_path).limits.memory_mb == 2048


# --- submissions ------------------------------------------------------------------------------------------------------


def hand_in(root: Path, student: str = "ada", **files: str) -> Path:
    """Write a submission of the assignment a1 and return its folder; names hold `__` for a dot."""
    folder = root / "submitted" / student / "a1"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def read(root: Path, **config: object) -> Submission:
    """Read the one submission of a1."""
    lines = "\n".join(f"c.{key.replace('__', '.')} = {value!r}" for key, value in config.items())
    assignment = make_course(root, config=lines)
    (submission,) = assignment.course.submissions(assignment)
    return submission


def test_a_submission_is_notebooks_files_and_a_time(tmp_path: Path) -> None:
    """Does an ordinary hand-in arrive in full, with timestamp.txt as it was written?"""
    folder = hand_in(tmp_path, n1__ipynb=NOTEBOOK, timestamp__txt="2026-04-09 10:00:00 UTC\n", plot__png="x")
    (folder / "data").mkdir()
    (folder / "data" / "deep.csv").write_text("1")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("1")
    submission = read(tmp_path)
    assert submission.notebooks == {"n1": NOTEBOOK.encode()}
    assert submission.files == {"plot.png": b"x", "data/deep.csv": b"1"}
    assert submission.timestamp == "2026-04-09 10:00:00 UTC\n"
    assert (submission.notes, submission.problem) == ((), "")


def test_students_are_chosen_by_glob_and_excluded_by_configuration(tmp_path: Path) -> None:
    """Are a glob, an exact id with special characters, the configured id and the excluded ids honoured?"""
    for student in ("ada", "bob", "b[o]b", "carl"):
        hand_in(tmp_path, student, n1__ipynb=NOTEBOOK)
    (tmp_path / "submitted" / "README.md").write_text("not a student")
    (tmp_path / "submitted" / ".hidden" / "a1").mkdir(parents=True)
    assignment = make_course(tmp_path, config="c.CourseDirectory.student_id_exclude = 'carl,dora'")
    course = assignment.course

    def ids(student: str) -> list[str]:
        return [each.student for each in course.submissions(assignment, student)]

    assert ids("*") == ["ada", "b[o]b", "bob"]
    assert ids("b[o]b") == ["b[o]b", "bob"]
    assert ids("b*") == ["b[o]b", "bob"]
    assert ids("nobody") == []
    assert course.students("a1") == ["ada", "b[o]b", "bob"]
    limited = make_course(tmp_path, config="c.CourseDirectory.student_id = 'a*'")
    assert [each.student for each in limited.course.submissions(limited)] == ["ada"]


def test_links_and_devices_are_not_followed(tmp_path: Path) -> None:
    """Do links of every kind, pipes and sockets stay closed, with a note, while the notebook is read?"""
    (tmp_path / "gradebook.db").write_text("everyone's marks")
    folder = hand_in(tmp_path, n1__ipynb=NOTEBOOK)
    (folder / "soft").symlink_to(tmp_path / "gradebook.db")
    (folder / "softdir").symlink_to(tmp_path, target_is_directory=True)
    os.link(tmp_path / "gradebook.db", folder / "hard")
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket"))
        submission = read(tmp_path)
    assert submission.problem == ""
    assert submission.files == {}
    assert submission.notes == (
        "hard was left out: it is a hard link to a file that also stands elsewhere.",
        "pipe was left out: it is not a regular file.",
        "socket was left out: it is not a regular file.",
        "soft was left out: it is a symbolic link.",
        "softdir was left out: it is a symbolic link.",
    )


def test_a_notebook_that_is_a_link_is_a_problem(tmp_path: Path) -> None:
    """Is a notebook that cannot be opened a rejected submission and not a silent zero?"""
    folder = hand_in(tmp_path)
    (tmp_path / "other.ipynb").write_text(NOTEBOOK)
    (folder / "n1.ipynb").symlink_to(tmp_path / "other.ipynb")
    assert read(tmp_path).problem == "n1.ipynb cannot be read: it is a symbolic link"


def test_a_folder_that_is_a_link_is_a_problem(tmp_path: Path) -> None:
    """Is a whole submission that points elsewhere rejected with its reason?"""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "n1.ipynb").write_text(NOTEBOOK)
    (tmp_path / "submitted" / "ada").mkdir(parents=True)
    (tmp_path / "submitted" / "ada" / "a1").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert "it is a link, not a folder" in read(tmp_path).problem


def test_sizes_and_counts_are_limited(tmp_path: Path) -> None:
    """Are large files, too many files and too much in all left out with notes, the notebook kept?"""
    folder = hand_in(tmp_path, n1__ipynb=NOTEBOOK, a_large="x" * 9000, b1="x" * 3000, b2="x" * 3000, b3="x" * 3000)
    with (folder / "a_sparse").open("wb") as file:
        file.truncate(10**12)
    limits = {"CourseDirectory__max_file_size": 8, "CourseDirectory__max_dir_size": (len(NOTEBOOK) + 7000) // 1000}
    submission = read(tmp_path, **limits)
    assert list(submission.notebooks) == ["n1"]
    assert sorted(submission.files) == ["b1", "b2"]
    assert submission.notes == (
        "a_large was left out: it is larger than 8 kB.",
        "a_sparse was left out: it is larger than 8 kB.",
        f"b3 was left out: the submission is larger than {(len(NOTEBOOK) + 7000) // 1000} kB.",
    )
    few = read(tmp_path, Saiten__max_submission_files=2, **limits)
    assert (list(few.notebooks), list(few.files)) == (["n1"], ["b1"])
    assert any("more than 2 files" in note for note in few.notes)


def test_a_notebook_too_large_is_a_problem(tmp_path: Path) -> None:
    """Does a 200 MB notebook get its reason instead of being read?"""
    with (hand_in(tmp_path) / "n1.ipynb").open("wb") as file:
        file.truncate(200 * 10**6)
    assert read(tmp_path).problem == "n1.ipynb cannot be read: it is larger than 100000 kB"


def test_a_flood_of_folders_ends(tmp_path: Path) -> None:
    """Is the walk through very many entries and a very deep tree bounded, and noted?"""
    folder = hand_in(tmp_path, n1__ipynb=NOTEBOOK)
    deep = folder.joinpath(*["d"] * 40)
    deep.mkdir(parents=True)
    for number in range(60):
        (folder / f"e{number}").mkdir()
    submission = read(tmp_path, Saiten__max_submission_files=5)
    assert list(submission.notebooks) == ["n1"]
    assert any("too deep" in note for note in submission.notes) or any("in part" in note for note in submission.notes)
    assert any("in part" in note for note in submission.notes)


def test_odd_names_are_shown_safely(tmp_path: Path) -> None:
    """Are undecodable, control and right-to-left names noted in printable characters?"""
    folder = hand_in(tmp_path, n1__ipynb=NOTEBOOK)
    (tmp_path / "target").write_text("x")
    (folder / "evil\x1b[2J\u202egnp").symlink_to(tmp_path / "target")
    with open(os.fsencode(folder) + b"/\xff\xfe", "w") as file:
        file.write("x")
    submission = read(tmp_path)
    assert submission.notes == (
        r"evil\x1b[2J\u202egnp was left out: it is a symbolic link.",
        r"\udcff\udcfe was left out: its name is not valid UTF-8.",
    )
    submission.hash.encode()


def test_a_renamed_notebook_is_taken_where_no_doubt_is_left(tmp_path: Path) -> None:
    """Is the only notebook of a one-notebook assignment taken whatever its name, with a note?"""
    hand_in(tmp_path, **{"2022_0114student-017 のコピー__ipynb": NOTEBOOK})
    submission = read(tmp_path)
    assert list(submission.notebooks) == ["n1"]
    assert submission.notes == ("2022_0114student-017 のコピー.ipynb was taken as n1.ipynb: it is the only notebook.",)


def test_two_renamed_notebooks_are_a_problem(tmp_path: Path) -> None:
    """Where nobody can tell which one is meant, is the submission rejected with the names?"""
    hand_in(tmp_path, one__ipynb=NOTEBOOK, two__ipynb=NOTEBOOK)
    assert read(tmp_path).problem == "none of its 2 notebooks is called n1.ipynb: one.ipynb, two.ipynb"


def test_names_are_compared_in_any_unicode_form(tmp_path: Path) -> None:
    """Is a notebook whose name came back decomposed (as from a Mac) found?"""
    name = "課題が"
    decomposed = unicodedata.normalize("NFD", name)
    assert decomposed != name
    assignment = make_course(tmp_path, {name: DOUBLE, "n2": DOUBLE})
    hand_in(tmp_path, **{f"{decomposed}__ipynb": NOTEBOOK, "n2__ipynb": NOTEBOOK})
    (submission,) = assignment.course.submissions(assignment)
    assert sorted(submission.notebooks) == sorted([name, "n2"])
    assert any("only its Unicode form differs" in note for note in submission.notes)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "the submission holds no notebook (.ipynb)"),
        ({"essay__docx": "x"}, "the submission holds no notebook (.ipynb)"),
        ({"timestamp__txt": "now"}, "the submission holds no notebook (.ipynb)"),
    ],
)
def test_nothing_to_mark_is_a_problem(tmp_path: Path, files: dict[str, str], problem: str) -> None:
    """Is an empty hand-in a submission with its reason?"""
    hand_in(tmp_path, **files)
    assert read(tmp_path).problem == problem


def test_a_notebook_in_a_folder_of_its_own_is_named(tmp_path: Path) -> None:
    """Where an archive was unpacked one folder too deep, does the problem say where the notebook is?"""
    folder = hand_in(tmp_path)
    (folder / "a1").mkdir()
    (folder / "a1" / "n1.ipynb").write_text(NOTEBOOK)
    assert read(tmp_path).problem == "the submission holds no notebook (.ipynb) at its top; there is a1/n1.ipynb"


def test_several_notebooks_none_of_which_belongs(tmp_path: Path) -> None:
    """In an assignment of two notebooks, is a hand-in with neither a problem, and one with one of them fine?"""
    assignment = make_course(tmp_path, {"n1": DOUBLE, "n2": DOUBLE})
    hand_in(tmp_path, "ada", x__ipynb=NOTEBOOK)
    hand_in(tmp_path, "bob", n2__ipynb=NOTEBOOK)
    ada, bob = assignment.course.submissions(assignment)
    assert ada.problem == "none of its notebooks has a name of this assignment (n1.ipynb, n2.ipynb)"
    assert (bob.problem, list(bob.notebooks)) == ("", ["n2"])


def test_no_submissions_is_an_empty_list(tmp_path: Path) -> None:
    """Does a course in which nobody handed in anything give nothing, and no error?"""
    assignment = make_course(tmp_path)
    assert list(assignment.course.submissions(assignment)) == []
    (tmp_path / "submitted").mkdir()
    assert list(assignment.course.submissions(assignment)) == []
