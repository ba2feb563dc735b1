"""Arguments that a student's call changes: what is undone, and what the reference would have changed as well.

In: a call's arguments before it, and the reference's function of the same name. Out: `Change`s, which can be undone.
A test may compute what it expects from an array after the call. So a change that the reference does not make must not
help: such a test has to hold once more with its arguments left as they were (`Link.strict`).
"""

from __future__ import annotations

import copy
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

from saiten.grading.arguments import is_tensor, mutables, update
from saiten.grading.codec import Encoder, NotEncodable
from saiten.grading.handles import Handle


@dataclass(frozen=True, slots=True)
class Change:
    """One argument that a call changed in place."""

    target: Any
    """the judge's object"""
    before: Any
    """a copy of what it held"""
    expected: bool
    """whether the reference changes it, too (or that cannot be told)"""


def held(target: Any) -> Any:
    """A copy of what an argument holds; what lies within a list stays the same object, with a `Change` of its own."""
    return target.detach().clone() if is_tensor(target) else copy.copy(target)


def undo(changes: Sequence[Change]) -> None:
    """Give objects the contents that they had before the first of these changes."""
    for change in reversed(changes):
        update(change.target, change.before)


def changed_by_reference(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> set[int]:
    """Which of the mutable objects in these arguments (see `mutables`) the reference's function changes.

    The function gets copies. Where that cannot be done (an object of the student's, a function of the test's) every
    change is taken for one that it makes.
    """
    given = mutables((args, tuple(kwargs.values())))
    everything = set(range(len(given)))
    if any(isinstance(part, Handle | FunctionType | MethodType) for part in _parts((args, kwargs))):
        return everything
    try:
        copied_args, copied_kwargs = copy.deepcopy((args, kwargs))
    except Exception:  # a generator, an open file
        return everything
    copied = mutables((copied_args, tuple(copied_kwargs.values())))
    if len(copied) != len(given):
        return everything
    with _random_numbers_kept(), suppress(Exception):  # it may well refuse what a test passes; until then it counts
        function(*copied_args, **copied_kwargs)
    return {
        index for index, (one, other) in enumerate(zip(given, copied, strict=True)) if _content(one) != _content(other)
    }


def _parts(value: Any, depth: int = 0) -> Iterator[Any]:
    yield value
    if type(value) in (list, tuple, dict) and depth < 6:
        for item in value.values() if type(value) is dict else value:
            yield from _parts(item, depth + 1)


def _content(value: Any) -> bytes | None:
    encoder = Encoder(lambda item: [type(item).__name__])
    try:
        structure, chunks = encoder.message(encoder.encode(value))
    except (NotEncodable, RecursionError):
        return None
    return structure + b"".join(chunks)


@contextmanager
def _random_numbers_kept() -> Iterator[None]:
    """The test's random numbers go on as if the reference had drawn none."""
    plain, numpy, torch = random.getstate(), sys.modules["numpy"].random.get_state(), sys.modules.get("torch")
    drawn = torch.random.get_rng_state() if torch is not None else None
    try:
        yield
    finally:
        random.setstate(plain)
        sys.modules["numpy"].random.set_state(numpy)
        if torch is not None:
            torch.random.set_rng_state(drawn)
