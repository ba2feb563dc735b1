"""Can a submission stop, slow or fill anything but itself?"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from pathlib import Path

import attack_target as target
import hostile_stops
import psutil
import pytest
from attack_room import Room


@pytest.mark.parametrize("attack", hostile_stops.ENDS, ids=lambda attack: attack.name)
def test_a_death_costs_one_question(attack: target.Attack, hasty_room: Room) -> None:
    """Is the question lost whose code ended the process, and every other one marked?"""
    result = hasty_room.mark(attack)
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.expected_scores(attack.questions), result.notes


def test_the_peers_lose_the_whole_notebook(hasty_room: Room) -> None:
    """Is `os._exit` a real attack, where all cells share one process?"""
    assert hasty_room.without_walls(hostile_stops.ENDS[0])["died"]


@pytest.mark.parametrize("attack", hostile_stops.LOOPS, ids=lambda attack: attack.name)
def test_a_loop_costs_its_own_time(attack: target.Attack, hasty_room: Room) -> None:
    """Does it end at the limit, with the reason, and the rest of the notebook marked?"""
    result = hasty_room.mark(attack)
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.expected_scores(attack.questions), result.questions
    shown = target.outputs(result)
    assert any(word in shown for word in ("time is up", "within 1 seconds", "EOFError", "StdinNotImplemented")), shown


@pytest.mark.parametrize("attack", hostile_stops.FLOODS, ids=lambda attack: attack.name)
def test_what_runs_full_is_the_students(attack: target.Attack, hasty_room: Room) -> None:
    """Does the limit hold, and the marked notebook stay of a size that can be shown?"""
    result = hasty_room.mark(attack)
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.expected_scores(attack.questions), result.questions
    assert len(result.notebooks[0].document) < hostile_stops.MAX_DOCUMENT


def _named(name: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["name"]) if process.info["name"] == name]


def _wait_for(name: str, count: int) -> None:
    """Wait until so many processes of that name run; the test's own time limit ends it otherwise."""
    while len(_named(name)) != count:
        time.sleep(0.02)


def test_a_daemon_ends_with_its_submission(hasty_room: Room, tmp_path: Path) -> None:
    """Is whatever a submission left running gone, though it left its session and closed all descriptors?"""
    victim, name = tmp_path / "gradebook.db", f"kappa-{os.getpid()}"
    victim.write_text("")
    code = hostile_stops.HIDE.replace("{victim}", str(victim)).replace("{daemon}", name)
    attack = target.Attack("daemon", "writes when marking is over", before=code)
    hasty_room.without_walls(attack)
    _wait_for(name, 1)
    while not victim.read_text():
        time.sleep(0.02)
    for daemon in _named(name):
        daemon.kill()
    _wait_for(name, 0)
    victim.write_text("")
    assert "hidden" in target.outputs(hasty_room.mark(attack))
    _wait_for(name, 0)
    assert victim.read_text() == ""


def test_killing_itself_again_and_again_gains_nothing(hasty_room: Room) -> None:
    """Does a submission whose every cell kills the process end soon, with nothing?"""
    deaths = {name: f"def {name}(*a):\n    import os\n    os._exit(0)" for name in target.RIGHT}
    attack = target.Attack("dies", "restarts without end", deaths)
    attack = replace(attack, before="import os\nif os.fork() == 0:\n    os._exit(0)")
    result = hasty_room.mark(attack)
    assert target.scores(result) == dict.fromkeys(target.POINTS, 0.0)
    cells = target.cells_of(hasty_room.bundle, target.RIGHT)
    own = [{"cell_type": "code", "metadata": {}, "source": "import os\nos._exit(0)"}] * 40
    result = hasty_room.engine.mark(target.lessons.submission(*own, *cells))
    assert target.is_graded(result)
    assert set(target.scores(result).values()) <= {0.0, *target.POINTS.values()}


def test_the_engine_has_no_process_too_many(hasty_room: Room) -> None:
    """Of all that was started above: does only run what stays warm between submissions?

    That is the process that has imported, the judges' parent, and the students' two parents (for notebooks with and
    without changes in the leading cells), each behind a process that stands at the border of their namespace.
    """
    zygote = hasty_room.engine._zygote
    assert zygote is not None
    parent = psutil.Process(zygote._process.pid)
    while len(_alive(parent)) > 5:  # what was killed takes a moment to go; the test's own time limit ends it otherwise
        time.sleep(0.02)


def _alive(parent: psutil.Process) -> list[psutil.Process]:
    found = []
    for process in parent.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [process] if process.status() != psutil.STATUS_ZOMBIE else []
    return found
