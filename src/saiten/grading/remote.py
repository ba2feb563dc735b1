"""The judge's side of the conversation: the student's objects as handles, and the one link through which all passes.

In: a channel to a student process that may send anything. Out: plain data, `Handle` objects, exceptions.
Nothing of the student's runs here: a handle has no behaviour but to ask, and every answer is decoded by `codec`.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, NoReturn
from weakref import WeakValueDictionary

from saiten.grading.arguments import mutables, update
from saiten.grading.channel import Channel, ChannelClosed, ChannelTimeout, TooLarge, pair
from saiten.grading.codec import MAX_STRUCTURE, Decoder, Forged, unpack
from saiten.grading.faults import StudentGone, StudentTimeout, make_exception, plain_exception
from saiten.grading.handles import CallableHandle, Handle, signature
from saiten.grading.inplace import Change, changed_by_reference, held
from saiten.grading.rules import Rules
from saiten.grading.sending import Outgoing, at_home

GRACE = 1.5
"""Seconds a student process gets to stop by itself after its time is up, before it is ended."""
MAX_DEPTH = 40
"""Depth of call-backs within calls within call-backs."""
MAX_ARGUMENTS = 1 << 20
"""More objects than any call's arguments hold that can be followed."""
MAX_EXCHANGES = 2_000_000
"""Messages in one submission."""


_MISSING: Any = object()


class Link:
    """The conversation with one student process.

    Args:
        channel: to the process.
        names: the judge's namespace in which tests run.
        rules: what is the judge's own, and what the assignment allows.
    """

    def __init__(self, channel: Channel, names: dict[str, Any], rules: Rules) -> None:
        self._channel = channel
        self._names = names
        self._rules = rules
        self._origin: Link | None = None
        self._handles: WeakValueDictionary[int, Handle] = WeakValueDictionary()
        self._released: list[int] = []
        self._callbacks: list[Any] = []
        self._number = 0
        self._depth = 0
        self._state: dict[str, Any] = {}
        self.watch: list[str] = []
        """names of the student's that tests may use"""
        self.bound: dict[str, Any] = {}
        """what each of them was bound to when the student last brought it"""
        self.deadline: float | None = None
        """monotonic time at which the current test or cell ends"""
        self.gone: StudentGone | None = None
        self.lines: dict[str, int] = {}
        """name of each cell that runs there, to its number of lines: no other place of an error is believed"""
        self.stand_in: Link | None = None
        """the branch whose turn it is: what this process made is asked there"""
        self.changes: list[Change] = []
        """what calls have changed in place"""
        self.strict = False
        """whether arguments that the reference leaves as they are stay so"""

    def branch(self, names: dict[str, Any]) -> Link | None:
        """Have the process fork a copy of itself, which waits until it is asked something; it goes on as it was.

        A copy of a copy knows the objects that the first process of all made, as every copy does.

        Returns:
            the conversation with the copy, or None if the process says that it cannot.
        """
        ours, theirs = pair()
        with theirs:
            self._number += 1
            self._send("branch", self._number, arguments=())
            self._channel.send_object(None, [theirs.fileno()])
        channel = Channel(ours, max_structure=MAX_STRUCTURE, max_blob=self._rules.message_mb << 20)
        kind, body, _ = self._await(self._number, ())
        if kind != "value" or body is not True:
            channel.close()
            return None
        return self._heir(channel, names)

    def hand_over(self, names: dict[str, Any]) -> Link:
        """The process itself, for tests whose names are these; this link is not used any more."""
        return self._heir(self._channel, names)

    def _heir(self, channel: Channel, names: dict[str, Any]) -> Link:
        heir = Link(channel, names, self._rules)
        heir._origin, heir._number = self._origin or self, self._number
        heir._handles, heir.lines = WeakValueDictionary(self._handles), self.lines
        return heir

    def take_turn(self) -> None:
        """Be the one that is asked about what was made before the fork."""
        if self._origin is not None:
            self._origin.stand_in = self

    @property
    def _has_turn(self) -> bool:
        """Whether the tests that run are this process's: what others bind is no matter of it."""
        return self._origin is None or self._origin.stand_in is self

    def retire(self) -> bool:
        """The tests that this was for are through; True if the process is needed on, for what a test has kept of it."""
        if self._origin is not None:
            self._origin.stand_in = None
        first = self._origin is not None and self._origin._channel is self._channel  # with it its copies would end
        if self.gone is None and (first or any(handle._link is self for handle in self._handles.values())):
            return True
        self.close()
        return False

    def close(self) -> None:
        """End the conversation; every later request says that the student is gone."""
        self.gone = self.gone or StudentGone("the student's process was ended")
        self._channel.close()

    def release(self, number: int) -> None:
        """A handle is no longer needed here."""
        self._released.append(number)

    def run(self, source: str, name: str, count: int) -> tuple[str, list[Any], float | None, str]:
        """Run a cell in the student's process.

        Returns:
            status ("ok", "error" or "timeout"), outputs (untrusted JSON), the value if it is a number, the error.
        """
        self._number += 1
        number = self._number
        self._send(
            "run", number, source=source, name=name, count=count, output_limit=self._rules.output_limit, arguments=()
        )
        kind, body, decoder = self._await(number, ())
        if kind == "timeout":
            return "timeout", [], None, ""
        if kind == "raise":
            return "error", [], None, "the cell's output could not be read"
        if type(body) is not list or len(body) != 4:
            self._forged("an answer of another shape")
        status, place, value, message = body
        if status not in ("ok", "error", "timeout") or type(place) is not list or type(message) is not str:
            self._forged("an answer of another shape")
        try:
            content = decoder.blob[place[0] : place[0] + place[1]]
            outputs = json.loads(content) if len(content) <= 8 * self._rules.output_limit + (1 << 20) else None
            number_value = float(value) if type(value) in (int, float) else None
        except (ValueError, TypeError, IndexError, RecursionError, OverflowError):
            self._forged("outputs that are not JSON")
        except MemoryError:
            self._lose("the cell's output is too large")
        return status, outputs if type(outputs) is list else [], number_value, message

    def ask(self, op: str, target: Handle, *, arguments: tuple[Any, ...] = (), **fields: Any) -> Any:
        """One request about one of the student's objects; data, a handle, or the student's exception comes back."""
        if self.stand_in is not None:
            return self.stand_in.ask(op, target, arguments=arguments, **fields)
        if self._depth >= MAX_DEPTH:
            raise RecursionError("call-backs and calls are nested too deeply")
        self._number += 1
        number = self._number
        mutable = mutables(arguments)
        self._depth += 1
        try:
            self._send(op, number, target=target._number, arguments=mutable, **fields)
            kind, body, decoder = self._await(number, mutable, lambda: self._expected(op, target, fields))
        finally:
            self._depth -= 1
        if kind == "timeout":
            raise StudentTimeout(f"the call did not finish within {self._rules.seconds:g} seconds")
        if kind == "raise":
            raise self._exception(body)
        return self._decode(body, decoder)

    # -- sending ----------------------------------------------------------------------------------------------------

    def _remaining(self) -> float:
        if self.deadline is None:
            return self._rules.seconds
        return max(0.05, self.deadline - time.monotonic())

    def _send(self, op: str, number: int, **fields: Any) -> None:
        if self.gone is not None:
            self._rules.lost.append(self.gone)
            raise self.gone
        if number > MAX_EXCHANGES:
            self._lose("too many messages")
        released, self._released = self._released, []
        released = [item for item in released if item not in self._handles]  # else it came back meanwhile
        request = {
            "op": op,
            "number": number,
            "release": released,
            "names": self._renamed() if self._has_turn else [],
            "watch": self.watch if self._has_turn else [],
            "seconds": self._remaining(),
            **fields,
        }
        file = io.BytesIO()
        Outgoing(file, self).dump(request)
        try:
            self._channel.send(b"", [file.getbuffer()], time.monotonic() + self._remaining() + GRACE)
        except ChannelClosed:
            self._lose("the student's process died")
        except ChannelTimeout:
            self._lose("the student's process does not answer")

    def _renamed(self) -> list[tuple[str, str, Any]]:
        """What the test did to the student's names since the last request."""
        changes: list[tuple[str, str, Any]] = []
        for name, original in self.bound.items():
            if name not in self._rules.shared:
                continue  # what the test calls so is its own, perhaps what it expects
            current = self._names.get(name, _MISSING)
            if current is self._state.get(name, original) or not at_home(current, self):
                continue  # an object that another question's test has kept says nothing to this question's process
            if current is original:
                changes.append(("restore", name, None))
                del self._state[name]
            else:
                changes.append(("delete", name, None) if current is _MISSING else ("set", name, current))
                self._state[name] = current
        return changes

    # -- receiving --------------------------------------------------------------------------------------------------

    def _await(
        self, number: int, arguments: tuple[Any, ...], expected: Callable[[], set[int]] = set
    ) -> tuple[str, Any, Decoder]:
        """Wait for the answer to a request, serving call-backs meanwhile (which do not move the end of the wait)."""
        end = time.monotonic() + self._remaining() + GRACE
        while True:
            try:
                packed, blob = self._channel.receive(end)
                message = unpack(packed)
            except ChannelClosed:
                self._lose("the student's process died")
            except ChannelTimeout:
                self._lose("time is up: the student's process does not answer")
            except (TooLarge, MemoryError):
                self._lose("the answer is too large")
            except Forged as error:
                self._forged(str(error))
            if type(message) is not list or len(message) != 5:
                self._forged("a message of another shape")
            kind, answers, body, changed, names = message
            if kind == "callback":
                self._serve_callback(answers, body, Decoder(blob, self._handle))
                continue
            if kind not in ("value", "raise", "timeout") or answers != number:
                self._forged("an answer to another question")
            known = list(arguments)
            decoder = Decoder(blob, self._handle, known)
            self._change(changed, decoder, known, expected)
            self._rename(names, decoder)
            return kind, body, decoder

    def _decode(self, node: Any, decoder: Decoder) -> Any:
        try:
            return decoder.decode(node)
        except MemoryError:
            self._lose("the answer is too large")
        except Forged as error:
            self._forged(str(error))

    def _change(self, changed: Any, decoder: Decoder, known: list[Any], expected: Callable[[], set[int]]) -> None:
        """Bring the test's own objects up to date with what the call did to its arguments."""
        if type(changed) is not list:
            self._forged("a message of another shape")
        if len(changed) > len(known):
            self._forged("more changes than there are things to change")
        if not changed:
            return
        allowed = expected()
        for item in changed:
            if type(item) is not list or len(item) != 2 or type(item[0]) is not int or not 0 <= item[0] < len(known):
                self._forged("a change to something that was not sent")
            index, new = item[0], self._decode(item[1], decoder)
            if self.strict and index not in allowed:
                known[index] = new  # it stays as it is for the test; should the call return it, this is what it returns
                continue
            change = Change(known[index], held(known[index]), index in allowed)
            update(known[index], new)
            self.changes.append(change)

    def _expected(self, op: str, target: Handle, fields: Mapping[str, Any]) -> set[int]:
        """Which arguments of this request may be changed: those that the reference changes; of methods, all."""
        name = next((name for name, value in self.bound.items() if value is target), None)
        function = self._rules.reference.get(name) if name is not None and op == "call" else None
        if not callable(function):
            return set(range(MAX_ARGUMENTS))
        return changed_by_reference(function, fields["args"], fields["kwargs"])

    def _rename(self, names: Any, decoder: Decoder) -> None:
        """Bring the student's names up to date."""
        if type(names) is not list:
            self._forged("a message of another shape")
        if len(names) > (len(self.watch) if self._has_turn else 0):
            self._forged("more changes than there are things to change")
        for item in names:
            if type(item) is not list or not 1 <= len(item) <= 2 or item[0] not in self.watch:
                self._forged("a name that is not the student's")
            name = item[0]
            theirs = self.bound.get(name, _MISSING)
            if self._names.get(name, _MISSING) is not theirs and (self._depth or theirs is not _MISSING):
                continue  # the test has bound this name itself: what the student makes of it must not reach the test
            self._state.pop(name, None)
            if len(item) == 1:
                self.bound.pop(name, None)
                self._names.pop(name, None)
            else:
                self.bound[name] = self._names[name] = self._decode(item[1], decoder)

    def _handle(self, description: list[Any]) -> Handle:
        if len(description) != 6:
            raise Forged("not a handle")
        number, type_name, can_call, name, doc, parameters = description
        if type(number) is not int or number < 1 or any(type(item) is not str for item in (type_name, name, doc)):
            raise Forged("not a handle")
        known = self._handles.get(number)
        if known is not None:
            return known
        kind = CallableHandle if can_call is True else Handle
        handle = kind(self, number, type_name)
        object.__setattr__(handle, "__name__", name or type_name)
        object.__setattr__(handle, "__qualname__", name or type_name)
        object.__setattr__(handle, "__doc__", doc)
        object.__setattr__(handle, "__signature__", signature(parameters))
        self._handles[number] = handle
        return handle

    def _serve_callback(self, number: Any, body: Any, decoder: Decoder) -> None:
        if (
            type(number) is not int
            or not 0 <= number < len(self._callbacks)
            or type(body) is not list
            or len(body) != 2
        ):
            self._forged("a call-back that was never given")
        args, kwargs = self._decode(body[0], decoder), self._decode(body[1], decoder)
        if type(args) is not list or type(kwargs) is not dict or any(type(key) is not str for key in kwargs):
            self._forged("a call-back with odd arguments")
        self._depth += 1
        try:
            if self._depth >= MAX_DEPTH:
                raise RecursionError("call-backs and calls are nested too deeply")
            value, op = self._callbacks[number](*args, **kwargs), "returned"
        except Exception as error:
            value, op = plain_exception(error), "raised"
        finally:
            self._depth -= 1
        self._send(op, self._number, value=value, arguments=())

    def holds(self, handle: Handle) -> bool:
        """Whether an object lives in this process, or in the one that it was forked from before the fork."""
        return handle._link is self or handle._link is self._origin

    def stays_here(self, value: Any) -> bool:
        """Whether a function or class is the judge's own and never sent."""
        return self._rules.ours(value)

    def callback(self, function: Any) -> int:
        """Number under which the student's side may call one of the judge's functions."""
        for number, known in enumerate(self._callbacks):
            if known is function:
                return number
        self._callbacks.append(function)
        return len(self._callbacks) - 1

    def _exception(self, body: Any) -> BaseException:
        """The student's exception, under the first of its classes that the judge knows."""
        if type(body) is not list or len(body) != 4 or type(body[0]) is not list or type(body[1]) is not str:
            self._forged("an error of another shape")
        kinds, text, where, line = body
        kinds = [kind for kind in kinds if type(kind) is str]
        error = make_exception(kinds, text)
        if type(where) is str and type(line) is int and 0 < line <= self.lines.get(where.strip("<>"), 0):
            error.add_note(f"in your code: {where.strip('<>')}, line {line}")
        error.__dict__["from_student"] = True
        return error

    def _lose(self, reason: str) -> NoReturn:
        self.gone = StudentGone(reason)
        self._rules.lost.append(self.gone)
        self._channel.close()
        raise self.gone

    def _forged(self, reason: str) -> NoReturn:
        self._lose(f"the answer could not be read ({reason})")
