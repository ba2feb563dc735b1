"""Does the measurement of the walls measure every kind of sandbox that this machine has?"""

from __future__ import annotations

from bench import walls
from saiten.grading import floor


def test_every_kind_is_measured() -> None:
    """Is there a time for each, and a word for what is not there?"""
    costs = {cost.kind: cost for cost in walls.measure(3, imports=())}
    assert list(costs) == list(walls.KINDS)
    assert not costs["limits only (--unsafe)"].refused
    assert all(bool(cost.refused) == (cost.milliseconds == 0) for cost in costs.values())
    assert costs["namespaces, Landlock, seccomp, control group"].refused == (
        "" if floor.best() == floor.FLOORS[0] else "not on this machine"
    )
    assert walls.render(list(costs.values()), 3).row_count == len(walls.KINDS)
