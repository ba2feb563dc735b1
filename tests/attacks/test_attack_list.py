"""Is everything that a submission may try tried, by an attack or a test that exists?"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from attack_catalogue import CASES, NOT_ON_NBGRADER, Item, items

HERE = Path(__file__).parent
OWN_AT_LEAST = 15
"""attacks beyond the list"""
SECTIONS = ("lying", "reading", "writing", "stopping", "staff", "no attack")


@pytest.mark.parametrize("item", items(), ids=lambda item: item.id)
def test_every_item_is_tried(item: Item) -> None:
    """Is there an attack or a test for it, and does each that it names exist?"""
    assert item.section in SECTIONS
    assert item.words
    assert item.attacks or (item.tests and item.section == "no attack")
    assert sorted(set(item.attacks) - {case.name for case in CASES}) == []
    for test in item.tests:
        file, _, function = test.partition("::")
        text = (HERE / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {function}\(", text, re.MULTILINE), test


def test_no_name_stands_for_two() -> None:
    """Is each item's id its own, and each attack's name?"""
    for names in (Counter(item.id for item in items()), Counter(case.name for case in CASES)):
        assert [name for name, count in names.items() if count > 1] == []


def test_enough_attacks_are_beyond_the_list() -> None:
    """Are there attacks that no item names: our own?"""
    listed = {name for item in items() for name in item.attacks}
    assert len([case for case in CASES if case.name not in listed]) >= OWN_AT_LEAST


def test_whatever_is_not_run_on_nbgrader_says_why() -> None:
    """Is every reason a sentence, for an attack that exists?"""
    assert sorted(set(NOT_ON_NBGRADER) - {case.name for case in CASES}) == []
    reasons = {case.plain for case in CASES if case.plain}
    assert all(reason.startswith(("not run: ", "not applicable: ")) for reason in reasons), reasons
