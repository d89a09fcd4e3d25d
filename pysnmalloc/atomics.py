"""Atomic operations on 64-bit words of the heap, emulated: the one place that does so (§2.2, §2.5).

    load  store            a plain aligned word access, and a fence where the order asks for one
    speculate              a plain load whose value may be thrown away
    exchange  fetch_add    under the heap's one lock
    compare_exchange(2)    under the heap's one lock, one word or two
    fence                  enter and leave the heap's one lock

Python has no atomic operations on bytes. Why this emulation is right without a
GIL, on processors that reorder as well:

* An aligned word is read and written by one instruction, so a load returns a
  value that some store wrote: C++'s relaxed order (``std::memory_order_relaxed``).
* A read-modify-write holds the lock, and no store elsewhere races with it: words
  that are exchanged are changed by read-modify-writes only, after set-up.
* A fence enters and leaves that same lock. Let a thread store X after a fence A,
  and another read that value and then pass a fence B. Had B been first in the
  lock's order, the read would happen before the store whose value it returned,
  which cannot be. So A was first, and all before A happens before all after B:
  the definition of release and acquire fences (C++ [atomics.fences]). The lock
  puts all fences and read-modify-writes in one order, hence SEQ_CST as well.

The lock is part of the emulation: where hardware needs one instruction, we hold
it for three lines. It is never held while waiting for anything.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Protocol

from .memory import Memory

__all__ = ["AtomicCounts", "Atomics", "AtomicsLock", "Order"]


class Order(enum.Enum):
    """Memory orders, with C++'s names and meanings."""

    RELAXED = "relaxed"  #: atomic, and orders nothing
    ACQUIRE = "acquire"  #: of a load: what comes later stays behind it, and sees what the release saw
    RELEASE = "release"  #: of a store: what came before is seen by whoever acquires it
    ACQ_REL = "acq_rel"  #: both, of an operation that loads and stores
    SEQ_CST = "seq_cst"  #: both, and one order of all such operations that all threads agree on


RELAXED = Order.RELAXED
SEQ_CST = Order.SEQ_CST


class AtomicsLock(Protocol):
    """What the emulation asks of a lock; ``threading.Lock`` is one."""

    def __enter__(self) -> bool:
        """Enter: everything before a former leaving happens before what follows."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Leave."""


@dataclass(slots=True)
class AtomicCounts:
    """How many atomic operations were made, by kind. Written by one thread only; add them up to read.

    Attributes:
        loads: single words read, those that may be stale among them; a relaxed poll of a queue is not counted.
        stores: words written.
        exchanges: words swapped for another, whatever they held.
        compare_exchanges: attempts to replace an expected value, those that failed among them.
        fetch_adds: additions to a word.
        fences: fences that stand by themselves, not those that the order of a load or store brings along.
    """

    loads: int = 0
    stores: int = 0
    exchanges: int = 0
    compare_exchanges: int = 0
    fetch_adds: int = 0
    fences: int = 0

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(getattr(self, field.name) for field in fields(self))

    def __add__(self, other: AtomicCounts) -> AtomicCounts:
        return AtomicCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class Atomics:
    """One allocator's access to the shared words: own views, own counts, the heap's one lock.

    Every operation may be called by any thread; the instance belongs to one thread at a time. Addresses
    are multiples of 8. "The lock" in a cost means entering and leaving it once.
    """

    __slots__ = ("_lock", "_u64", "counts")

    def __init__(self, memory: Memory, lock: AtomicsLock) -> None:
        self._u64 = memory.u64
        self._lock = lock
        self.counts = AtomicCounts()

    def fence(self, order: Order) -> None:
        """Order the accesses before it with those after it (``std::atomic_thread_fence``). Cost: the lock."""
        self.counts.fences += 1
        if order is not RELAXED:
            with self._lock:
                pass

    def load(self, address: int, order: Order) -> int:
        """Return the word. Cost: a plain load; ACQUIRE adds a fence behind it, SEQ_CST loads in the lock."""
        self.counts.loads += 1
        if order is SEQ_CST:
            with self._lock:
                return self._u64[address >> 3]
        value = self._u64[address >> 3]
        if order is not RELAXED:
            with self._lock:
                pass
        return value

    def poll(self, address: int) -> int:
        """Load a word, relaxed, without counting: every malloc and free looks at its queue. Cost: a plain load."""
        return self._u64[address >> 3]

    def speculate(self, address: int) -> int:
        """Load a word that may be somebody else's by now, and hold anything. Cost: a plain load.

        The caller uses the value only if a compare-exchange shows afterwards that it was still good. Of all
        loads this alone may race with plain stores: what it returns then is never looked at (§2.5).
        """
        self.counts.loads += 1
        return self._u64[address >> 3]

    def load_links(self, first: int, offset: int, most: int) -> list[int]:
        """Follow up to ``most`` links by loads that ACQUIRE, to the last that is not null; return all addresses passed.

        Cost: as many loads, and the lock once: while we hold it nobody passes a fence, so what we see
        stored was released before we entered.
        """
        u64, passed = self._u64, [first]
        with self._lock:
            while len(passed) <= most and (after := u64[passed[-1] + offset >> 3]):
                passed.append(after)
        self.counts.loads += min(len(passed), most)
        return passed

    def store(self, address: int, value: int, order: Order) -> None:
        """Store the word. Cost: a plain store; RELEASE adds a fence before it, SEQ_CST stores in the lock."""
        self.counts.stores += 1
        if order is SEQ_CST:
            with self._lock:
                self._u64[address >> 3] = value
            return
        if order is not RELAXED:
            with self._lock:
                pass
        self._u64[address >> 3] = value

    # The lock gives a read-modify-write every order, so those below do not look at theirs.

    def exchange(self, address: int, value: int, order: Order) -> int:  # noqa: ARG002
        """Store the word and return the one before, in one step. Cost: the lock."""
        self.counts.exchanges += 1
        word = address >> 3
        with self._lock:
            before = self._u64[word]
            self._u64[word] = value
        return before

    def fetch_add(self, address: int, amount: int, order: Order) -> int:  # noqa: ARG002
        """Add to the word, modulo 2^64, and return the one before, in one step. Cost: the lock."""
        self.counts.fetch_adds += 1
        word = address >> 3
        with self._lock:
            before = self._u64[word]
            self._u64[word] = (before + amount) & 0xFFFF_FFFF_FFFF_FFFF
        return before

    def compare_exchange(self, address: int, expected: int, desired: int, order: Order) -> tuple[bool, int]:  # noqa: ARG002
        """Store ``desired`` if the word is ``expected``; return whether, and the word before. Cost: the lock."""
        self.counts.compare_exchanges += 1
        word = address >> 3
        with self._lock:
            before = self._u64[word]
            if before == expected:
                self._u64[word] = desired
        return before == expected, before

    def compare_exchange_2(
        self,
        address: int,
        expected: tuple[int, int],
        desired: tuple[int, int],
        order: Order,  # noqa: ARG002
    ) -> tuple[bool, tuple[int, int]]:
        """The same on two words side by side, ``address`` a multiple of 16 (x86's ``cmpxchg16b``)."""
        self.counts.compare_exchanges += 1
        word = address >> 3
        with self._lock:
            before = self._u64[word], self._u64[word + 1]
            if before == expected:
                self._u64[word], self._u64[word + 1] = desired
        return before == expected, before
