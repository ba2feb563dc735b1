"""Does the closed format carry every value of its table exactly, and does nothing else come out of it?"""

from __future__ import annotations

import math
import struct
import sys
import tracemalloc
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from saiten.grading import codec
from saiten.grading.codec import Decoder, Encoder, Forged, NotEncodable, unpack

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Stand:
    """What a handle becomes in these tests."""

    def __init__(self, description: list[Any]) -> None:
        self.description = description


def encode(value: Any, arguments: tuple[Any, ...] = ()) -> tuple[bytes, bytes]:
    """A whole message: structure and blob."""
    encoder = Encoder(lambda item: [type(item).__name__], arguments)
    structure, chunks = encoder.message(encoder.encode(value))
    return structure, b"".join(chunks)


def decode(structure: bytes, blob: bytes, arguments: tuple[Any, ...] = ()) -> Any:
    """The judge's reading of it."""
    return Decoder(blob, Stand, arguments).decode(unpack(structure))


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same: exact types, bits of floats, dtypes, shapes, order of what has an order."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        equal = one.dtype == other.dtype and one.shape == other.shape
        return equal and np.ascontiguousarray(one).tobytes() == np.ascontiguousarray(other).tobytes()
    if isinstance(one, np.generic):
        return same(np.asarray(one), np.asarray(other))
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", other)
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    if isinstance(one, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, set | frozenset):
        return len(one) == len(other) and all(any(same(item, twin) for twin in other) for item in one)
    if isinstance(one, slice):
        return same([one.start, one.stop, one.step], [other.start, other.stop, other.step])
    return bool(one == other)


def back_again(value: Any) -> Any:
    """There and back."""
    return decode(*encode(value))


# -- what the table holds -------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=()), max_size=40)  # lone surrogates included
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.complex_numbers(),
    TEXT,
    st.binary(max_size=40),
    st.just(...),
    st.just(NotImplemented),
    st.builds(slice, st.none() | st.integers(), st.none() | st.integers(), st.none() | st.integers()),
    st.builds(range, st.integers(-99, 99), st.integers(-99, 99), st.integers(1, 9)),
)
KEYS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXT, st.binary(max_size=9))
DTYPES = [
    *("?", "i1", "<i2", ">i4", "<i8", "u1", "<u2", "<u4", ">u8", "<f2", "<f4", ">f8", "<c8", "<c16"),
    *("S3", "<U1", "<U7", ">U2", "<M8[ns]", "<M8[D]", ">M8[s]", "<m8[ms]"),
]
SHAPES = npst.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    """Arrays of every dtype and layout: transposed, reversed, strided, read-only."""
    array = draw(npst.arrays(np.dtype(draw(st.sampled_from(DTYPES))), draw(SHAPES)))
    if array.ndim and draw(st.booleans()):
        array = array[tuple(slice(None, None, draw(st.sampled_from([1, -1, 2]))) for _ in range(array.ndim))]
    if draw(st.booleans()):
        array = array.T
    array.flags.writeable = draw(st.booleans()) and array.flags.writeable
    return array


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Everything that holds something."""
    return st.one_of(
        st.lists(inner, max_size=5),
        st.lists(inner, max_size=5).map(tuple),
        st.sets(KEYS, max_size=5),
        st.frozensets(KEYS, max_size=5),
        st.dictionaries(KEYS, inner, max_size=5),
        st.dictionaries(KEYS, inner, max_size=5).map(OrderedDict),
        st.dictionaries(KEYS, st.integers(), max_size=5).map(Counter),
    )


NUMPY_SCALARS = arrays().filter(lambda a: a.size > 0 and a.dtype.itemsize > 0).map(lambda a: a.flat[0])
VALUES = st.recursive(SCALARS | st.binary(max_size=20).map(bytearray) | arrays(), containers, max_leaves=20)


@QUICK
@given(VALUES)
@example([1 << 63, -(1 << 63) - 1, (1 << 64) - 1, 1 << 64, 1 << (codec.MAX_INT_BITS - 1)])
@example([math.nan, -0.0, math.inf, 5e-324, complex(math.nan, -0.0)])
@example(["\ud800", "\udfff" * 2000, "x" * 5000, "\0", b"y" * 5000, bytearray(5000), ""])
@example([np.zeros((0, 1 << 40)), np.zeros((3, 0, 2)), np.array(7), np.array([True, False])])
@example({"a": [{"b": ({1, 2}, frozenset([3]))}]})
def test_every_value_comes_back_as_it_was(value: Any) -> None:
    """Are type, bits, dtype, shape and order the same on the other side?"""
    assert same(back_again(value), value)


@QUICK
@given(NUMPY_SCALARS)
def test_numpy_scalars_come_back_as_such(value: Any) -> None:
    """Is a NumPy scalar no Python number afterwards, and of the same dtype?"""
    assert same(back_again(value), value)


@QUICK
@given(arrays())
def test_arrays_arrive_whole_and_free(array: np.ndarray[Any, Any]) -> None:
    """Is what arrives C-contiguous, writable and no view of the message?"""
    arrived = back_again(array)
    assert arrived.flags.c_contiguous
    assert arrived.flags.writeable
    assert arrived.base is None or arrived.base.base is None
    assert same(arrived, array)


@pytest.mark.parametrize("name", sorted(codec._TORCH_DTYPES))
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_tensors_of_every_dtype(name: str, shape: tuple[int, ...]) -> None:
    """Do tensors keep dtype, shape and bits, from views and transposes, too?"""
    import torch

    count = math.prod(shape)
    raw = torch.arange(count).reshape(shape)
    tensor = (raw % 2 if name == "bool" else raw).to(getattr(torch, name))
    for value in (tensor, tensor.T if tensor.ndim == 2 else tensor, tensor[..., None].expand(*shape, 2)):
        arrived = back_again(value)
        assert type(arrived) is torch.Tensor
        assert arrived.dtype is value.dtype
        assert arrived.shape == value.shape
        assert torch.equal(_bits(arrived), _bits(value))
        assert arrived.is_contiguous()


def _bits(tensor: Any) -> Any:
    import torch

    return tensor.contiguous().reshape(-1).view(torch.uint8) if tensor.numel() else torch.empty(0)


def test_what_else_torch_has() -> None:
    """Do sizes, dtypes, gradients, conjugates and sparse tensors arrive as what they are, or as handles?"""
    import torch

    leaf = torch.ones(2, requires_grad=True)
    arrived = back_again([torch.Size([2, 3]), torch.float32, leaf, leaf * 2, torch.ones(2, dtype=torch.cfloat).conj()])
    assert arrived[0] == torch.Size([2, 3])
    assert type(arrived[0]) is torch.Size
    assert arrived[1] is torch.float32
    assert arrived[2].requires_grad
    assert arrived[2].is_leaf
    assert arrived[3].requires_grad
    assert torch.equal(arrived[4], torch.ones(2, dtype=torch.cfloat))
    assert isinstance(back_again(torch.ones(2).to_sparse()), Stand)
    assert isinstance(back_again(torch.nn.Parameter(torch.ones(2))), Stand)


OTHERS = [
    object(), type("Mine", (), {})(), int, len, lambda: 1, Fraction(1, 2), Decimal("1.5"), deque([1]), np,
    np.array([None]), np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), np.float64(1).astype(np.longdouble),
    np.ma.masked_all(2), np.zeros(2).view(np.matrix), type("Text", (str,), {})("x"), type("Number", (int,), {})(3),
    type("List", (list,), {})([1]), type("Dict", (dict,), {})(a=1), {}.keys(), iter([]), memoryview(b"x"),
    range(codec.MAX_NODES + 1), range(1 << 70), type("Array", (np.ndarray,), {})((2,)),
]  # fmt: skip


@pytest.mark.parametrize("value", OTHERS, ids=lambda value: type(value).__name__)
def test_everything_else_is_a_handle(value: Any) -> None:
    """Is no subclass, object array or foreign object taken for data, wherever it stands?"""
    assert isinstance(back_again(value), Stand)
    assert isinstance(back_again([{"a": (value,)}])[0]["a"][0], Stand)


def test_a_defaultdict_is_a_dict() -> None:
    """Does it come back without its factory, which is code?"""
    assert same(back_again(defaultdict(list, a=[1])), {"a": [1]})


@pytest.mark.parametrize(
    "make",
    [
        lambda: _nested(codec.MAX_DEPTH + 2),
        lambda: _itself(),
        lambda: [0] * (codec.MAX_NODES + 1),
        lambda: [[]] * (codec.MAX_NODES // 2 + 1),
        lambda: 1 << codec.MAX_INT_BITS,
        lambda: ["x" * 1000] * (codec.MAX_STRUCTURE // 1000 + 1),
    ],
    ids=["too deep", "holds itself", "too many parts", "too many lists", "too large a number", "too much text"],
)
def test_what_cannot_be_sent_is_refused_by_the_sender(make: Callable[[], Any]) -> None:
    """Does an honest answer without end raise, so that the test can say why?"""
    with pytest.raises(NotEncodable):
        encode(make())


def _nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def _itself() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def test_the_deepest_answer_that_can_be_sent_can_be_read() -> None:
    """Do the two sides agree on how deep is too deep?"""
    assert same(back_again(_nested(codec.MAX_DEPTH - 1)), _nested(codec.MAX_DEPTH - 1))


def test_arguments_go_home_as_themselves() -> None:
    """Is an argument that comes back the judge's own object, and its contents sent only when asked for?"""
    here, there = ([1], {"k": np.ones(2)}), ([1], {"k": np.ones(2)})
    encoder = Encoder(lambda item: [], there)
    structure, chunks = encoder.message(encoder.encode([there[1], there[0], [1]]))
    arrived = decode(structure, b"".join(chunks), here)
    assert arrived[0] is here[1]
    assert arrived[1] is here[0]
    assert arrived[2] is not here[0]
    contents = Encoder(lambda item: [], there)
    assert contents.encode(there[0], contents_of=there[0]) == ["l", [1]]


def test_every_kind_in_the_table_was_met() -> None:
    """Is there no tag that these tests never decode?"""
    import torch

    met: set[str] = set()
    values = [
        [1 << 70, 1j, "x" * 2000, b"x" * 2000, bytearray(1), (), set(), frozenset(), {}, OrderedDict(), Counter()],
        [range(1), slice(1), ..., NotImplemented, np.ones(1), np.float32(1), torch.ones(1), torch.Size([1])],
        [torch.float32, np.dtype("f4"), object()],
    ]
    argument = [1]
    encoder = Encoder(lambda item: [], (argument,))

    def collect(node: Any) -> None:
        if isinstance(node, list):
            met.update(item for item in node[:1] if isinstance(item, str))
            for item in node:
                collect(item)

    collect(encoder.encode([*values, argument]))
    assert met >= set(codec._DECODERS)


# -- what anybody may send ------------------------------------------------------------------------------------------

PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, range, type(...), type(NotImplemented), Stand)


def is_allowed(value: Any, depth: int = 0) -> bool:
    """Whether a decoded value is of the closed set of types, all the way down."""
    kind = type(value)
    if kind in PLAIN:
        return True
    if kind in (list, tuple, set, frozenset):
        return all(is_allowed(item, depth + 1) for item in value)
    if kind in (dict, OrderedDict, Counter):
        return all(is_allowed(item, depth + 1) for pair in value.items() for item in pair)
    if kind is slice:
        return all(is_allowed(item) for item in (value.start, value.stop, value.step))
    if kind is np.ndarray or isinstance(value, np.generic):
        return value.dtype.kind in "biufcSUMm" and kind.__module__ == "numpy"
    if isinstance(value, np.dtype):
        return value.kind in "biufcSUMm"
    torch = sys.modules.get("torch")
    return torch is not None and kind in (torch.Tensor, torch.Size, torch.dtype)


def _read(structure: bytes, blob: bytes) -> Any:
    """Decode, or say that it was forged; anything else than these two is the failure that is looked for."""
    try:
        return decode(structure, blob, ([1], np.ones(2)))
    except Forged:
        return None


@QUICK
@given(st.binary(max_size=200), st.binary(max_size=50))
@example(b"", b"")
@example(b"\xc1", b"")
@example(b"\xd6\xff\0\0\0\0", b"")
@example(b"\xc7\x0c\xff" + b"\xff" * 12, b"")
@example(b"\x81\xc0\xc0", b"")
@example(b"\xdf\xff\xff\xff\xff", b"")
@example(b"\x91" * 5000, b"")
def test_random_bytes_are_forged_or_plain(structure: bytes, blob: bytes) -> None:
    """Does no byte string bring another exception, or a value that is not of the table?"""
    assert is_allowed(_read(structure, blob))


@QUICK
@given(VALUES, st.data())
def test_mutated_messages_are_forged_or_plain(value: Any, data: st.DataObject) -> None:
    """The same for messages that were sound until some bytes were changed."""
    structure, blob = map(bytearray, encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        part = data.draw(st.sampled_from([structure, blob]))
        if part:
            part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
    assert is_allowed(_read(bytes(structure), bytes(blob)))


ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 99), st.sampled_from([1 << 40, -(1 << 60), 1 << 62]), st.floats(),
    st.sampled_from(["", "<f8", "|b1", "|O", "<U2", ">U1", "|V3", "<M8[ns]", "<M8[99999999999D]", "float32", "bool",
                     "0xff", "-0x1", "zz", "|S0", "<m8[0s]", "<M8[25s/4]", "bfloat16"]),
    st.binary(max_size=5),
)  # fmt: skip
TAGS = st.sampled_from([*sorted(codec._DECODERS), "?", "__class__"])
NODES = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.builds(lambda tag, rest: [tag, *rest], TAGS, st.lists(inner | st.lists(inner, max_size=3), max_size=6))
    ),
    max_leaves=15,
)


@settings(QUICK, max_examples=1500)
@given(NODES, st.binary(max_size=64))
@example(["g", "|b1", 0, 1], b"\x02")
@example(["a", "|b1", [1], 0, 1], b"\xff")
@example(["x", "bool", [1], 0, 1, False], b"\x02")
@example(["a", "<U1", [1], 0, 4], b"\xff\xff\xff\x7f")
@example(["a", ">U1", [1], 0, 4], b"\x7f\xff\xff\xff")
@example(["a", "<f8", [2], 0, 8], bytes(8))
@example(["r", ["l", [0, 1 << 62, 1]]], b"")
@example(["r", ["l", [0, 1, 0]]], b"")
@example(["m", 2], b"")
@example(["i", "1" * 400_000], b"")
@example(["s", [["l", []]]], b"")
@example(["d", [["l", []]], [1]], b"")
@example(["d", [1, 2], [1]], b"")
@example(["y", "nn"], b"")
@example(["z", [-1, 1 << 63]], b"")
@example(["C", [["l", []]], [1]], b"")
def test_odd_structures_are_forged_or_plain(node: Any, blob: bytes) -> None:
    """The same for structures that nearly are values."""
    assert is_allowed(_read(msgpack.packb(node), blob))


@pytest.mark.parametrize(
    ("node", "blob"),
    [
        (["a", "|b1", [1], 0, 1], b"\x02"),
        (["g", "|b1", 0, 1], b"\x02"),
        (["x", "bool", [1], 0, 1, False], b"\x02"),
        (["a", "<U1", [1], 0, 4], b"\xff\xff\xff\x7f"),
        (["a", ">U1", [1], 0, 4], b"\x7f\xff\xff\xff"),
        (["a", "|O", [1], 0, 8], bytes(8)),
        (["a", "<f8", [1], -8, 8], bytes(8)),
        (["a", "<f8", [1], 8, 8], bytes(8)),
        (["m", 7], b""),
        (["r", ["l", [0, 1 << 61, 1]]], b""),
        (["?", 1], b""),
        ({"l": 1}, b""),
        ([["l"], []], b""),
        ([], b""),
    ],
)
def test_what_no_honest_process_sends_is_forged(node: Any, blob: bytes) -> None:
    """Is it refused, rather than taken for something near it?"""
    with pytest.raises(Forged):
        decode(msgpack.packb(node), blob, ([1],))


def _peak(work: Callable[[], Any]) -> int:
    """Bytes of memory that a piece of work needs at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


MEGABYTE = 1 << 20
WHOLE = ["a", "|u1", [MEGABYTE], 0, MEGABYTE]


@pytest.mark.parametrize(
    ("node", "blob"),
    [
        (["l", [WHOLE] * 2000], bytes(MEGABYTE)),
        (["l", [["B", 0, MEGABYTE]] * 2000], bytes(MEGABYTE)),
        (["l", [["S", 0, MEGABYTE]] * 2000], bytes(MEGABYTE)),
        (["l", [["x", "uint8", [MEGABYTE], 0, MEGABYTE, False]] * 2000], bytes(MEGABYTE)),
        (["d", [["b", 0, MEGABYTE]] * 2000, [1] * 2000], bytes(MEGABYTE)),
        (["a", "<f8", [1 << 40], 0, 8], bytes(8)),
        (["i", "f" * (codec.MAX_INT_BITS // 2)], b""),
    ],
    ids=["arrays", "bytes", "texts", "tensors", "keys", "a shape", "a number"],
)
def test_a_message_costs_what_it_weighs(node: Any, blob: bytes) -> None:
    """Is a small message that would become gigabytes refused before they are spent?"""
    packed = msgpack.packb(node)

    def read() -> None:
        with pytest.raises(Forged):
            decode(packed, blob)

    assert _peak(read) < 16 * MEGABYTE


@pytest.mark.parametrize("count", [1, 900])
def test_announcements_cost_nothing(count: int) -> None:
    """Is no memory kept for parts that were announced and never sent?"""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Forged):
        unpack((b"\xdd\x00\x3f\xff\xff" * count).ljust(codec.MAX_STRUCTURE, b"\xc0"))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 << 10, "kilobytes"


def test_too_long_a_structure_is_not_parsed() -> None:
    """Is the limit looked at first?"""
    with pytest.raises(Forged, match="too large"):
        unpack(b"\xc0" * (codec.MAX_STRUCTURE + 1))


@pytest.mark.parametrize("tag", ["s", "f"])
@pytest.mark.parametrize(
    "key",
    [
        lambda k: ["c", float(-1000003 * k), float(k)],
        lambda k: ["i", hex(((1 << 61) - 1) * (k + 9))],
    ],
    ids=["complex numbers", "large integers"],
)
def test_keys_that_collide_are_refused(tag: str, key: Callable[[int], Any]) -> None:
    """Is a set refused that would take the square of its size to build?"""
    nodes = [key(k) for k in range(1, 5000)]
    with pytest.raises(Forged, match="collide"):
        decode(msgpack.packb([tag, nodes]), b"")


def test_keys_of_honest_answers_do_not_collide() -> None:
    """Are large sets and dicts of ordinary keys taken?"""
    numbers = set(range(-5000, 5000)) | {k / 7 for k in range(5000)} | {(k, -k) for k in range(5000)}
    assert same(len(back_again(numbers)), len(numbers))
    words = {f"word {k}": k for k in range(5000)}
    assert same(back_again(words), words)
