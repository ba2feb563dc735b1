"""Folders that appear whole or not at all.

In: the folder to replace. Out: an empty folder beside it to write into, swapped in when all went well.
An interrupted build leaves the old folder as it was; what it left behind is cleared away by the next one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

_MARK = ".building-"


@contextmanager
def staged(targets: Sequence[Path]) -> Iterator[list[Path]]:
    """Write several folders aside, and swap all of them in when the block ends without an error.

    Args:
        targets: folders to make or replace. Their parents are made if need be.

    Yields:
        an empty folder for each target, on the target's own file system.
    """
    with ExitStack() as stack:
        stages = [stack.enter_context(_stage(target)) for target in targets]
        yield stages
        for stage, target in zip(stages, targets, strict=True):
            _swap(stage, target)


@contextmanager
def _stage(target: Path) -> Iterator[Path]:
    target.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(target)
    stage = target.parent / f".{target.name}{_MARK}{os.getpid()}"
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _swap(stage: Path, target: Path) -> None:
    old = stage.with_name(f"{stage.name}-old")
    if target.exists():
        target.rename(old)
    try:
        stage.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _clear_leftovers(target: Path) -> None:
    """Remove what builds that are no longer running have left; an old release among it goes back to its place."""
    for path in sorted(target.parent.glob(f".{target.name}{_MARK}*")):
        owner = path.name.removeprefix(f".{target.name}{_MARK}").removesuffix("-old")
        if owner.isdigit() and int(owner) != os.getpid() and not _runs(int(owner)):
            if path.name.endswith("-old") and not target.exists():
                path.rename(target)
            else:
                shutil.rmtree(path, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
