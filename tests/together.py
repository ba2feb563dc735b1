"""Which tests stay in one process where several run, and which come first: `make test`, `make test-system`.

In: a test's id. Out: its group; a scheduler for pytest-xdist that hands out whole groups, the longest first.
(xdist's own marker for groups does nothing under pytest 9.2, which keeps ids where xdist does not look.)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

EXERCISES = sorted(path.parent.name for path in Path(__file__).parents[1].glob("source/*/assignment.toml"))
LIGHT = "+".join(EXERCISES[:2])
"""The group of the exercises that `make demo` builds by itself, and of all that marks one of them for real."""
_GROUPS = {
    "tests/quickstart/": "quickstart",
    "tests/system/test_clusters_of_mistakes.py": LIGHT,
    "tests/system/test_demo.py": LIGHT,
    "tests/system/test_second_floor.py": LIGHT,
    "tests/system/test_marked_exercises.py::test_what_is_broken": LIGHT,
    "tests/system/test_marked_exercises.py::test_what_is_hostile": EXERCISES[2],
    # users of this machine are made, removed, and looked for
    "tests/system/test_hub_holes": "users",
    "tests/system/test_trial_hub.py": "users",
    "tests/system/test_tutorial_hub.py": "users",
}
"""What an id begins with, to its group, where that is not the test's file."""
_LONGEST = (
    *(LIGHT, "tests/system/test_image.py", *EXERCISES[:1:-1], "users"),
    *("tests/system/test_resilience.py", "tests/system/test_ordinary_user.py", "tests/system/test_fuzzed_class.py"),
    *("tests/system/test_cluster_chaos.py", "tests/system/test_postgresql_chaos.py"),
    "tests/system/test_postgresql_cluster.py",
    "tests/system/test_otter_import.py",
    *("tests/system/test_lab_on_the_hub.py", "quickstart", *(f"tests/test_exercises.py {each}" for each in EXERCISES)),
    *("tests/attacks/test_attack_table.py", "tests/test_check.py", "tests/test_names_and_messages.py"),
)
"""Groups that take half a minute or more: begun last, one would keep a process busy after the other's end."""


def group_of(test: str) -> str:
    """The group of a test: what shares a fixture that is dear, or a built exercise; else its file.

    Args:
        test: its id, such as "tests/test_check.py::test_waivers".
    """
    file = test.partition("::")[0]
    exercise = next((name for name in EXERCISES if f"[{name}" in test), "")
    if exercise and file.startswith("tests/system/"):
        return LIGHT if exercise in EXERCISES[:2] else exercise
    if exercise and file == "tests/test_exercises.py":
        return f"{file} {exercise}"
    return next((group for begin, group in _GROUPS.items() if test.startswith(begin)), file)


def place_of(test: str) -> int:
    """Where a test's group stands among those that come first; all others have the same place, behind them."""
    group = group_of(test)
    return _LONGEST.index(group) if group in _LONGEST else len(_LONGEST)


class WholeGroups(LoadScopeScheduling):
    """Hands a process one group after the other, in the order in which the tests were collected."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # the group with most tests is not the longest

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
