"""One step of a thread: an operation on a cell of memory, with its order and its place in the source.

    cell      what is read and written as one: a word of 8 bytes; 16 where a compare-exchange
              of two words is ever made
    part      which words of the cell: LOW, HIGH or BOTH

An operation is a function: from the cell's value to what the thread gets, and to
the cell's new value, if it writes. That is all that an explorer has to know.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias

from ...atomics import Order

__all__ = [
    "ADD",
    "BOTH",
    "CAS",
    "DONE",
    "EXCHANGE",
    "FAILED",
    "FENCE",
    "HIGH",
    "LOAD",
    "LOW",
    "PLAIN_READ",
    "PLAIN_WRITE",
    "SPECULATE",
    "STORE",
    "WAIT",
    "Op",
    "Site",
    "Value",
    "acquires",
    "releases",
]

#: What a step of a thread does.
LOAD, STORE, EXCHANGE, ADD, CAS, FENCE, WAIT, SPECULATE, PLAIN_READ, PLAIN_WRITE, DONE, FAILED = (
    "load",
    "store",
    "exchange",
    "fetch_add",
    "compare_exchange",
    "fence",
    "wait",
    "speculate",
    "plain read",
    "plain write",
    "done",
    "failed",
)
LOW, HIGH, BOTH = 0, 1, 2  #: which words of a pair
WORD = 0xFFFF_FFFF_FFFF_FFFF

Value: TypeAlias = "int | tuple[int, int]"  #: of a cell of one word, of two

READING = frozenset({LOAD, EXCHANGE, ADD, CAS, WAIT, SPECULATE, PLAIN_READ})
CHANGING = frozenset({EXCHANGE, ADD, CAS})  # read and write in one step
_ACQUIRES = frozenset({Order.ACQUIRE, Order.ACQ_REL, Order.SEQ_CST})
_RELEASES = frozenset({Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST})
_WITHOUT_RELEASE = {Order.ACQ_REL: Order.ACQUIRE, Order.RELEASE: Order.RELAXED}


def acquires(order: Order) -> bool:
    """Tell whether a read or fence of this order acquires."""
    return order in _ACQUIRES


def releases(order: Order) -> bool:
    """Tell whether a write or fence of this order releases."""
    return order in _RELEASES


class Site:
    """A place in the source: ``MessageQueue.enqueue exchange``; no line number, which would not last.

    Attributes:
        name: function and operation, numbered from the second of a kind on.
        line: the source text.
    """

    __slots__ = ("line", "name")

    def __init__(self, name: str, line: str) -> None:
        self.name = name
        self.line = line

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Op:
    """An operation that a thread is about to make."""

    __slots__ = ("address", "cell", "changes", "kind", "order", "part", "plain", "reads", "site", "size", "values")

    def __init__(
        self,
        kind: str,
        address: int = 0,
        values: tuple[Hashable, ...] = (),
        order: Order = Order.RELAXED,
        site: Site | None = None,
        *,
        cell: int = 0,
        part: int = LOW,
        size: int = 8,
    ) -> None:
        self.kind = kind
        self.address = address
        self.values = values
        self.order = order
        self.site = site
        self.cell = cell
        self.part = part
        self.size = size
        self.reads = kind in READING
        self.changes = kind in CHANGING
        self.plain = kind in (PLAIN_READ, PLAIN_WRITE)

    def __repr__(self) -> str:
        return f"<{self.kind} {self.address:#x} {self.values} {self.order.value}>"

    def apply(self, before: Value) -> tuple[Hashable, Value | None]:
        """Return what the thread gets, and the cell's new value or None, when the cell was ``before``."""
        kind, values = self.kind, self.values
        old = before if self.part == BOTH or not isinstance(before, tuple) else before[self.part]
        if kind in (LOAD, WAIT, SPECULATE):
            return old, None
        if kind == PLAIN_READ:
            assert isinstance(old, int)
            return old >> 8 * (self.address & 7) & (1 << 8 * self.size) - 1, None
        if kind == STORE:
            return None, self._put(before, values[0])
        if kind == EXCHANGE:
            return old, self._put(before, values[0])
        if kind == CAS:
            return (True, old), self._put(before, values[1])
        assert isinstance(old, int)
        new = values[0]
        assert isinstance(new, int)
        if kind == ADD:
            return old, self._put(before, old + new & WORD)
        shift = 8 * (self.address & 7)
        mask = (1 << 8 * self.size) - 1 << shift
        return None, self._put(before, old & ~mask | new << shift)

    def run(self, before: Value) -> tuple[Hashable, Value | None]:
        """As ``apply``, for a compare-exchange too: it writes nothing where it fails."""
        if self.kind != CAS:
            return self.apply(before)
        old = before if self.part == BOTH or not isinstance(before, tuple) else before[self.part]
        return self.apply(before) if old == self.values[0] else ((False, old), None)

    def order_of(self, *, writes: bool) -> Order:
        """Return the order of the operation's read: that of a failed compare-exchange does not release."""
        return self.order if writes or self.kind != CAS else _WITHOUT_RELEASE.get(self.order, self.order)

    def _put(self, before: Value, new: Hashable) -> Value:
        """The cell's value with this part of it replaced."""
        if not isinstance(before, tuple) or self.part == BOTH:
            return new  # type: ignore[return-value]  # what was given as this cell's value
        assert isinstance(new, int)
        return (new, before[1]) if self.part == LOW else (before[0], new)
