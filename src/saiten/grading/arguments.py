"""What a call may change in place: the arrays, tensors, lists, dicts and sets within its arguments.

In: the arguments of a call. Out: those objects, in order; and, after the call, their new contents put into them.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np

from saiten.grading.faults import ArgumentChanged


def mutables(values: Any) -> tuple[Any, ...]:
    """Arrays, tensors, lists, dicts and sets within arguments, each once, outermost first."""
    found: list[Any] = []
    seen: set[int] = set()
    todo: list[tuple[Any, int]] = [(values, 0)]
    while todo:
        value, depth = todo.pop(0)
        if id(value) in seen or depth > 6:
            continue
        kind = type(value)
        if kind in (list, dict, set, bytearray, np.ndarray) or is_tensor(value):
            seen.add(id(value))
            if kind is not np.ndarray or value.dtype.kind not in "OV":
                found.append(value)
        if kind in (list, tuple, dict) and len(value) <= 1000:
            todo.extend((item, depth + 1) for item in (value.values() if kind is dict else value))
    return tuple(item for item in found if item is not values)


def is_tensor(value: Any) -> bool:
    """A torch tensor proper, in a process that has imported torch."""
    torch = sys.modules.get("torch")
    return torch is not None and type(value) is torch.Tensor


def fresh(value: Any) -> Any:
    """A copy of plain data as `codec` rebuilds it, so that a change of the one is none of the other; else the same."""
    kind = type(value)
    if kind in (list, tuple):
        return kind(map(fresh, value))
    if kind in (dict, OrderedDict, Counter):
        return kind({key: fresh(item) for key, item in value.items()})
    if kind in (set, bytearray):
        return kind(value)
    if kind is np.ndarray:
        return value.copy()
    return value.detach().clone().requires_grad_(value.requires_grad) if is_tensor(value) else value


def update(target: Any, new: Any) -> None:
    """Give an argument the contents that the student's call gave it."""
    if isinstance(target, np.ndarray):
        if not isinstance(new, np.ndarray) or new.shape != target.shape or new.dtype != target.dtype:
            raise ArgumentChanged("your function changed the shape or dtype of its argument in place")
        if not target.flags.writeable:
            raise ArgumentChanged("your function changed its argument, which must stay as it is")
        target[...] = new
    elif isinstance(target, list | bytearray):
        target[:] = new
    elif isinstance(target, dict):
        fresh: Mapping[Any, Any] = dict(new)
        target.clear()
        target.update(fresh)
    elif isinstance(target, set):
        fresh_items = set(new)
        target.clear()
        target.update(fresh_items)
    else:
        import torch

        if not is_tensor(new) or new.shape != target.shape:
            raise ArgumentChanged("your function changed the shape of its argument in place")
        with torch.no_grad():
            target.copy_(new)
