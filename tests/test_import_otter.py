"""Does an Otter Assign notebook become an assignment that gives the same points, and is everything said that is lost?

What `otter assign` itself makes of the same notebooks, and the points that Otter then gives, are compared in
tests/system/test_otter_import.py.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from otter_masters import DOCTESTS, EXCEPTIONS, FILES, POINTS, WRONG, Cell, block, code, md, question, raw, write_master
from saiten.build import build_assignment
from saiten.cli import main
from saiten.course import Course
from saiten.errors import SourceError
from saiten.grading.engine import Engine
from saiten.imports import Imported, read_otter, write_assignment
from saiten.imports.otter_solution import convert_solution, released
from saiten.imports.otter_tests import share_points
from saiten.sample.write import exercise as read_exercise
from saiten.submission import Submission

MASTERS = {"doctests": DOCTESTS, "exceptions": EXCEPTIONS}
FULL = {"doctests": POINTS, "exceptions": {"q1": 2.0, "q2": 1.5}}


class Marker:
    """An imported assignment, built, with its engine."""

    def __init__(self, course: Course, name: str, engine: Engine) -> None:
        self.exercise = read_exercise(course, course.assignment(name))
        self.engine = engine

    def scores(self, cells: dict[str, str]) -> dict[str, float | None]:
        """Question to points, of those that tests give points for."""
        files = self.exercise.hand_in(cells).files()
        notebooks = {name.removesuffix(".ipynb"): content for name, content in files.items()}
        result = self.engine.mark(Submission("student-017", self.exercise.bundle.assignment, notebooks, {}))
        automatic = {name for name, points in self.exercise.full_marks().items() if points}
        return {each.name: each.score for each in result.questions if each.name in automatic}


def imported(folder: Path, cells: list[Cell], name: str = "hw") -> Imported:
    """Import cells; the files that come along stand beside the master."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in FILES.items():
        (folder / file).write_text(text)
    return read_otter(write_master(folder / f"{name}.ipynb", cells))


@pytest.fixture(scope="module", params=list(MASTERS))
def marker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Marker]]:
    """Each master imported, built by the engine, ready to mark."""
    root = tmp_path_factory.mktemp(request.param)
    made = imported(root / "master", MASTERS[request.param])
    write_assignment(made, root / "source" / "hw")
    course = Course.find(root)
    report = build_assignment(course.assignment("hw"))
    assert report.points == sum(FULL[request.param].values()) + (5 if request.param == "doctests" else 0)
    with Engine(read_exercise(course, course.assignment("hw")).bundle) as engine:
        yield request.param, Marker(course, "hw", engine)


def test_reference_untouched_and_mistakes_get_their_points(marker: tuple[str, Marker]) -> None:
    """Full marks for the reference, none for the release, and for each wrong answer what Otter gives?"""
    name, here = marker
    reference = here.exercise.answers()
    assert here.scores(reference) == FULL[name]
    assert set(here.scores(here.exercise.stubs()).values()) == {0.0}
    for wrong, (text, lost) in WRONG[name].items():
        (cell,) = lost
        assert here.scores({**reference, cell: text}) == {**FULL[name], **lost}, wrong


def test_students_get_prompts_and_no_solution(marker: tuple[str, Marker]) -> None:
    """Does the release hold what Otter shows students, and nothing of solutions and hidden tests?"""
    name, here = marker
    (content,) = here.exercise.released.values()
    text = content.decode()
    secrets = {
        "doctests": ["x * x", "sum(values)", "Because it is so", "line by line", "square(-4)", "negative numbers"],
        "exceptions": ["x * x", "'hi '", "test_minus", "hi b"],
    }
    assert [secret for secret in secrets[name] if secret in text] == []
    prompts = {
        "doctests": ["# ten = ...", "def mean(values):", "_Two sentences, please._"],
        "exceptions": ["names = ..."],
    }
    assert [prompt for prompt in prompts[name] if prompt not in text] == []


def test_nothing_goes_without_a_word(tmp_path: Path) -> None:
    """Is each thing that has no counterpart named with its cell, and does a plain notebook give no such line?"""
    assert imported(tmp_path / "plain", DOCTESTS).lost == []
    cells = [
        raw("# ASSIGNMENT CONFIG\nseed:\n    variable: s\nrequirements: r.txt\nfiles: [gone.csv]\nplugins: [p]\n"
            "generate:\n    points_possible: 3\nnonsense: 1\nrun_tests: true"),
        md("## Ignore ##\nfor staff"),
        code("# BEGIN PLUGIN\nname: p\n# END PLUGIN"),
        code("print(1)", otter_ignore=True, tags=["otter_ignore"]),
        *question(
            "name: q1\nexport: true\ncolour: red",
            *block("SOLUTION", code("import random\nrandom.seed(1) # SEED\nx = 1 # SOLUTION\ny = 2 # IGNORE")),
            *block("TESTS", code('""" # BEGIN TEST CONFIG\nsuccess_message: yes\n""" # END TEST CONFIG\nx', "1")),
        ),
        *question("name: q2", *block("SOLUTION", md("Staff know why.")), *block("TESTS", code("x", "1"))),
        *question("name: q3\nmanual: true\npoints: 2", md("Say something.")),
    ]  # fmt: skip
    made = imported(tmp_path, cells)
    found = {(each.where, each.text.split(":")[0].split(" ")[0].strip("`")) for each in made.lost}
    assert found == {
        *(
            ("cell 1", key)
            for key in ("the", "seed", "requirements", "plugins", "generate.points_possible", "nonsense")
        ),
        *(("cell 2", "Otter"), ("cell 3", "a"), ("cell 4", "Otter"), ("cell 5", "export"), ("cell 5", "colour")),
        *(("cell 7", "a"), ("cell 7", "1"), ("cell 10", "success_message"), ("cell 15", "text")),
        ("cell 21", "q3"),
    }
    assert any("run_tests" in each.text for each in made.remarks if not each.lost)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([md("no question")], "no question"),
        ([raw("# BEGIN QUESTION\nname: q"), md("open")], "not closed"),
        ([raw("# END QUESTION")], "none can"),
        ([*question("points: 1", md("text"))], "no `name`"),
        ([*question("name: q", *block("SOLUTION", code("# BEGIN SOLUTION\nx = 1")))], "cell 3: a block of solution"),
        ([*question("name: q", raw("# END TESTS"))], "not open"),
        ([raw("# BEGIN TESTS")], "outside of a question"),
        ([*question("name: q", *block("SOLUTION", raw("# BEGIN TESTS")))], "within a solution block"),
        ([*question("name: q", *block("TESTS", md("no code")))], "a markdown cell stands among the tests"),
        ([*question("name: q\npoints: [1]", *block("TESTS", code("1"), code("2")))], "1 points for 2 tests"),
        ([*question("name: q", *block("TESTS", code("x ==")))], "no Python"),
        ([raw("# ASSIGNMENT CONFIG\nname: [")], "not YAML"),
        ([raw("# ASSIGNMENT CONFIG\nfiles: [../x]"), *question("name: q", md("t"))], "outside"),
        ([raw("# ASSIGNMENT CONFIG\ntests: {ok_format: false}"), *question("name: q", *block("TESTS", code("f()")))],
         "one function"),
    ],
)  # fmt: skip
def test_what_otter_would_refuse_is_refused_with_its_cell(tmp_path: Path, cells: list[Cell], words: str) -> None:
    """Does a notebook whose blocks or points are wrong end in one sentence that names the place?"""
    with pytest.raises(SourceError, match=words):
        imported(tmp_path, cells)


def test_other_languages_are_refused(tmp_path: Path) -> None:
    """Is a notebook in R refused?"""
    with pytest.raises(SourceError, match="in r"):
        read_otter(write_master(tmp_path / "hw.ipynb", EXCEPTIONS, language="R"))


@pytest.mark.parametrize(
    ("source", "text", "students"),
    [
        ("x = 1 # SOLUTION", "# x = ...\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION",
         "# x = ...\nraise NotImplementedError()"),
        ("x = 1 # SOLUTION NO PROMPT\nprint(x)", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION\nprint(x)",
         "raise NotImplementedError()\nprint(x)"),
        ("def f(a):\n    # BEGIN SOLUTION\n    return a\n    # END SOLUTION",
         "def f(a):\n    ### BEGIN SOLUTION\n    return a\n    ### END SOLUTION",
         "def f(a):\n    raise NotImplementedError()"),
        ('# BEGIN SOLUTION NO PROMPT\nx = 1\n# END SOLUTION\n\n""" # BEGIN PROMPT\nx = ___(2)\n"""; # END PROMPT',
         "# x = ___(2)\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION", "# x = ___(2)\nraise NotImplementedError()"),
        ("print(1)", "print(1)", "print(1)"),
        ("f(1, # SOLUTION\n  2)", "# f(1, ...\n#   2)\n", None),
    ],
)  # fmt: skip
def test_solution_lines_become_regions(source: str, text: str, students: str | None) -> None:
    """Does each marker of Otter's give the region that it should, and what is left to students?"""
    done = convert_solution(source, "cell 1")
    if students is None:  # a part of a statement: the whole cell is the solution
        assert done.text.endswith("### BEGIN SOLUTION\nf(1,\n  2)\n### END SOLUTION")
        assert released(done.text).endswith("raise NotImplementedError()")
        return
    assert done.text == text
    assert released(done.text) == students


@pytest.mark.parametrize(
    ("total", "given", "shares"),
    [
        (None, [None, None], [0.5, 0.5]),
        (3, [None, None, None], [1, 1, 1]),
        (3, [2, None, None], [2, 0.5, 0.5]),
        ([1, 0, 2], [None, None, None], [1, 0, 2]),
        ({"each": 2}, [None, None], [2, 2]),
        (None, [1, None], [1, 0]),
        (None, [0, None, None], [0, 0.5, 0.5]),
        (2, [2], [2]),
        (0, [None], [0]),
    ],
)
def test_points_are_shared_out_as_otter_does(total: Any, given: list[float | None], shares: list[float]) -> None:
    """Does each form of `points` give each test what Otter gives it?"""
    assert share_points(total, given, "q1") == shares


def test_pasted_pictures_become_files(tmp_path: Path) -> None:
    """Does a picture that was pasted into prose stand beside the notebook, for the text format holds none?"""
    picture = base64.b64encode(b"\x89PNG picture").decode()
    pasted = md("![a](attachment:a.png)", attachments={"a.png": {"image/png": picture}})
    made = imported(tmp_path, [pasted, *question("name: q", *block("TESTS", code("1", "1")))])
    assert made.files["images/1-a.png"] == b"\x89PNG picture"
    assert "![a](images/1-a.png)" in made.files["hw.py"].decode()


def test_the_command_writes_once_and_says_what_is_lost(tmp_path: Path) -> None:
    """Is the folder found, is nothing written over without --force, and is the exit code 1 where something is lost?"""
    (tmp_path / "source").mkdir()
    imported(tmp_path / "master", DOCTESTS)
    command = ["import", "otter", str(tmp_path / "master" / "hw.ipynb"), "--course", str(tmp_path)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "q2-a" in done.output
    notebook = tmp_path / "source" / "hw" / "hw.py"
    first = notebook.read_bytes()
    notebook.write_text("mine")
    again = CliRunner().invoke(main, command)
    assert again.exit_code == 2
    assert "already: nothing was written" in again.output
    assert notebook.read_text() == "mine"
    imported(tmp_path / "master", [raw("# ASSIGNMENT CONFIG\nseed: {variable: s}"), *DOCTESTS])
    forced = CliRunner().invoke(main, [*command, "--force", "--json"])
    assert forced.exit_code == 1
    assert notebook.read_bytes() == first
    (lost,) = [each for each in json.loads(forced.output)["remarks"] if each["lost"]]
    assert (lost["where"], lost["text"].split(":")[0]) == ("cell 2", "seed")


ODD = [
    raw("# ASSIGNMENT CONFIG\nconfig_file: more.yml\nstrip_solutions_from_all_cells: true"),
    code("base = 7 # SOLUTION\nprint(base)"),
    md("Text between.\n\n```otter\n# BEGIN QUESTION\nname: 'plot it!'\nmanual: true\npoints: 4\n```\n\nDraw a line."),
    *block("PROMPT", code("line = draw(___)")),
    *block("SOLUTION", code("# BEGIN SOLUTION\nline = [1, 2]\n# END SOLUTION")),
    raw("# END QUESTION"),
    *question(
        "name: both\nmanual: true\npoints: 2",
        *block(
            "SOLUTION",
            md("It rises, for the line goes up."),
            code("slope = 1 # SOLUTION"),
            md("Well done so far.", metadata={"tags": ["otter_include"]}),
        ),
    ),
    *question("name: given", *block("TESTS", code("base + 1", "8"))),
    *question(
        "name: whole",
        *block(
            "SOLUTION",
            code("helper = 3"),
            code("def f(x):\n    if x: # SOLUTION\n        return helper # SOLUTION\n    return 0"),
        ),
        *block("TESTS", code("# HIDDEN TEST\nf(1)", "3"), code("x = f(0); x", "0")),
    ),
]  # fmt: skip
"""What is rarer: a configuration file, solutions outside of questions, fences, code and prose for a person to mark."""


def test_rarer_features_come_over(tmp_path: Path) -> None:
    """Is the assignment built, with full marks for the reference and none for the untouched release?"""
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "more.yml").write_text("name: 宿題\n")
    made = imported(tmp_path / "m", ODD)
    assert made.lost == []
    write_assignment(made, tmp_path / "source" / "hw")
    course = Course.find(tmp_path)
    assert course.assignment("hw").settings.title == {"en": "宿題"}
    build_assignment(course.assignment("hw"))
    text = (tmp_path / "release" / "hw" / "hw.ipynb").read_text(encoding="utf-8")
    for shown in (
        "# line = draw(___)",
        "# slope = ...",
        "Well done so far.",
        "# base = ...",
        "Draw a line.",
        "helper = 3",
    ):
        assert shown in text, shown
    for secret in ("[1, 2]", "It rises", "slope = 1", "return helper", "f(1)"):
        assert secret not in text, secret
    questions = {each.name: each for each in made.questions}
    assert [(each.grade_id, each.points, each.manual) for each in questions.values()] == [
        *(("plot-it", 4, True), ("both", 2, True), ("given", 1, False), ("whole", 1, False))
    ]
    exercise = read_exercise(course, course.assignment("hw"))
    with Engine(exercise.bundle) as engine:
        marker = Marker(course, "hw", engine)
        full = exercise.full_marks()
        assert sum(full.values()) == 2
        assert marker.scores(exercise.answers()) == full
        assert set(marker.scores(exercise.stubs()).values()) == {0}
