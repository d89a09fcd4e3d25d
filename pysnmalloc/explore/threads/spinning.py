"""Spin loops: when a thread that reads the same write again does the same as before, and waits (§2.2).

    while atomics.load(flag, ACQUIRE) == 0: pass

    load flag = 0 ──► load flag = 0 ──► load flag = 0 ──► ...       the same place, the same variables, the same write

Such a thread does nothing new until the word has another value. The search therefore lets it make
one turn of the loop, and then treats it as ``Place.wait``: the next read has to return another write.

Whether a second read is the first one's repetition cannot be seen from the two operations: a loop
``for _ in range(3)`` reads three times and then gives up. So the function runs once more. At both
operations, the variables of all functions that the thread is in must be the same. Then the function
is fed what it read in the first turn, again and again, and must make the same accesses for so many
turns. A loop that counts, in whatever way, is thus explored turn by turn.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Container, Hashable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import NoReturn

from ...allocator import Parts
from ...atomics import Atomics, Order
from ...memory import Memory
from .ops import PLAIN_WRITE, STORE, Deed, Op
from .proxies import Words
from .scenario import Place, Scenario
from .stops import entered, stop_again
from .watching import Watch

__all__ = ["REPEATED", "Rehearsal", "last_at_same_place"]

REPEATED = 1000
"""How many reads a function must make in the same way as in the first turn of a loop. What gives up later must count in
its variables."""
DEPTH = 4  # of the objects that variables hold

# Objects that hold none of the loop's variables. A view of memory leads to the rehearsal, which counts.
_OPAQUE = (Place, Parts, Memory, Words, Atomics, Scenario, ModuleType, CodeType, type)


def last_at_same_place(op: Op, ops: Sequence[Op]) -> Op | None:
    """Return the thread's last operation at the same place, or None if the thread stored in between.

    Args:
        op: the operation that comes next.
        ops: those before it.
        wrote: whether there are plain writes right before ``op``.
    """
    if not op.stack or op.wrote:
        return None
    for earlier in reversed(ops):
        if earlier.kind in (STORE, PLAIN_WRITE):
            return None
        if earlier.stack == op.stack and earlier.cell == op.cell:
            return earlier
        if earlier.wrote:
            return None
    return None


class Rehearsal:
    """A run that repeats the turn of a loop. It is the recorder of the function's accesses: see ``proxies.Recorder``.

    Args:
        script, deeds: what the thread read, and what it did with it.
        words: the numbers of the words that are atomic.
        first, second: how much the thread had read before the two operations.
        lines: the largest number of lines that the function may run between two accesses.
    """

    def __init__(
        self,
        script: Sequence[Hashable],
        deeds: Sequence[Deed],
        words: Container[int],
        first: int,
        second: int,
        lines: int,
    ) -> None:
        self._script = script
        self._words = words
        self._steps = [deed for deed in deeds if len(deed) != 3 or deed[1] << deed[0] >> 3 in words]
        self._first = first
        self._second = second
        self._at = 0
        self._state: Hashable = None
        self._over = False
        self._caught = 0
        self.watch = Watch(self._stop, lines)  #: the watch over the run
        self.same = False  #: whether the function did the same in every turn

    def replayed(self, deed: Deed) -> tuple[bool, Hashable]:
        """Return the recorded result of an atomic operation, or that of the loop's first turn."""
        return True, self._next(deed)

    def read(self, shift: int, index: int) -> int:
        """Return the recorded value of a plain word, or that of the loop's first turn."""
        value = self._next((shift, index))
        assert isinstance(value, int)
        return value

    def write(self, shift: int, index: int, value: int) -> None:  # noqa: ARG002  # as the protocol
        """Note that the function stores."""
        if self._over or self._at > self._first:
            self._stop()
        self._at += index << shift >> 3 in self._words

    def allow(self, kind: str, address: int, values: tuple[Hashable, ...], order: Order, part: int) -> None:
        """Never called: every operation has a result."""

    def reach(self, op: Op) -> Hashable:  # noqa: ARG002
        """Never called: every operation has a result."""
        self._stop()

    def is_pair(self, address: int) -> bool:  # noqa: ARG002
        """Never called: every operation has a result."""
        return False

    def make_pair(self, address: int) -> None:
        """Never called: every operation has a result."""

    def _next(self, deed: Deed) -> Hashable:
        """Return what the function reads next."""
        if self.watch.counting:
            self.watch.access()
        at, length = self._at, self._second - self._first
        if self._over:
            self._stop()
        if at == self._first:
            self._state = _state()
        elif at == self._second and _state() != self._state:
            self._stop()
        known = at if at < self._second else self._first + (at - self._first) % length
        if self._steps[known] != deed:
            self._stop()
        if at >= self._second + REPEATED:
            self.same = True
            self._stop()
        self._at = at + 1
        return self._script[known]

    def _stop(self) -> NoReturn:
        """End the rehearsal."""
        self._caught += self._over
        self._over = True
        stop_again(self._caught)


def _state() -> Hashable:
    """Return the variables of all functions that the thread is in."""
    # ``f_locals`` is a dict, or a view of the frame that is a new object each time: only what it holds can be compared.
    seen: dict[int, tuple[int, object]] = {}
    return tuple(_seen(dict(frame.f_locals), seen, 0) for frame in entered(sys._getframe(1)))


class _Itself:
    """An object that is the same only as itself. It is kept, so that no later object has its address."""

    __slots__ = ("_object",)

    def __init__(self, value: object) -> None:
        self._object = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and self._object is other._object

    def __hash__(self) -> int:
        return id(self._object)


def _seen(value: object, seen: dict[int, tuple[int, object]], depth: int) -> Hashable:
    """Return what can be compared of a value.

    A loop may make its objects anew in each turn. Two objects are therefore the same if they hold the same, and were
    met at the same places before: ``seen`` numbers the objects in the order in which they are met, and keeps them.
    """
    if value is None or isinstance(value, int | float | str | bytes | complex):
        return value
    if isinstance(value, _OPAQUE) or depth > DEPTH:
        return _Itself(value)
    if id(value) in seen:
        return _Itself, seen[id(value)][0]
    seen[id(value)] = len(seen), value
    inside = tuple((_seen(key, seen, depth + 1), _seen(each, seen, depth + 1)) for key, each in _parts(value))
    shown = inside or isinstance(value, list | tuple | dict | set | frozenset)
    return type(value) if shown else _Itself(value), operator.length_hint(value, -1), inside


def _parts(value: object) -> Iterator[tuple[object, object]]:
    """Yield what an object holds, with names or places."""
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)
    elif isinstance(value, set | frozenset):
        yield from ((0, each) for each in value)
    elif isinstance(value, MethodType):
        yield from ((0, value.__self__), (1, value.__func__))
    elif isinstance(value, FunctionType):
        yield from ((0, value.__code__), (1, value.__defaults__), (2, value.__closure__))
    elif isinstance(value, partial):
        yield from ((0, value.func), (1, value.args), (2, value.keywords))
    elif isinstance(value, CellType):
        with suppress(ValueError):  # it holds nothing yet
            yield 0, value.cell_contents
    else:
        yield from getattr(value, "__dict__", {}).items()
        for each in type(value).__mro__:
            slots = each.__dict__.get("__slots__", ())
            yield from ((name, getattr(value, name, None)) for name in ((slots,) if isinstance(slots, str) else slots))
