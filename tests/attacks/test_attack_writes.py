"""Can a submission write, leave or send anything, reach who looks at it, own dice and clock, or trip the intake?

What each gets is judged as in the table of `make attacks`: handed in as a folder, read, marked, cleaned for the page.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import attack_target as target
import hostile_dice
import pytest
from attack_catalogue import CASES, Case
from attack_trial import Floor
from attack_world import world

SLOW = {"a hundred thousand small files"}
"""Making them takes longer than all the others; the table has them."""
TRIED = [
    case
    for case in CASES
    if (case.kind in ("writing", "staff") or case.lesson == "dice" or case.name == "asks one bit of a submission")
    and case.name not in SLOW
]


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    """Saiten with its first floor, and a course that is attacked."""
    with world(tmp_path_factory.mktemp("attacked")) as course:
        running = Floor("namespaces", course)
        yield running
        running.close()


@pytest.mark.parametrize("case", TRIED, ids=lambda case: case.name)
def test_nothing_is_gained(case: Case, floor: Floor) -> None:
    """Does it get what an honest wrong answer gets, touch nothing, and leave the next student's points alone?"""
    outcome = floor.try_out(case)
    assert outcome.successes == (), outcome.verdict


@pytest.mark.parametrize("attack", [each for each in hostile_dice.ALL if each.real], ids=lambda attack: attack.name)
def test_owning_the_dice_is_a_real_attack(attack: target.Attack) -> None:
    """Do the tests hold, where they draw, measure and load in the student's process?"""
    for question, source in attack.answers.items():
        _, public, hidden = hostile_dice.QUESTIONS[question]
        code = "\n".join((hostile_dice.SETUP, source, public, hidden))
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
