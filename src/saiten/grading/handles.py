"""The student's objects as the judge sees them: handles without behaviour of their own, every use a question.

In: a link and a number. Out: objects that tests can call, index, iterate and measure; anything else is refused.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any, NoReturn, Protocol

from saiten.grading.faults import WrongKind

BATCH = 64
"""Items that are asked for at once."""
MAX_ITEMS = 100_000
"""Items taken from one iterator of the student's."""


class Asks(Protocol):
    """What a handle needs of a link."""

    def ask(self, op: str, target: Handle, *, arguments: tuple[Any, ...] = (), **fields: Any) -> Any:
        """Ask the student's process about one of its objects."""

    def release(self, number: int) -> None:
        """Say that an object is no longer needed."""


class Handle:
    """An object that lives in the student's process: call it, get an attribute or an item, take its length, iterate."""

    __array_ufunc__ = None  # NumPy must hand operations back, so that they end in the TypeError below

    def __init__(self, link: Asks, number: int, type_name: str) -> None:
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_number", number)
        object.__setattr__(self, "_type", type_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(f"{self!r} has no plain {name}")
        return self._link.ask("getattr", self, name=name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._link.ask("setattr", self, name=name, value=value, arguments=(value,))

    def __getitem__(self, key: Any) -> Any:
        return self._link.ask("getitem", self, key=key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._link.ask("setitem", self, key=key, value=value)

    def __len__(self) -> int:
        length = self._link.ask("len", self)
        if type(length) is not int or not 0 <= length <= sys.maxsize:
            raise WrongKind(f"the length of {self!r} is not a whole number")
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = self._link.ask("iter", self)
        if not isinstance(iterator, Handle):
            raise WrongKind(f"{self!r} cannot be iterated")
        taken = 0
        while True:
            batch = iterator._take(BATCH)  # a loop that is left early has taken all of its last batch
            yield from batch
            taken += len(batch)
            if not batch:
                return
            if taken > MAX_ITEMS:
                raise ValueError(f"{self!r} has more than {MAX_ITEMS} items")

    def __next__(self) -> Any:
        for item in self._take(1):
            return item
        raise StopIteration

    def _take(self, count: int) -> list[Any]:
        """The next items of an iterator, so many at most; none at its end."""
        batch = self._link.ask("next", self, count=count)
        if type(batch) is not list or len(batch) > count:
            raise WrongKind(f"{self!r} cannot be iterated")
        return batch

    def __repr__(self) -> str:
        return f"<{self._type} in the student's process>"

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    def _refuse(self, *_: Any) -> NoReturn:
        raise WrongKind(f"the answer is an object of type {self._type!r}, where plain data is needed")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _refuse
    __matmul__ = __rmatmul__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = _refuse
    __neg__ = __pos__ = __abs__ = __invert__ = __float__ = __int__ = __complex__ = __index__ = _refuse
    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __contains__ = _refuse

    def __bool__(self) -> bool:
        truth = self._link.ask("bool", self)  # what it says earns no more than True or False in its place would
        if type(truth) is not bool:
            raise WrongKind(f"{self!r} is neither true nor false")
        return truth

    __hash__ = object.__hash__

    def __del__(self) -> None:
        self._link.release(self._number)


class CallableHandle(Handle):
    """A function, class or method of the student's."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call it there; data, a handle, or the student's exception comes back."""
        return self._link.ask("call", self, args=args, kwargs=kwargs, arguments=(args, tuple(kwargs.values())))

    def __bool__(self) -> bool:
        return True


def signature(parameters: Any) -> inspect.Signature | None:
    """Parameters as `inspect.signature` gives them, or None if what was sent is none."""
    try:
        return inspect.Signature(
            [
                inspect.Parameter(
                    name, inspect._ParameterKind(kind), default=... if optional is True else inspect.Parameter.empty
                )
                for name, kind, optional in parameters
            ]
        )
    except (ValueError, TypeError):
        return None
