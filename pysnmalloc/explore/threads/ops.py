"""One step of a thread: an operation on a cell of memory, with its order and its place in the source.

    cell      the unit that an operation reads and writes: one word of 8 bytes, or two words if any
              thread performs a compare-exchange of both
    part      the words of the cell that the operation uses: LOW, HIGH or BOTH

An operation is a function of the cell's value. The function returns the result that the thread
receives and, if the operation writes, the cell's new value. The explorer needs to know no more.
"""

from __future__ import annotations

from collections.abc import Hashable
from types import CodeType
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
    "Deed",
    "Op",
    "Site",
    "Value",
    "acquires",
    "releases",
]

#: The kinds of operations. A thread ends with DONE or FAILED.
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
LOW, HIGH, BOTH = 0, 1, 2  #: the words of a cell that an operation uses
WORD = 0xFFFF_FFFF_FFFF_FFFF

Value: TypeAlias = "int | tuple[int, int]"  #: the value of a cell of one word or of two words

#: What a thread's function did: a plain read (log2 of the number of bytes, index), a plain write (with the value), or
#: an atomic operation (kind, address, values, order in the source; code and offset of the call).
Deed: TypeAlias = "tuple[int, int] | tuple[int, int, int] | tuple[str, int, tuple[Hashable, ...], Order, CodeType, int]"

READING = frozenset({LOAD, EXCHANGE, ADD, CAS, WAIT, SPECULATE, PLAIN_READ})
CHANGING = frozenset({EXCHANGE, ADD, CAS})  # they read and write in one step
_ACQUIRES = frozenset({Order.ACQUIRE, Order.ACQ_REL, Order.SEQ_CST})
_RELEASES = frozenset({Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST})
_WITHOUT_RELEASE = {Order.ACQ_REL: Order.ACQUIRE, Order.RELEASE: Order.RELAXED}


def acquires(order: Order) -> bool:
    """Return whether a read or a fence of this order acquires."""
    return order in _ACQUIRES


def releases(order: Order) -> bool:
    """Return whether a write or a fence of this order releases."""
    return order in _RELEASES


class Site:
    """A place in the source, such as ``MessageQueue.enqueue exchange``. It has no line number, which would not last.

    Attributes:
        name: the names of the function and the operation, with a number from the second operation of a kind on.
        line: the text of the source line.
    """

    __slots__ = ("line", "name")

    def __init__(self, name: str, line: str) -> None:
        self.name = name
        self.line = line

    def __repr__(self) -> str:
        return f"<{self.name}>"


class Op:
    """An operation that a thread is about to perform.

    Attributes:
        at: how much the thread has read before it.
        stack: where the thread is in the source, with all functions that it is in; empty for what does not read.
        wrote: whether the thread made plain writes right before it.
        partial: whether it is a plain access to some bytes of a cell, but not to all of them.
        again: the thread's last operation at the same place, if no store of the thread lies between the two.
    """

    __slots__ = (
        "address",
        "again",
        "at",
        "cell",
        "changes",
        "kind",
        "order",
        "part",
        "partial",
        "plain",
        "reads",
        "site",
        "size",
        "stack",
        "values",
        "wrote",
    )

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
        self.partial = False
        self.at = 0
        self.stack: tuple[tuple[CodeType, int], ...] = ()
        self.wrote = False
        self.again: Op | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} {self.address:#x} {self.values} {self.order.value}>"

    def overlaps(self, other: Op) -> bool:
        """Return whether two operations on the same cell access a byte that is the same."""
        mine, its = self.bytes, other.bytes
        return mine.start < its.stop and its.start < mine.stop

    @property
    def bytes(self) -> range:
        """The addresses of the bytes that the operation accesses."""
        return range(self.address, self.address + (16 if self.part == BOTH else self.size))

    def apply(self, before: Value) -> tuple[Hashable, Value | None]:
        """Return the result and the new value or None, for the old value ``before``. A compare-exchange succeeds."""
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
        """Do the same as ``apply``, except that a compare-exchange may fail. It then writes nothing."""
        if self.kind != CAS:
            return self.apply(before)
        old = before if self.part == BOTH or not isinstance(before, tuple) else before[self.part]
        return self.apply(before) if old == self.values[0] else ((False, old), None)

    def order_of(self, *, writes: bool) -> Order:
        """Return the order of the operation. A compare-exchange that fails, and so does not write, does not release."""
        return self.order if writes or self.kind != CAS else _WITHOUT_RELEASE.get(self.order, self.order)

    def _put(self, before: Value, new: Hashable) -> Value:
        """Return the cell's value with the operation's part replaced."""
        if not isinstance(before, tuple) or self.part == BOTH:
            return new  # type: ignore[return-value]  # the caller passes a value of this cell
        assert isinstance(new, int)
        return (new, before[1]) if self.part == LOW else (before[0], new)
