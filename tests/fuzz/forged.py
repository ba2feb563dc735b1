"""Messages that are nearly sound, for Hypothesis; and the question whether a value is of the closed set.

In: nothing. Out: strategies for structures, whole messages and bytes; `is_allowed`.
"""

from __future__ import annotations

import sys
from collections import Counter, OrderedDict
from typing import Any

import numpy as np
from hypothesis import strategies as st

from saiten.grading import codec
from saiten.grading.handles import CallableHandle, Handle

_PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, range, type(...), type(NotImplemented))
_HANDLES = (Handle, CallableHandle)


def is_allowed(value: Any) -> bool:
    """Whether a decoded value is of exactly the types that may come in, all the way down."""
    kind = type(value)
    if kind in _PLAIN or kind in _HANDLES:
        return True
    if kind in (list, tuple, set, frozenset):
        return all(map(is_allowed, value))
    if kind in (dict, OrderedDict, Counter):
        return all(map(is_allowed, value)) and all(map(is_allowed, value.values()))
    if kind is slice:
        return is_allowed([value.start, value.stop, value.step])
    if kind is np.ndarray or isinstance(value, np.generic):
        return kind.__module__ == "numpy" and value.dtype.kind in "biufcSUMm" and value.dtype.names is None
    if isinstance(value, np.dtype):
        return value.kind in "biufcSUMm" and value.names is None
    torch = sys.modules.get("torch")
    return torch is not None and kind in (torch.Tensor, torch.Size, torch.dtype)


TEXT = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates included
NUMBERS = st.one_of(
    st.integers(-3, 70),
    st.sampled_from([-(1 << 63), (1 << 63) - 1, (1 << 64) - 1, 1 << 31, 1 << 40, 1 << 62]),
    st.floats(),
)
DTYPES = st.sampled_from([
    "<f8", ">f4", "|b1", "|O", "<U2", ">U1", "|S3", "|S0", "|V3", "<M8[ns]", "<M8", ">m8[s]", "<M8[0s]", "=M8[Y]",
    "<M8[99999999999D]", "<f16", "<c16", "|u1", "f8", "<i4,<f8", "(2,)<f8", "{'a': 1}", "object", "<f8\n", "",
    "float32", "bool", "bfloat16", "complex64", "uint16", "qint8", "__class__", "Tensor", "\ud800",
])  # fmt: skip
ATOMS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT, DTYPES, st.binary(max_size=6), st.just("0x1f"))
SHAPES = st.lists(NUMBERS | st.integers(0, 3), max_size=5) | st.just([0] * 70) | st.just([1] * 40)
TAGS = st.sampled_from([*sorted(codec._DECODERS), "?", "__class__", "", "ll"])
PLACES = st.tuples(NUMBERS, NUMBERS).map(list)


def _nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One level more: anything behind any tag, and what comes nearer to being right."""
    many = st.lists(inner, max_size=4)
    handles = st.tuples(st.just("h"), NUMBERS, ATOMS, ATOMS, ATOMS, ATOMS, many | ATOMS)
    return st.one_of(
        many,
        st.dictionaries(TEXT, inner, max_size=2),
        st.builds(lambda tag, rest: [tag, *rest], TAGS, st.lists(inner | many, max_size=6)),
        st.builds(lambda tag, items: [tag, items], st.sampled_from("ltsfrkz"), many),
        st.builds(lambda tag, keys, values: [tag, keys, values], st.sampled_from("doC"), many, many),
        st.builds(lambda d, shape, place: ["a", d, shape, *place], DTYPES, SHAPES, PLACES),
        st.builds(lambda d, shape, place, g: ["x", d, shape, *place, g], DTYPES, SHAPES, PLACES, ATOMS),
        st.builds(lambda d, place: ["g", d, *place], DTYPES, PLACES),
        st.builds(lambda tag, place: [tag, *place], st.sampled_from("SBb"), PLACES),
        handles.map(list),
    )


NODES = st.recursive(ATOMS, _nodes, max_leaves=12)
BLOBS = st.binary(max_size=80)


@st.composite
def messages(draw: st.DrawFn, number: Any = None) -> Any:
    """A whole message: right in all but some of its five places, or in none. `number` stands for the question's."""
    kind = draw(st.sampled_from(["value", "raise", "timeout", "callback", "run", "victory"]) | ATOMS)
    answers = draw(st.just(number) | st.integers(0, 3) | ATOMS)
    body = draw(NODES)
    if kind == "raise":
        kinds = st.sampled_from(["builtins.ValueError", "builtins.SystemExit", "saiten.grading.faults.StudentGone"])
        body = draw(st.tuples(st.lists(kinds | TEXT, max_size=3), TEXT, TEXT, NUMBERS).map(list) | NODES)
    elif kind == "callback":
        arguments = st.lists(NODES, max_size=3).map(lambda items: ["l", items])
        named = st.lists(TEXT, max_size=2).map(lambda keys: ["d", keys, [1] * len(keys)])
        body = draw(st.tuples(arguments, named).map(list) | NODES)
    changed = draw(st.just([]) | st.lists(st.tuples(NUMBERS, NODES).map(list), max_size=3) | NODES)
    names = draw(st.just([]) | st.lists(st.lists(TEXT | NODES, max_size=3), max_size=3) | NODES)
    message = [kind, answers, body, changed, names]
    return message if draw(st.integers(0, 9)) else draw(st.permutations(message)) or message[:4]
