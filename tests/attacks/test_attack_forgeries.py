"""What does a submission earn that speaks to the judge itself? What it answered, which is nothing."""

from __future__ import annotations

import attack_target as target
import hostile_forgeries
import pytest
from attack_room import Room

ANSWERS_SUFFICE = True


@pytest.mark.parametrize(
    "attack", [*hostile_forgeries.SHAPES, *hostile_forgeries.FRAMES], ids=lambda attack: attack.name
)
def test_a_forged_answer_is_a_wrong_answer(attack: target.Attack, hasty_room: Room) -> None:
    """Is it one lost question, and neither a fault of ours nor a point?"""
    result = hasty_room.mark(attack)
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.expected_scores(attack.questions), result.questions
    message = result.questions[0].message
    assert "full marks" not in message or message.startswith("your code raised"), message


def test_answers_before_the_questions_earn_nothing(hasty_room: Room) -> None:
    """Does it gain nothing to have sent the answer before the question came?"""
    result = hasty_room.mark(hostile_forgeries.AHEAD)
    assert target.is_graded(result), result.message
    assert target.scores(result)["double"] == 0


@pytest.mark.parametrize("attack", hostile_forgeries.CELLS, ids=lambda attack: attack.name)
def test_a_forged_run_changes_nothing(attack: target.Attack, hasty_room: Room) -> None:
    """Does a forged answer to "run this cell" cost at most that cell, which no question needs?"""
    result = hasty_room.mark(attack)
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.POINTS
    result.to_json().encode()
    result.notebooks[0].document.encode()
