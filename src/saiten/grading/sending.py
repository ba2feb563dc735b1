"""What the judge sends: requests as pickles, which a student process may trust.

In: a request with whatever a test passed. Out: bytes in which the student's own objects and the judge's functions are
references; everything else travels by value.
"""

from __future__ import annotations

import io
import pickle
import sys
from types import FunctionType, MethodType
from typing import Any, Protocol

import cloudpickle

from saiten.grading.arguments import is_tensor
from saiten.grading.faults import CannotSend
from saiten.grading.handles import Handle


class Sender(Protocol):
    """What a pickle needs of a link."""

    def holds(self, handle: Handle) -> bool:
        """Whether an object lives in the process that the pickle goes to."""

    def stays_here(self, value: Any) -> bool:
        """Whether a function or class is the judge's own and never sent."""

    def callback(self, function: Any) -> int:
        """Number under which the student's side may call one of the judge's functions."""


class Outgoing(cloudpickle.Pickler):  # type: ignore[misc]
    """Everything travels by value, but for handles (they go home) and the judge's own functions (they stay here)."""

    def __init__(self, file: io.BytesIO, sender: Sender) -> None:
        super().__init__(file)
        self._saiten_sender = sender

    def reducer_override(self, obj: Any) -> Any:
        """A tensor travels with its storage: of a view only what it shows may go, not the rest of a hidden table."""
        dense = is_tensor(obj) and obj.layout is sys.modules["torch"].strided
        if dense and obj.untyped_storage().nbytes() > obj.numel() * obj.element_size():
            return obj.detach().clone().requires_grad_(obj.requires_grad).__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        return super().reducer_override(obj)

    def persistent_id(self, obj: Any) -> tuple[str, int] | None:
        """References for what does not travel."""
        if isinstance(obj, Handle):
            if not self._saiten_sender.holds(obj):
                raise CannotSend("this object belongs to a student's process that other tests were run with")
            return "handle", obj._number
        if isinstance(obj, FunctionType | MethodType) and self._saiten_sender.stays_here(obj):
            return "callback", self._saiten_sender.callback(obj)
        if isinstance(obj, type) and self._saiten_sender.stays_here(obj):
            raise CannotSend(f"class {obj.__name__} is defined in a test cell: such a test needs the tag in-student")
        return None


def at_home(value: Any, sender: Sender, depth: int = 0) -> bool:
    """Whether all of the student's objects within a value live in the process that it would be sent to."""
    if isinstance(value, Handle):
        return sender.holds(value)
    if type(value) not in (list, tuple, dict) or depth > 6:
        return True
    items = value.values() if type(value) is dict else value
    return all(at_home(item, sender, depth + 1) for item in items)
