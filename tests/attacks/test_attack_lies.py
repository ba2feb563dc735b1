"""Does a lie about an answer earn what an honest wrong answer earns: nothing?"""

from __future__ import annotations

import attack_target as target
import hostile_lies
import pytest
from attack_room import Room

ANSWERS_SUFFICE = True


def test_right_and_wrong_answers(room: Room) -> None:
    """Do both graders agree where nobody lies?"""
    right, wrong = target.Attack("right", "nothing"), target.Attack("wrong", "nothing", target.WRONG)
    for attack, points in ((right, target.POINTS), (wrong, dict.fromkeys(target.POINTS, 0.0))):
        assert room.without_walls(attack)["scores"] == points
        assert target.scores(room.mark(attack)) == points


@pytest.mark.parametrize("attack", hostile_lies.ALL, ids=lambda attack: attack.name)
def test_a_lie_earns_nothing(attack: target.Attack, room: Room) -> None:
    """Does the lie cost its own questions and nothing else?"""
    if attack.real:
        fooled = room.without_walls(attack)
        gained = {name: fooled["scores"].get(name) for name in attack.questions}
        assert gained == {name: target.POINTS[name] for name in attack.questions}, fooled["errors"]
    result = room.mark(attack)
    assert target.is_graded(result), result.message
    assert target.scores(result) == target.expected_scores(attack.questions)
