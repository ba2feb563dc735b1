"""The closed format in which a student's answers reach the judge: plain data, arrays, tensors, handles, nothing else.

In: (student side) any Python value; (judge side) untrusted bytes. Out: (student side) a structure of lists and scalars
with a blob for bulk; (judge side) the same values, rebuilt as exactly those types by the judge's own code.
Never pickle, never a class of the student's: what is not in the table below travels as a handle.
"""

from __future__ import annotations

import re
import struct
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgpack
import numpy as np

MAX_STRUCTURE = 4 << 20
"""Bytes of structure in one message."""
MAX_MEMORY = 128 * MAX_STRUCTURE
"""Bytes of memory that the judge spends on one message's structure, at most: a byte of it becomes up to 103 bytes of
Python objects (measured: empty tensors; empty lists 88). Bulk (arrays, long text) is in the blob, which is copied twice
at most, wherever a message names it."""
MAX_DEPTH = 64
MAX_NODES = 2_000_000
LONG = 1024
"""Text and bytes longer than this travel in the blob."""
MAX_INT_BITS = 1 << 20
MAX_COLLISIONS = 1000
"""Keys of one set or dict that may share their hash with another; keys that nobody chose for it hardly ever do."""

_PLAIN = frozenset({type(None), bool, int, float, str})
_DTYPE = re.compile(r"[<>|=](?:b1|[iu][1248]|f[248]|c(?:8|16)|[SU][1-9]\d{0,5}|[Mm]8(?:\[\d*[A-Za-z]+\])?)")
_TORCH_DTYPES = frozenset(
    {"bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64", "bfloat16", "complex64", "complex128"}
)

Structure = Any
"""None, bool, int, float, str, bytes, or a list that starts with a tag."""


class NotEncodable(Exception):
    """An honest answer that is too deep, too large or refers to itself."""


class Forged(Exception):
    """Bytes that no honest student process sends; the verdict is a failed test, the process is ended."""


class Encoder:
    """Student side: turns values into structure and blob.

    Args:
        as_handle: called for everything that is not plain data; returns the handle's description (a plain list).
        arguments: objects that came with the current call; they are sent as a reference to the judge's own object.
    """

    def __init__(self, as_handle: Callable[[Any], list[Any]], arguments: Sequence[Any] = ()) -> None:
        self._as_handle = as_handle
        self._arguments = {id(value): index for index, value in enumerate(arguments)}
        self._chunks: list[bytes | memoryview] = []
        self._size = 0
        self._nodes = 0

    def encode(self, value: Any, depth: int = 0, *, contents_of: Any = None) -> Structure:
        """Encode one value; of `contents_of`, an argument, the new contents are sent rather than a reference."""
        kind = type(value)
        if kind in _PLAIN:
            return self._scalar(value)
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise NotEncodable("the answer is nested too deeply, refers to itself, or holds too many parts")
        if value is not contents_of and id(value) in self._arguments:
            return ["m", self._arguments[id(value)]]
        encode = _ENCODERS.get(kind)
        if encode is not None:
            return encode(self, value, depth)
        if isinstance(value, np.generic) and kind.__module__ == "numpy":
            array = np.asarray(value)
            if _DTYPE.fullmatch(array.dtype.str):
                return ["g", array.dtype.str, *self.blob(array.tobytes())]
        tensor = _torch_attribute("Tensor")
        if tensor is not None and kind is tensor:
            return self._tensor(value)
        size = _torch_attribute("Size")
        if size is not None and kind is size:
            return ["z", [int(item) for item in value]]
        dtype = _torch_attribute("dtype")
        if dtype is not None and kind is dtype:
            return ["y", str(value).removeprefix("torch.")]
        if isinstance(value, np.dtype) and _DTYPE.fullmatch(value.str):
            return ["p", value.str]
        return ["h", *self._as_handle(value)]

    def blob(self, content: bytes | memoryview) -> tuple[int, int]:
        """Append bulk and return its place: offset and length in bytes."""
        place = (self._size, len(content))
        self._chunks.append(content)
        self._size += len(content)
        return place

    def message(self, structure: Structure) -> tuple[bytes, list[bytes | memoryview]]:
        """The packed structure and the pieces of the blob."""
        packed = msgpack.packb(structure, unicode_errors="surrogatepass")
        if len(packed) > MAX_STRUCTURE:
            raise NotEncodable("the answer holds too many parts")
        return packed, self._chunks

    def _scalar(self, value: Any) -> Structure:
        if type(value) is int and not -(1 << 63) <= value < 1 << 64:
            if value.bit_length() > MAX_INT_BITS:
                raise NotEncodable("the answer is an integer of more than a million bits")
            return ["i", hex(value)]
        if type(value) is str and len(value) > LONG:
            return ["S", *self.blob(value.encode("utf-8", "surrogatepass"))]
        return value

    def _items(self, values: Sequence[Any], depth: int) -> list[Structure]:
        self._nodes += len(values)
        if self._nodes > MAX_NODES:
            raise NotEncodable("the answer holds too many parts")
        return [self.encode(item, depth + 1) for item in values]

    def _array(self, value: np.ndarray[Any, Any]) -> Structure:
        if not _DTYPE.fullmatch(value.dtype.str):
            return ["h", *self._as_handle(value)]
        content = np.ascontiguousarray(value)
        return ["a", value.dtype.str, list(value.shape), *self.blob(content.tobytes())]

    def _range(self, value: range, depth: int) -> Structure:
        if max(abs(value.start), abs(value.stop)) >= 1 << 62 or len(value) > MAX_NODES:
            return ["h", *self._as_handle(value)]
        return ["r", self._items([value.start, value.stop, value.step], depth)]

    def _tensor(self, value: Any) -> Structure:
        name = str(value.dtype).removeprefix("torch.")
        if name not in _TORCH_DTYPES or value.layout is not _torch_attribute("strided") or value.is_quantized:
            return ["h", *self._as_handle(value)]
        plain = value.detach().cpu().contiguous().resolve_conj().resolve_neg()
        raw = plain.reshape(-1).view(_torch_attribute("uint8")) if plain.numel() else plain.new_empty(0)
        content = raw.numpy().tobytes() if plain.numel() else b""
        return ["x", name, list(plain.shape), *self.blob(content), bool(value.requires_grad)]


_ENCODERS: dict[type, Callable[[Encoder, Any, int], Structure]] = {
    complex: lambda _, value, __: ["c", value.real, value.imag],
    bytes: lambda e, value, _: ["B", *e.blob(value)] if len(value) > LONG else value,
    bytearray: lambda e, value, _: ["b", *e.blob(bytes(value))],
    list: lambda e, value, depth: ["l", e._items(value, depth)],
    tuple: lambda e, value, depth: ["t", e._items(value, depth)],
    set: lambda e, value, depth: ["s", e._items(list(value), depth)],
    frozenset: lambda e, value, depth: ["f", e._items(list(value), depth)],
    dict: lambda e, value, depth: ["d", e._items(list(value), depth), e._items(list(value.values()), depth)],
    OrderedDict: lambda e, value, depth: ["o", e._items(list(value), depth), e._items(list(value.values()), depth)],
    Counter: lambda e, value, depth: ["C", e._items(list(value), depth), e._items(list(value.values()), depth)],
    defaultdict: lambda e, value, depth: ["d", e._items(list(value), depth), e._items(list(value.values()), depth)],
    range: lambda e, value, depth: e._range(value, depth),
    slice: lambda e, value, depth: ["k", e._items([value.start, value.stop, value.step], depth)],
    type(Ellipsis): lambda *_: ["e"],
    type(NotImplemented): lambda *_: ["n"],
    np.ndarray: lambda e, value, _: e._array(value),
}


class Decoder:
    """Judge side: rebuilds values from untrusted structure and blob, or raises `Forged`.

    One decoder for all values of a message: what they cost together is bounded.

    Args:
        blob: bulk of the message.
        make_handle: turns a handle's description (untrusted, plain) into a handle object.
        arguments: the judge's own objects that went out with the call.
    """

    def __init__(self, blob: bytes, make_handle: Callable[[list[Any]], Any], arguments: Sequence[Any] = ()) -> None:
        self.blob = blob
        self._view = memoryview(blob)
        self._make_handle = make_handle
        self._arguments = arguments
        self._nodes = 0
        self._room = len(blob)

    def decode(self, node: Structure, depth: int = 0) -> Any:
        """Rebuild one value."""
        if type(node) in _PLAIN or type(node) is bytes:
            return node
        self._nodes += 1
        if type(node) is not list or not node or depth > MAX_DEPTH + 2 or self._nodes > 2 * MAX_NODES:
            raise Forged("not a value")
        decode = _DECODERS.get(node[0]) if type(node[0]) is str else None
        if decode is None:
            raise Forged("unknown kind of value")
        try:
            return decode(self, node[1:], depth)
        except (ValueError, TypeError, IndexError, KeyError, OverflowError, struct.error, RecursionError) as error:
            raise Forged(f"damaged value: {type(error).__name__}") from None

    def _items(self, nodes: Any, *, depth: int) -> list[Any]:
        if type(nodes) is not list:
            raise Forged("not a sequence")
        return [self.decode(node, depth + 1) for node in nodes]

    def _bytes(self, offset: Any, length: Any) -> bytes:
        if type(offset) is not int or type(length) is not int or offset < 0 or length < 0:
            raise Forged("not a place in the message")
        if offset + length > len(self.blob):
            raise Forged("a place beyond the message")
        self._room -= length
        if self._room < 0:  # one megabyte named a thousand times would be a gigabyte here
            raise Forged("places that overlap")
        return bytes(self._view[offset : offset + length])

    def _array(self, dtype: Any, shape: Any, offset: Any, length: Any) -> Any:
        if type(dtype) is not str or not _DTYPE.fullmatch(dtype):
            raise Forged("unknown dtype")
        if type(shape) is not list or len(shape) > 32 or any(type(n) is not int or n < 0 for n in shape):
            raise Forged("not a shape")
        content = self._bytes(offset, length)
        kind = np.dtype(dtype)
        flat = np.frombuffer(content, kind) if content else np.empty(0, kind)
        _check_items(flat)
        return flat.reshape(shape).copy()

    def _scalar(self, dtype: Any, offset: Any, length: Any) -> Any:
        return self._array(dtype, [], offset, length)[()]

    def _tensor(self, name: Any, shape: Any, offset: Any, length: Any, requires_grad: Any) -> Any:
        import torch

        if name not in _TORCH_DTYPES:
            raise Forged("unknown dtype")
        raw = self._array("|u1", [length], offset, length)
        if name == "bool" and raw.size and raw.max() > 1:
            raise Forged("a truth value that is neither")
        dtype = getattr(torch, name)
        if type(shape) is not list or any(type(n) is not int or n < 0 for n in shape):
            raise Forged("not a shape")
        try:
            flat = torch.from_numpy(raw).view(dtype) if raw.size else torch.empty(0, dtype=dtype)
            tensor = flat.reshape(shape)
        except RuntimeError:
            raise Forged("shape and size differ") from None
        differentiable = tensor.is_floating_point() or tensor.is_complex()
        return tensor.requires_grad_() if requires_grad is True and differentiable else tensor


def _check_items(flat: np.ndarray[Any, Any]) -> None:
    """Refuse bit patterns that no operation of NumPy produces and that would behave oddly in comparisons."""
    if flat.size == 0:
        return
    if flat.dtype.kind == "b" and flat.view(np.uint8).max() > 1:
        raise Forged("a truth value that is neither")
    if flat.dtype.kind == "U" and flat.view(np.dtype("u4").newbyteorder(flat.dtype.byteorder)).max() > sys.maxunicode:
        raise Forged("a character beyond Unicode")


_DECODERS: dict[str, Callable[[Decoder, list[Any], int], Any]] = {
    "i": lambda _, rest, __: _big_int(*rest),
    "c": lambda _, rest, __: _complex(*rest),
    "S": lambda d, rest, _: d._bytes(*rest).decode("utf-8", "surrogatepass"),
    "B": lambda d, rest, _: d._bytes(*rest),
    "b": lambda d, rest, _: bytearray(d._bytes(*rest)),
    "l": lambda d, rest, depth: d._items(*rest, depth=depth),
    "t": lambda d, rest, depth: tuple(d._items(*rest, depth=depth)),
    "s": lambda d, rest, depth: set(_distinct(d._items(*rest, depth=depth))),
    "f": lambda d, rest, depth: frozenset(_distinct(d._items(*rest, depth=depth))),
    "d": lambda d, rest, depth: _mapping(d, dict, rest, depth),
    "o": lambda d, rest, depth: _mapping(d, OrderedDict, rest, depth),
    "C": lambda d, rest, depth: Counter(_mapping(d, dict, rest, depth)),
    "r": lambda d, rest, depth: _range(_integers(d._items(*rest, depth=depth))),
    "k": lambda d, rest, depth: slice(*d._items(*rest, depth=depth)),
    "e": lambda *_: Ellipsis,
    "n": lambda *_: NotImplemented,
    "a": lambda d, rest, _: d._array(*rest),
    "g": lambda d, rest, _: d._scalar(*rest),
    "x": lambda d, rest, _: d._tensor(*rest),
    "z": lambda _, rest, __: _torch_attribute("Size", load=True)(_integers(*rest)),
    "y": lambda _, rest, __: _torch_dtype(*rest),
    "p": lambda _, rest, __: _numpy_dtype(*rest),
    "h": lambda d, rest, _: d._make_handle(rest),
    "m": lambda d, rest, _: d._arguments[_index(*rest)],
}


def unpack(packed: bytes) -> Structure:
    """Parse a message's structure; raises `Forged` for anything that is not one."""
    if len(packed) > MAX_STRUCTURE:
        raise Forged("too large")
    try:
        return msgpack.unpackb(packed, raw=False, unicode_errors="surrogatepass", strict_map_key=True)
    except (ValueError, TypeError, msgpack.exceptions.UnpackException, RecursionError) as error:
        raise Forged(f"damaged message: {type(error).__name__}") from None


def _torch_attribute(name: str, *, load: bool = False) -> Any:
    """An attribute of torch if torch is imported (a process that never imported it has no tensors)."""
    if load:
        import torch

        return getattr(torch, name)
    return getattr(sys.modules.get("torch"), name, None)


def _mapping(decoder: Decoder, kind: type, rest: list[Any], depth: int) -> Any:
    keys, values = rest
    return kind(zip(_distinct(decoder._items(keys, depth=depth)), decoder._items(values, depth=depth), strict=True))


def _distinct(keys: list[Any]) -> list[Any]:
    """Refuse keys that were chosen to have one hash: the time to store them grows with the square of their number."""
    if len(keys) - len({hash(key) for key in keys}) > MAX_COLLISIONS:
        raise Forged("keys that collide")
    return keys


def _big_int(text: Any) -> int:
    if type(text) is not str or len(text) > MAX_INT_BITS // 4 + 4:
        raise Forged("not an integer")
    return int(text, 16)


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise Forged("not a complex number")
    return complex(real, imaginary)


def _integers(values: Any) -> list[int]:
    if type(values) is not list or any(type(value) is not int for value in values):
        raise Forged("not integers")
    return values


def _range(bounds: list[int]) -> range:
    result = range(*bounds)
    if len(result) > MAX_NODES:  # list(result) in a test must not exhaust the judge's memory
        raise Forged("too long a range")
    return result


def _index(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise Forged("not an argument")
    return value


def _torch_dtype(name: Any) -> Any:
    if name not in _TORCH_DTYPES:
        raise Forged("unknown dtype")
    return _torch_attribute(name, load=True)


def _numpy_dtype(name: Any) -> Any:
    if type(name) is not str or not _DTYPE.fullmatch(name):
        raise Forged("unknown dtype")
    return np.dtype(name)
