"""What may and what must never be in a release, and does it come out the same, whole, every time?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_samples import DOUBLE, Cell, cell, graded, make_course, quick_run, solution, tree, written
from saiten.build import build_assignment, make_bundle, source_hash
from saiten.build.prepare import prepare_notebook
from saiten.build.staging import staged
from saiten.bundle import Bundle, Role
from saiten.course import Course
from saiten.errors import EngineError, SourceError
from saiten.grading.reference import ReferenceCell

FAST = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def release_of(root: Path, cells: list[Cell], **more: Any) -> list[Any]:
    """Build one notebook and return the cells of its release."""
    report = build_assignment(make_course(root, {"n1": cells}, **more), run=quick_run)
    return list(nbformat.reads((report.release / "n1.ipynb").read_text("utf-8"), as_version=4).cells)


# --- what is in it ----------------------------------------------------------------------------------------------------


def test_students_get_stubs_public_tests_and_data(tmp_path: Path) -> None:
    """Are solutions stubs, hidden tests gone, outputs cleared, public data there and the staff's files not?"""
    assignment = make_course(
        tmp_path,
        toml='hidden_files = ["truth/*"]\n',
        files={"data/x.csv": "1,2\n", "truth/y.csv": "secret numbers\n", "answers/right.py": "# ---\n# kind: right\n"},
    )
    report = build_assignment(assignment, run=quick_run)
    assert sorted(tree(report.release)) == ["data/x.csv", "n1.ipynb"]
    cells = nbformat.reads((report.release / "n1.ipynb").read_text("utf-8"), as_version=4).cells
    assert (
        cells[2].source == 'def double(x):\n    """Twice x."""\n    # YOUR CODE HERE\n    raise NotImplementedError()'
    )
    assert cells[3].source == "assert double(2) == 4"
    assert cells[4].source == "YOUR ANSWER HERE"
    assert sorted(tree(report.solutions)) == ["data/x.csv", "n1.ipynb", "truth/y.csv"]
    assert sorted(tree(report.autograder)) == ["bundle.json", "files/data/x.csv", "hidden/truth/y.csv", "otter.zip"]
    assert (report.points, report.files, report.hidden_files) == (5, 1, 1)
    assert [(each.cells, each.questions, each.points) for each in report.notebooks] == [(5, 2, 5)]


def test_staff_metadata_goes(tmp_path: Path) -> None:
    """Are run times, Saiten's own tags and the celltoolbar taken out, and other tags kept?"""
    test = graded("t", "assert True")
    test["metadata"] |= {"tags": ["in-student", "slide"], "ExecuteTime": {"end_time": "x"}, "execution": {"a": "b"}}
    cells = release_of(tmp_path, [test, graded("u", "1", tags=["in-student"])])
    assert cells[0].metadata.tags == ["slide"]
    assert not {"ExecuteTime", "execution"} & set(cells[0].metadata)
    assert "tags" not in cells[1].metadata
    bundle = Bundle.read(tmp_path / "autograder" / "a1")
    assert [each.in_student for each in bundle.notebooks[0].cells] == [True, True]


def test_the_bundle_keeps_what_the_release_lost(tmp_path: Path) -> None:
    """Does the bundle hold full text, released text, roles, names and imports, and read back equal?"""
    assignment = make_course(tmp_path, toml='gpu = "optional"\n[title]\nen = "Doubling"\n')
    bundle = make_bundle(assignment, run=quick_run)
    (notebook,) = bundle.notebooks
    assert [each.role for each in notebook.cells] == [Role.TEXT, Role.SETUP, Role.SOLUTION, Role.TEST, Role.MANUAL]
    assert "twice_of_x" in notebook.cells[2].source
    assert "negative" in notebook.cells[3].source
    assert "negative" not in notebook.cells[3].release_source
    assert notebook.cells[2].brings == ("double",)
    assert notebook.imports == ("json", "math")
    assert (bundle.gpu, bundle.title) == ("optional", {"en": "Doubling"})
    assert bundle.source_hash == source_hash(assignment)
    bundle.write(tmp_path / "again")
    assert Bundle.read(tmp_path / "again") == bundle
    assert not (tmp_path / "release").exists()


def test_only_tests_imports_are_left_out(tmp_path: Path) -> None:
    """Do modules that only a test imports stay out of the student's process?"""
    test = graded("t", "import colorsys\nassert f")
    cells = [solution("f", "import bisect\nf = 1"), test, cell("code", "import heapq")]
    bundle = make_bundle(make_course(tmp_path, {"n1": cells}), run=quick_run)
    assert bundle.notebooks[0].imports == ("bisect", "heapq")


def test_languages_fold_in_the_release(tmp_path: Path) -> None:
    """Is a pair of texts one cell of release and bundle, and code and points there once?"""
    pair = [cell("markdown", "和文", tags=["lang-ja"]), cell("markdown", "Text", tags=["lang-en"])]
    cells = release_of(tmp_path, [*pair, *DOUBLE, *pair, written("w2", "x")])
    assert [each.cell_type for each in cells] == ["markdown", "markdown", "code", "code", "code", *["markdown"] * 3]
    assert cells[0].source.startswith("和文\n\n<details>\n<summary>English</summary>\n\nText")
    ids = ["start--1", "start--2", "start--3", "double", "double-tests", "why", "why--1", "w2"]
    assert [each.id for each in cells] == ids


def test_nbgraders_options_are_honoured(tmp_path: Path) -> None:
    """Do configured stubs, delimiters, header and unlocked cells change the release as in nbgrader?"""
    config = (
        "c.ClearSolutions.text_stub = 'WRITE'\n"
        "c.ClearHiddenTests.begin_test_delimeter = 'SECRET{'\nc.ClearHiddenTests.end_test_delimeter = 'SECRET}'\n"
        "c.LockCells.lock_grade_cells = c.LockCells.lock_readonly_cells = False\n"
        "c.IncludeHeaderFooter.header = 'head.ipynb'\n"
    )
    from course_samples import notebook_json

    (tmp_path / "head.ipynb").write_text(notebook_json([cell("markdown", "Read this first.")]))
    test = graded("t", "assert 1\n# SECRET{\nassert 'very well hidden' == 'very well hidden'\n# SECRET}")
    cells = release_of(tmp_path, [test, written("w", "long answer of mine")], config=config)
    assert [each.source for each in cells] == ["Read this first.", "assert 1", "WRITE"]
    assert "editable" not in cells[1].metadata


def test_a_preprocessor_that_drops_cells_is_refused(tmp_path: Path) -> None:
    """Is a custom step that Saiten could not mark behind refused by name of the option?"""
    (tmp_path / "dropping_step_of_this_test.py").write_text(
        "from nbgrader.preprocessors import NbGraderPreprocessor\n"
        "class Drop(NbGraderPreprocessor):\n"
        "    def preprocess(self, nb, resources):\n        nb.cells = nb.cells[1:]\n        return nb, resources\n"
    )
    assignment = make_course(
        tmp_path, config="c.GenerateAssignment.preprocessors = ['dropping_step_of_this_test.Drop']"
    )
    with pytest.raises(SourceError, match=r"c\.GenerateAssignment\.preprocessors adds, drops or moves cells"):
        make_bundle(assignment, run=quick_run)


# --- what must not be in it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"helper.py": "def g(x):\n    return twice_of_x\n"}, "its solution would be released in helper.py"),
        ({"notes.txt": "    assert double(-21) == -42, 'negative'"}, "its hidden tests would be released in notes.txt"),
        ({"copy.txt": "hello\nBecause addition is repeated.\n"}, "its solution would be released in copy.txt"),
    ],
)
def test_a_secret_line_in_a_public_file_stops_the_build(tmp_path: Path, files: dict[str, str], message: str) -> None:
    """Is a line of a solution, hidden test or model answer found in data, and is what was there before kept?"""
    assignment = make_course(tmp_path)
    build_assignment(assignment, run=quick_run)
    before = tree(tmp_path / "release")
    assignment = make_course(tmp_path, files=files)
    with pytest.raises(SourceError) as caught:
        build_assignment(assignment, run=quick_run)
    assert message in str(caught.value)
    assert str(caught.value).startswith("n1: cell ")
    assert tree(tmp_path / "release") == before
    (name,) = files
    assert build_assignment(make_course(tmp_path, toml=f'shared_code = ["{name}"]'), run=quick_run).files == 1


def test_a_secret_line_in_metadata_or_another_notebook_stops_the_build(tmp_path: Path) -> None:
    """Are all texts of a released notebook searched, whatever part of its JSON they stand in?"""
    leaky = cell("markdown", "text")
    leaky["metadata"]["note"] = {"to self": ["see:", "twice_of_x = x + x"]}
    with pytest.raises(SourceError, match=r"n1: cell 3 \(double\): a line of its solution .* in n2\.ipynb"):
        build_assignment(make_course(tmp_path, {"n1": DOUBLE, "n2": [leaky]}), run=quick_run)


def test_hidden_data_under_another_name_stops_the_build(tmp_path: Path) -> None:
    """Is a public copy of a hidden file found?"""
    files = {"h/truth.csv": "0.123456789,0.987654321\n", "old.csv": "0.123456789,0.987654321\n"}
    with pytest.raises(SourceError, match=r"old\.csv is a copy of hidden h/truth\.csv"):
        build_assignment(make_course(tmp_path, toml='hidden_files = ["h/*"]', files=files), run=quick_run)


def test_a_pattern_that_hides_nothing_stops_the_build(tmp_path: Path) -> None:
    """Does a misspelt glob of hidden files refuse, instead of releasing what it missed?"""
    assignment = make_course(tmp_path, toml='hidden_files = ["hiden/*"]', files={"hidden/truth.csv": "1"})
    with pytest.raises(SourceError, match="no file matches 'hiden/"):
        make_bundle(assignment, run=quick_run)


def test_what_students_may_read_anyway_is_no_leak(tmp_path: Path) -> None:
    """Do lines that also stand in public text, short lines and imports not stop a build?"""
    cells = [
        cell("markdown", "Use\n\n    total = sum(values)\n"),
        solution("f", "import collections\ntotal = sum(values) if 0 else 0\ntotal = 0\n# total = sum(values)"),
        graded("t", "values = [1]\n### BEGIN HIDDEN TESTS\ntotal = sum(values)\nassert total\n### END HIDDEN TESTS"),
    ]
    files = {"lib.py": "import collections\ntotal = 0\n"}
    assert build_assignment(make_course(tmp_path, {"n1": cells}, files=files), run=quick_run).files == 1


STRIPPABLE = [*DOUBLE[:2], solution("whole", "answer_of_the_staff = 42"), *DOUBLE[3:]]
WORDS = st.text("abcdefgh_", min_size=14, max_size=20)


@FAST
@given(st.lists(st.tuples(WORDS, st.booleans()), min_size=1, max_size=8, unique_by=lambda pair: pair[0]))
def test_no_hidden_line_survives(lines: list[tuple[str, bool]]) -> None:
    """Wherever the markers stand, is no hidden line anywhere in the release, and every open one there?"""
    with tempfile.TemporaryDirectory() as folder:
        test, answer = [], []
        for word, hidden in lines:
            test += ["### BEGIN HIDDEN TESTS", f"t_{word} = 1", "### END HIDDEN TESTS"] if hidden else [f"t_{word} = 1"]
            answer += ["### BEGIN SOLUTION", f"s_{word} = 1", "### END SOLUTION"] if hidden else [f"s_{word} = 1"]
        cells = [solution("s", "\n".join(answer)), graded("t", "\n".join(test))]
        report = build_assignment(make_course(Path(folder), {"n1": cells}), run=quick_run)
        text = "\n".join(content.decode() for content in tree(report.release).values())
        all_open = not any(hidden for _, hidden in lines)
        for word, hidden in lines:
            assert (f"t_{word} " in text) == (not hidden)
            # a solution cell without any region is replaced as a whole
            assert (f"s_{word} " in text) == (not hidden and not all_open)


@FAST
@given(st.lists(st.sampled_from([*STRIPPABLE, cell("raw", "x"), cell("markdown", "y", tags=["slide"])]), max_size=6))
def test_stripping_twice_is_stripping_once(cells: list[Cell]) -> None:
    """Is a release, taken as a source, released as it is? (nbgrader stubs the rest of a region's cell, too.)"""
    unique = [each for at, each in enumerate(cells) if "nbgrader" not in each["metadata"] or each not in cells[:at]]
    with tempfile.TemporaryDirectory() as folder:
        one, two = Path(folder) / "one", Path(folder) / "two"
        first = prepare_notebook(make_course(one, {"n1": unique}), "n1").release
        assignment = make_course(two, {"n1": unique})
        assignment.notebooks["n1"].write_text(nbformat.writes(first), encoding="utf-8")
        assert prepare_notebook(assignment, "n1").release == first


# --- the same, and whole ----------------------------------------------------------------------------------------------


def test_a_second_build_gives_the_same_bytes(tmp_path: Path) -> None:
    """Are release, solutions, bundle and Otter zip identical in a second build elsewhere, at another time?"""
    built = []
    for place in ("one", "two"):
        assignment = make_course(tmp_path / place, {"n1": DOUBLE, "課題": DOUBLE}, files={"data/x.csv": "1\n"})
        build_assignment(assignment, run=quick_run)
        build_assignment(assignment, run=quick_run)
        built.append({step: tree(tmp_path / place / step) for step in ("release", "solution", "autograder")})
        assert not list((tmp_path / place).rglob(".*"))
    assert built[0] == built[1]
    text = built[0]["release"]["a1/n1.ipynb"].decode()
    assert json.loads(text) == json.loads(json.dumps(json.loads(text), sort_keys=True))
    assert text.endswith("}\n")


def test_a_py_source_gives_the_bytes_of_its_ipynb(tmp_path: Path) -> None:
    """Does it make no difference which of the two paired files a build reads?"""
    import jupytext

    build_assignment(make_course(tmp_path), run=quick_run)
    before = tree(tmp_path / "release")
    folder = tmp_path / "source" / "a1"
    notebook = nbformat.reads((folder / "n1.ipynb").read_text("utf-8"), as_version=4)
    jupytext.write(notebook, folder / "n1.py", fmt="py:percent")
    (folder / "n1.ipynb").write_text("stale and broken")
    os.utime(folder / "n1.py", (10**9, 10**9))
    assignment = Course.find(tmp_path).assignment("a1")
    assert assignment.notebooks["n1"].name == "n1.py"
    (note,) = build_assignment(assignment, run=quick_run).notes
    assert "differs from it" in note
    assert tree(tmp_path / "release") == before


def test_edits_in_the_other_file_of_a_pair_are_noted(tmp_path: Path) -> None:
    """Is an .ipynb that is newer than its .py and differs from it named, and no other?"""
    import jupytext

    assignment = make_course(tmp_path)
    pair, text = assignment.folder / "n1.ipynb", assignment.folder / "n1.py"
    jupytext.write(jupytext.read(pair), text, fmt="py:percent")
    assignment = Course.find(tmp_path).assignment("a1")
    os.utime(text, (10**9, 10**9))
    assert build_assignment(assignment, run=quick_run).notes == ()
    pair.write_text(pair.read_text("utf-8").replace("Doubling", "Doubling, twice"), encoding="utf-8")
    (note,) = build_assignment(assignment, run=quick_run).notes
    assert note.startswith("n1.ipynb is newer than n1.py and differs from it; n1.py was built.")
    os.utime(pair, (10**8, 10**8))
    assert build_assignment(assignment, run=quick_run).notes == ()


def test_the_source_hash_tells_what_is_stale(tmp_path: Path) -> None:
    """Does the hash change with notebook, data, settings and stubs, and with nothing else?"""
    assignment = make_course(tmp_path, files={"x.csv": "1"})
    seen = [source_hash(assignment)]
    (assignment.folder / "answers").mkdir()
    (assignment.folder / "answers" / "a.py").write_text("1")
    (tmp_path / "submitted").mkdir()
    assert source_hash(make_course(tmp_path, config="c.CourseDirectory.course_id = 'x'")) == seen[0]
    hook = "c.GenerateAssignment.post_convert_hook = lambda **more: None"
    assert source_hash(make_course(tmp_path, config=hook)) == source_hash(make_course(tmp_path, config=hook))
    for more in (
        {"files": {"x.csv": "2"}},
        {"toml": 'gpu = "required"'},
        {"config": "c.ClearSolutions.text_stub = 'x'"},
        {"config": "c.Saiten.languages = ['en']"},
        {"notebooks": {"n1": DOUBLE[:4]}},
    ):
        seen.append(source_hash(make_course(tmp_path, **more)))  # type: ignore[arg-type]
    assert len(set(seen)) == len(seen)


def test_a_build_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """After an error in the middle of writing, are old folders whole and no others left?"""
    targets = [tmp_path / "release" / "a1", tmp_path / "solution" / "a1"]
    with staged(targets) as stages:
        for stage in stages:
            (stage / "x").write_text("old")

    def fail() -> None:
        with staged(targets) as stages:
            (stages[0] / "x").write_text("new")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert tree(tmp_path) == {"release/a1/x": b"old", "solution/a1/x": b"old"}
    assert sorted(path.name for path in (tmp_path / "release").iterdir()) == ["a1"]


KILLED = """
import os, signal, sys
from pathlib import Path
from saiten.build.staging import staged
with staged([Path(sys.argv[1])]) as (stage,):
    (stage / "x").write_text("new")
    if sys.argv[2] == "swapping":
        Path(sys.argv[1]).rename(stage.with_name(stage.name + "-old"))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["writing", "swapping"])
def test_a_build_that_is_killed_is_cleared_away(tmp_path: Path, moment: str) -> None:
    """After kill -9, while writing or between the two renames, does the next build find the old and leave no trace?"""
    target = tmp_path / "release" / "a1"
    with staged([target]) as (stage,):
        (stage / "x").write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(target), moment], check=False)
    assert done.returncode == -9
    assert len(list(target.parent.iterdir())) == 2
    with staged([target]) as (stage,):
        assert (target / "x").read_text() == "old"
        (stage / "x").write_text("new")
    assert [path.name for path in target.parent.iterdir()] == ["a1"]


def test_another_build_at_work_is_left_alone(tmp_path: Path) -> None:
    """Is the folder of a build that is still running not cleared away?"""
    busy = tmp_path / f".a1.building-{os.getppid()}"
    busy.mkdir()
    with staged([tmp_path / "a1"]):
        assert busy.exists()


# --- the reference ----------------------------------------------------------------------------------------------------


def test_a_reference_that_fails_names_the_cell(tmp_path: Path) -> None:
    """Is a wrong reference solution one sentence with cell and error, and a cell that is meant to fail no error?"""
    wrong = [solution("f", "f = 3"), graded("t", "assert f == 4, 'four'")]
    with pytest.raises(SourceError, match=r"a1/n1: cell 2 \(t\): the reference solution fails its own test: .*four"):
        make_bundle(make_course(tmp_path, {"n1": wrong}), run=quick_run)
    with pytest.raises(SourceError, match=r"a1/n1: cell 1 \(1 / 0\): the reference fails: ZeroDivisionError"):
        make_bundle(make_course(tmp_path, {"n1": [cell("code", "1 / 0"), *DOUBLE]}), run=quick_run)
    meant = cell("code", "1 / 0", tags=["raises-exception"])
    assert make_bundle(make_course(tmp_path, {"n1": [meant, *DOUBLE]}), run=quick_run).max_score == 5


def test_a_reference_that_dies_is_the_instructors(tmp_path: Path) -> None:
    """Is a reference that never ends, or kills its process, told as a fault of the source?"""

    def dying(*_: object, **__: object) -> list[ReferenceCell]:
        raise EngineError("the reference run took longer than 600 seconds")

    with pytest.raises(SourceError, match="does not run to its end: the reference run took longer"):
        make_bundle(make_course(tmp_path), run=dying)


def test_the_reference_gets_all_files_and_the_limits(tmp_path: Path) -> None:
    """Does the reference run with public and hidden data, the notebook's imports and the assignment's limits?"""
    seen: dict[str, Any] = {}

    def spy(cells: Any, **more: Any) -> list[ReferenceCell]:
        seen.update(more, tests=[each.test for each in cells])
        return [ReferenceCell() for _ in cells]

    toml = 'hidden_files = ["h.csv"]\n[limits]\ncell_seconds = 2\n'
    make_bundle(make_course(tmp_path, toml=toml, files={"h.csv": "1", "x.csv": "2"}), run=spy)
    assert seen["files"] == {"h.csv": b"1", "x.csv": b"2"}
    assert seen["limits"].cell_seconds == 2
    assert seen["imports"] == ("json", "math")
    assert seen["tests"] == [False, False, False, True, False]


def test_a_notebook_that_marks_nothing_is_refused(tmp_path: Path) -> None:
    """Is a source without any grade_id told so?"""
    with pytest.raises(SourceError, match="a1: no cell has a grade_id"):
        make_bundle(make_course(tmp_path, {"n1": [cell("markdown", "x"), cell("code", "1")]}), run=quick_run)
