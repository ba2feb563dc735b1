"""Are control groups that an engine left behind removed by the next one, and another user's left to that user?"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from saiten.grading import cgroups

GONE = 2**22 + 1
"""no process has this number: it is above the kernel's largest"""


@pytest.mark.parametrize(
    ("error", "counted"), [(None, 0), (errno.EBUSY, 1), (errno.EPERM, 0), (errno.EACCES, 0), (errno.ENOENT, 0)]
)
def test_what_is_left_of_a_killed_engine(
    error: int | None, counted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is a group counted only while somebody of ours is in it, so that nobody waits for what is not theirs?"""
    group = tmp_path / f"saiten-{GONE}-{GONE}"
    group.mkdir()

    def groups(versions: object) -> Iterator[tuple[object, Path]]:
        yield None, tmp_path

    monkeypatch.setattr(cgroups, "_own_groups", groups)
    if error is not None:

        def refuse(self: Path) -> None:
            raise OSError(error, "")  # the class of the error follows from its number

        monkeypatch.setattr(Path, "rmdir", refuse)
    assert cgroups.sweep() == counted
    assert group.exists() == (error is not None)
