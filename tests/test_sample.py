"""Is a sample class plausible, repeatable, true to what it says of itself, and harmless to real submissions?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner

from saiten.build import source_hash
from saiten.bundle import Bundle, BundleCell, BundleNotebook, Role
from saiten.cli import main
from saiten.course import Course
from saiten.errors import CourseError, SourceError
from saiten.results import Status
from saiten.sample import SampleSubmission, compare, compose, read_expected, write_class
from saiten.sample.damage import in_every_call
from saiten.sample.structure import independent_questions
from saiten.sample.work import Exercise

STUB = "def {name}(x):\n    raise NotImplementedError"
SOLUTION = "def {name}(x):\n    ### BEGIN SOLUTION\n    return {body}\n    ### END SOLUTION"
HEADER = "# ---\n# kind: {kind}\n# title: made for a test\n{scores}# ---\n\n# %% {{name}}\n"
MISTAKE = HEADER.format(kind="mistake", scores="# scores: {{{name}: 0}}\n") + "def {name}(x): return x + 1\n"
RIGHT = HEADER.format(kind="right", scores="") + "def {name}(x): return x * 2\n"
PS1 = "ps1"


def metadata(cell: BundleCell) -> dict[str, Any]:
    """nbgrader's mark on a cell."""
    writable, points = cell.role in (Role.SOLUTION, Role.MANUAL), cell.role in (Role.TEST, Role.MANUAL)
    mark = {"grade": points, "grade_id": cell.grade_id, "locked": not writable, "schema_version": 3, "task": False}
    return {"nbgrader": {**mark, "solution": writable, **({"points": cell.points} if points else {})}}


def assignment_bundle() -> Bundle:
    """Four questions; `half` uses `double`; the last is marked by a person."""
    cells = [BundleCell("text", None, Role.TEXT, "markdown", "# Title", "# Title")]
    for name, body in (("double", "2 * x"), ("half", "double(x) / 4"), ("square", "x * x")):
        solution = SOLUTION.format(name=name, body=body)
        stub = STUB.format(name=name)
        cells.append(BundleCell(name, name, Role.SOLUTION, "code", solution, stub, brings=(name,)))
        test = f"assert {name}(2) == reference.{name}(2)"
        cells.append(BundleCell(f"t-{name}", f"test-{name}", Role.TEST, "code", test, "", 2.0, locked=True))
    scheme = "=== BEGIN MARK SCHEME ===\n4: a reason\n=== END MARK SCHEME ==="
    why = f"### BEGIN SOLUTION\nBecause.\n{scheme}\n### END SOLUTION"
    cells.append(BundleCell("why", "why", Role.MANUAL, "markdown", why, "YOUR ANSWER HERE", 4.0))
    return Bundle(PS1, (BundleNotebook(PS1, tuple(cells)),))


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """A built course on disk, with two planted mistakes and a right way."""
    root = tmp_path / "course"
    bundle = assignment_bundle()
    source, release = root / "source" / PS1, root / "release" / PS1
    for folder in (source / "answers", release):
        folder.mkdir(parents=True)
    cells = []
    for cell in bundle.notebooks[0].cells:
        make = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
        cells.append(make(cell.release_source, id=cell.id, metadata=metadata(cell) if cell.grade_id else {}))
    document = nbformat.writes(nbformat.v4.new_notebook(cells=cells))
    for folder in (source, release):
        (folder / f"{PS1}.ipynb").write_text(document, encoding="utf-8")
    bundle.write(root / "autograder" / PS1)
    for name in ("half", "square"):
        (source / "answers" / f"adds_{name}.py").write_text(MISTAKE.format(name=name), encoding="utf-8")
    (source / "answers" / "other_double.py").write_text(RIGHT.format(name="double"), encoding="utf-8")
    return Course.find(root)


def sample(course: Course, number: int | None = None, seed: int = 1) -> dict[str, SampleSubmission]:
    """Write a class into a course."""
    return write_class(course, course.assignment(PS1), number, seed)


def cells_of(submission: SampleSubmission) -> dict[str, str]:
    """Return grade_id to text of a submission's only notebook."""
    (content,) = submission.files.values()
    found = [
        (cell["metadata"].get("nbgrader", {}).get("grade_id"), "".join(cell["source"]))
        for cell in json.loads(content)["cells"]
    ]
    return {name: text for name, text in reversed(found) if name}


def tree(root: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_every_kind_is_there_once_and_no_two_are_alike(course: Course) -> None:
    """Without a number, does the class hold every kind, and are readable hand-ins all different bytes?"""
    students = sample(course)
    kinds = [each.kind for each in students.values()]
    assert len(kinds) == len(set(kinds))
    groups = {kind.partition(":")[0] for kind in kinds}
    assert groups == {"reference", "right", "odd", "mistake", "untouched", "half-done", "broken", "hostile"}
    contents = [
        content
        for each in students.values()
        for name, content in each.files.items()
        if not name.endswith(".py")  # what is handed in beside a notebook
    ]
    assert len(contents) == len(set(contents))
    assert list(students) == [f"student-{number:03d}" for number in range(1, len(kinds) + 1)]


@pytest.mark.parametrize("number", [1, 5, 12, 60])
def test_the_seed_decides_everything(course: Course, tmp_path: Path, number: int) -> None:
    """Are the same number and seed the same bytes on disk, another seed another class, and the number right?"""
    assert len(sample(course, number, seed=7)) == number
    first = tree(course.root / "submitted")
    sample(course, number, seed=7)
    assert tree(course.root / "submitted") == first
    if number > 1:
        sample(course, number, seed=8)
        assert tree(course.root / "submitted") != first


def test_a_small_class_has_something_of_each(course: Course) -> None:
    """Where there is no room for every kind, are the groups still mixed, with the reference among them?"""
    groups = [each.kind.partition(":")[0] for each in sample(course, 8).values()]
    assert "reference" in groups
    assert {"odd", "mistake", "broken"} <= set(groups)


@pytest.mark.parametrize("number", [None, 12, 40])
def test_kinds_and_groups_can_be_left_out(course: Course, number: int | None) -> None:
    """Is what was named absent, also from mixtures, and is everything else still there?"""
    arguments = ["sample", PS1, "--course", str(course.root), "--without", "mistake", "--without", "odd:colab"]
    run = CliRunner().invoke(main, [*arguments, *(["-n", str(number)] if number else [])])
    assert run.exit_code == 0, run.output
    kinds = {each.kind for each in read_expected(course.root, PS1).values()}
    assert not [kind for kind in kinds if "adds_" in kind or kind == "odd:colab"]
    if number != 12:
        assert {"odd:renamed", "right:other_double", "broken:empty", "hostile:exits-with-0", "untouched"} <= kinds


@pytest.mark.parametrize(
    ("without", "said"),
    [(["mistakes"], "The groups are: right"), (["right", "odd", "mistake", "half-done", "broken", "hostile"], "less")],
    ids=["unknown", "everything"],
)
def test_leaving_out_nonsense_is_told(course: Course, without: list[str], said: str) -> None:
    """Is a group that does not exist, or a class of nobody, an error with the next step?"""
    options = [part for kind in without for part in ("--without", kind)]
    run = CliRunner().invoke(main, ["sample", PS1, "--course", str(course.root), *options])
    assert run.exit_code == 2
    assert said in run.output


def test_hostile_submissions_are_a_part_of_every_class(course: Course) -> None:
    """Are they about a tenth of a class that has no room for all, and do they lose one question or none?"""
    everyone = sample(course)
    attacks = {each.kind: each.expected.questions for each in everyone.values() if each.kind.startswith("hostile:")}
    assert len(attacks) > 8
    for kind, questions in attacks.items():
        lost = [name for name, points in questions.items() if points == 0]
        assert len(lost) == (0 if kind.endswith(("behind", "others")) else 1)
        assert set(lost) <= {"half", "square"}
    some = sample(course, 10)
    assert sum(each.kind.startswith("hostile:") for each in some.values()) == 1


def test_students_paste_into_the_release(course: Course) -> None:
    """Does a right answer hold the reference without its markers, and nothing else of the instructor's?"""
    (reference,) = [each for each in sample(course).values() if each.kind == "reference"]
    cells = cells_of(reference)
    assert cells["half"] == "def half(x):\n    return double(x) / 4"
    assert cells["double"].startswith("def double(x):\n    return 2 * x\n\n# ")
    assert cells["test-half"] == ""
    assert "SOLUTION" not in str(reference.files)
    assert "a reason" not in str(reference.files)
    assert cells["why"] == "Because."


def test_what_is_foretold_of_answers(course: Course) -> None:
    """Do mistakes, right ways and half-done work carry the scores that their files and stubs say?"""
    expected = {each.kind: each.expected for each in sample(course).values()}
    full = {"double": 2.0, "half": 2.0, "square": 2.0, "why": None}
    assert expected["reference"].questions == full
    assert expected["reference"].status is Status.NEEDS_MANUAL
    assert expected["right:other_double"].questions == full
    assert expected["mistake:adds_half"].questions == {**full, "half": 0.0}
    untouched = expected["untouched"]
    assert (untouched.status, set(untouched.questions.values())) == (Status.GRADED, {0.0})
    assert expected["half-done:2"].questions == {"double": 2.0, "half": 2.0, "square": 0.0, "why": 0.0}
    assert expected["broken:not-json"].status is Status.REJECTED


def test_only_questions_that_stand_alone_are_spoilt(course: Course) -> None:
    """Is a question that another one uses left whole, so that what is foretold of the others holds?"""
    assert independent_questions(assignment_bundle()) == ["half", "square"]
    for each in sample(course).values():
        if each.kind.startswith("broken:") and each.expected.status is not Status.REJECTED:
            lost = {name for name, points in each.expected.questions.items() if points == 0}
            assert len(lost) == 1
            assert lost <= {"half", "square"}


def test_mixed_submissions_lose_what_their_mistakes_lose(course: Course) -> None:
    """Does a mixture of two mistakes lose both questions and no other?"""
    mixed = [each for each in sample(course, 60).values() if each.kind.startswith("mixed:")]
    assert mixed
    for each in mixed:
        lost = {name for name, points in each.expected.questions.items() if points == 0}
        assert lost == {name for name in ("half", "square") if f"adds_{name}" in each.kind}


def test_odd_notebooks_are_odd(course: Course) -> None:
    """Is each oddity really there?"""
    found = {each.kind: each.files for each in sample(course).values() if each.kind.startswith("odd:")}
    documents = {kind: json.loads(next(iter(files.values()))) for kind, files in found.items()}
    assert set(found["odd:renamed"]) == {"課題 のコピー.ipynb"}
    assert documents["odd:nbformat-4.0"]["nbformat_minor"] == 0
    assert "colab" in documents["odd:colab"]["metadata"]
    for kind in ("odd:nbformat-4.0", "odd:colab"):
        assert not any("id" in cell for cell in documents[kind]["cells"])
    ids = [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in documents["odd:duplicate-cell"]["cells"]]
    assert ids.count("double") == 2
    assert not any("test-" in (cells or "") for cells in cells_of_document(documents["odd:deleted-tests"]))
    assert any(cell.get("outputs") for cell in documents["odd:stale-outputs"]["cells"])


def cells_of_document(document: dict[str, Any]) -> list[str | None]:
    """Return the grade_ids of a notebook."""
    return [cell["metadata"].get("nbgrader", {}).get("grade_id") for cell in document["cells"]]


@pytest.mark.parametrize(
    ("text", "spoilt"),
    [
        ("def f(x):\n    return x", "def f(x):\n    return 1"),
        ("class A:\n    def f(self): pass", "class A:\n\n    def f(self):\n        return 1"),
        ("x = 3", "result = 1\nx = 3"),
        ("%matplotlib inline", "result = 1\n%matplotlib inline"),
    ],
)
def test_every_call_is_spoilt(text: str, spoilt: str) -> None:
    """Does every function get the other body, and a cell without functions the lines in front?"""
    assert in_every_call(text, "return 1") == spoilt


def test_an_assignment_without_planted_answers_gets_a_class(course: Course) -> None:
    """Is any nbgrader course served: the reference, the release, oddities and broken work?"""
    exercise = Exercise(assignment_bundle(), {PS1: (course.release_dir(PS1) / f"{PS1}.ipynb").read_bytes()})
    groups = {each.kind.partition(":")[0] for each in compose(exercise, [], 20, seed=1)}
    assert groups == {"reference", "odd", "untouched", "half-done", "broken", "hostile"}


def test_real_submissions_are_never_touched(course: Course) -> None:
    """Is a class refused, and nothing written, where a student's own submission would be overwritten?"""
    real = course.submitted_dir(PS1, "student-002")
    real.mkdir(parents=True)
    (real / f"{PS1}.ipynb").write_text("mine", encoding="utf-8")
    before = tree(course.root)
    with pytest.raises(CourseError, match="was not sampled"):
        sample(course, 5)
    assert tree(course.root) == before


def test_a_smaller_class_replaces_a_larger_one(course: Course) -> None:
    """Do samples of an earlier call go, and real students stay?"""
    real = course.submitted_dir(PS1, "hanako")
    real.mkdir(parents=True)
    (real / f"{PS1}.ipynb").write_text("mine", encoding="utf-8")
    sample(course, 9)
    sample(course, 3)
    assert course.students(PS1) == ["hanako", "student-001", "student-002", "student-003"]
    assert (real / f"{PS1}.ipynb").read_text(encoding="utf-8") == "mine"


def test_an_assignment_that_is_not_built_is_told(course: Course) -> None:
    """Is the next step named when the bundle, or the release, is not there?"""
    (course.release_dir(PS1) / f"{PS1}.ipynb").unlink()
    with pytest.raises(CourseError, match="saiten build ps1"):
        sample(course)
    (course.autograder_dir(PS1) / "bundle.json").unlink()
    with pytest.raises(CourseError, match="saiten build"):
        sample(course)


def test_an_answer_that_does_not_fit_stops_the_class(course: Course) -> None:
    """Is a planted answer for a cell that does not exist an error, before anything is written?"""
    answers = course.source_dir(PS1) / "answers"
    (answers / "odd.py").write_text(MISTAKE.format(name="triple"), encoding="utf-8")
    with pytest.raises(SourceError, match=r"odd\.py"):
        sample(course)
    assert not (course.root / "submitted").exists()


def test_into_makes_a_course_of_its_own(course: Course, tmp_path: Path) -> None:
    """Does `--into` leave the real course alone, with a gradebook apart whatever the configuration says?"""
    config = f'c = get_config()\nc.CourseDirectory.db_url = "sqlite:///{course.root}/gradebook.db"\n'
    (course.root / "nbgrader_config.py").write_text(config, encoding="utf-8")
    before, into = tree(course.root), tmp_path / "demo"
    arguments = ["sample", PS1, "-n", "4", "--course", str(course.root), "--into", str(into)]
    for _ in range(2):
        run = CliRunner().invoke(main, arguments)
        assert run.exit_code == 0, run.output
    assert tree(course.root) == before
    copy = Course.find(into)
    assert len(copy.students(PS1)) == 4
    assert copy.coursedir.db_url == f"sqlite:///{into}/gradebook.db"
    assert copy.assignment(PS1).notebooks


@pytest.mark.parametrize("settings", [None, "[limits]\ncell_seconds = 30\nmemory_mb = 512\n", 'gpu = "none"\n'])
def test_a_copy_may_have_another_time_limit(course: Course, tmp_path: Path, settings: str | None) -> None:
    """Does --cell-seconds reach the copy's settings and bundle, which stays current, and nothing of the original?"""
    if settings:
        (course.source_dir(PS1) / "assignment.toml").write_text(settings, encoding="utf-8")
    before = tree(course.root)
    arguments = ["sample", PS1, "--course", str(course.root), "--cell-seconds", "2.5"]
    assert CliRunner().invoke(main, arguments).exit_code == 2
    run = CliRunner().invoke(main, [*arguments, "--into", str(tmp_path / "demo")])
    assert run.exit_code == 0, run.output
    assert tree(course.root) == before
    copy = Course.find(tmp_path / "demo")
    limits = copy.assignment(PS1).settings.limits
    bundle = Bundle.read(copy.autograder_dir(PS1))
    assert limits.cell_seconds == 2.5
    assert limits.memory_mb == (512 if settings and "memory" in settings else Bundle(PS1, ()).limits.memory_mb)
    assert bundle.limits == limits
    assert bundle.source_hash == source_hash(copy.assignment(PS1))


@pytest.mark.parametrize("place", ["course", "full"])
def test_into_refuses_a_folder_of_something_else(course: Course, tmp_path: Path, place: str) -> None:
    """Are the course's own folder, and one that holds other files, left alone?"""
    full = tmp_path / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine", encoding="utf-8")
    into = {"course": course.root, "full": full}[place]
    before = tree(tmp_path)
    run = CliRunner().invoke(main, ["sample", PS1, "--course", str(course.root), "--into", str(into)])
    assert run.exit_code == 2
    assert "--into DIR" in run.output
    assert tree(tmp_path) == before


def results_of(students: dict[str, SampleSubmission]) -> list[dict[str, Any]]:
    """Make the results that would be exactly as foretold."""
    return [
        {
            "student": student,
            "status": str(each.expected.status),
            "questions": [
                {"name": name, "notebook": PS1, "score": points} for name, points in each.expected.questions.items()
            ],
        }
        for student, each in students.items()
    ]


def test_results_are_held_against_the_record(course: Course, tmp_path: Path) -> None:
    """Is agreement told with exit code 0, and are wrong points, a wrong status, a lost and a doubled result told?"""
    students = sample(course)
    results = results_of(students)
    assert compare(read_expected(course.root, PS1), results) == []
    results[0]["questions"][0]["score"] += 1
    results[1]["status"] = "infra_error"
    results.append(results[2])
    del results[3]
    found = [(each.student, each.what) for each in compare(read_expected(course.root, PS1), results)]
    assert found == [
        ("student-001", next(iter(students["student-001"].expected.questions))),
        ("student-002", "status"),
        ("student-003", "result"),
        ("student-004", "result"),
    ]


def test_compare_on_the_command_line(course: Course, tmp_path: Path) -> None:
    """Does --compare end with 0 on agreement, 1 on a difference, 2 on a file that is something else?"""
    results = results_of(sample(course))
    path = tmp_path / "results.jsonl"
    codes = []
    for change in (None, "rejected"):
        results[0]["status"] = change or results[0]["status"]
        path.write_text("".join(json.dumps(each) + "\n" for each in results), encoding="utf-8")
        run = CliRunner().invoke(main, ["sample", PS1, "--course", str(course.root), "--compare", str(path)])
        codes.append(run.exit_code)
    assert codes == [0, 1]
    assert "student-001" in run.output
    path.write_text("hello\n", encoding="utf-8")
    run = CliRunner().invoke(main, ["sample", PS1, "--course", str(course.root), "--compare", str(path)])
    assert (run.exit_code, "line 1" in run.output) == (2, True)
