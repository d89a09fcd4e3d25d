"""Atomic operations on 64-bit words of the heap, emulated here and nowhere else (§2.2, §2.5).

    load  store            a plain access of an aligned word, and a fence if the order requires it
    speculate              a plain load whose value may be discarded
    exchange  fetch_add    under the heap's single lock
    compare_exchange(2)    under the heap's single lock, one word or two
    fence                  enter and leave the heap's single lock

Python has no atomic operations on bytes. This emulation is correct even without
a GIL, and on processors that reorder accesses:

* One instruction reads or writes an aligned word, so a load returns a value that
  some store wrote: C++'s relaxed order (``std::memory_order_relaxed``).
* A read-modify-write holds the lock, and no plain store races with it: after
  set-up, only read-modify-writes change the words that are exchanged.
* A fence enters and leaves the same lock. Let one thread store X after a fence
  A, and another read that value and then pass a fence B. If B came first in the
  lock's order, the read would happen before the store whose value it returned,
  which is impossible. So A came first, and all before A happens before all after
  B, as C++ defines release and acquire fences ([atomics.fences]). The lock puts
  all fences and read-modify-writes in one order, and so provides SEQ_CST too.

The lock is part of the emulation: where hardware needs one instruction, the
lock is held for three lines. No thread ever waits for anything while it holds it.
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

    RELAXED = "relaxed"  #: atomic, but orders no other access
    ACQUIRE = "acquire"  #: for a load: later accesses stay after it, and see all that the release published
    RELEASE = "release"  #: for a store: earlier accesses are visible to a thread that acquires it
    ACQ_REL = "acq_rel"  #: both, for an operation that loads and stores
    SEQ_CST = "seq_cst"  #: both, and all threads agree on a single order of all such operations


RELAXED = Order.RELAXED
SEQ_CST = Order.SEQ_CST


class AtomicsLock(Protocol):
    """What the emulation requires of a lock. ``threading.Lock`` provides it."""

    def __enter__(self) -> bool:
        """Enter: everything before an earlier exit happens before what follows."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        """Exit."""


@dataclass(slots=True)
class AtomicCounts:
    """How many atomic operations were performed, by kind. Only one thread writes them; add them up to read a total.

    Attributes:
        loads: words read, including speculative loads; a relaxed poll of a queue is not counted.
        stores: words written.
        exchanges: words replaced unconditionally.
        compare_exchanges: attempts to replace an expected value, including failed ones.
        fetch_adds: additions to a word.
        fences: separate fences, not those that the order of a load or store implies.
    """

    loads: int = 0
    stores: int = 0
    exchanges: int = 0
    compare_exchanges: int = 0
    fetch_adds: int = 0
    fences: int = 0

    @property
    def total(self) -> int:
        """The sum of all kinds."""
        return sum(getattr(self, field.name) for field in fields(self))

    def __add__(self, other: AtomicCounts) -> AtomicCounts:
        return AtomicCounts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


class Atomics:
    """One allocator's access to the shared words: its own views, its own counts, and the heap's single lock.

    Any thread may perform these operations on any word, but an instance belongs to one thread at a time.
    Addresses are multiples of 8. In a cost, "the lock" means entering and leaving it once.
    """

    __slots__ = ("_lock", "_u64", "counts")

    def __init__(self, memory: Memory, lock: AtomicsLock) -> None:
        self._u64 = memory.u64
        self._lock = lock
        self.counts = AtomicCounts()

    def fence(self, order: Order) -> None:
        """Order the accesses before it and those after it (``std::atomic_thread_fence``). Cost: the lock."""
        self.counts.fences += 1
        if order is not RELAXED:
            with self._lock:
                pass

    def load(self, address: int, order: Order) -> int:
        """Return the word. Cost: a plain load. ACQUIRE adds a fence after it; SEQ_CST loads under the lock."""
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
        """Load a word, relaxed and uncounted, since every malloc and free polls its queue. Cost: a plain load."""
        return self._u64[address >> 3]

    def speculate(self, address: int) -> int:
        """Load a word that may belong to another thread by now and may hold any value. Cost: a plain load.

        The caller uses the value only if a later compare-exchange shows that it was still valid. This is the only
        load that may race with plain stores; if it does, its value is never used (§2.5).
        """
        self.counts.loads += 1
        return self._u64[address >> 3]

    def load_links(self, first: int, offset: int, most: int) -> list[int]:
        """Follow up to ``most`` links with ACQUIRE loads, to the last that is not null; return all addresses passed.

        Cost: one load per link, and the lock once. While it is held no other thread passes a fence, so every
        value that is read here was released before the lock was entered.
        """
        u64, passed = self._u64, [first]
        with self._lock:
            while len(passed) <= most and (after := u64[passed[-1] + offset >> 3]):
                passed.append(after)
        self.counts.loads += min(len(passed), most)
        return passed

    def store(self, address: int, value: int, order: Order) -> None:
        """Store the word. Cost: a plain store. RELEASE adds a fence before it; SEQ_CST stores under the lock."""
        self.counts.stores += 1
        if order is SEQ_CST:
            with self._lock:
                self._u64[address >> 3] = value
            return
        if order is not RELAXED:
            with self._lock:
                pass
        self._u64[address >> 3] = value

    # The lock gives a read-modify-write every order, so the operations below ignore theirs.

    def exchange(self, address: int, value: int, order: Order) -> int:  # noqa: ARG002
        """Store the word and return its former value, in one step. Cost: the lock."""
        self.counts.exchanges += 1
        word = address >> 3
        with self._lock:
            before = self._u64[word]
            self._u64[word] = value
        return before

    def fetch_add(self, address: int, amount: int, order: Order) -> int:  # noqa: ARG002
        """Add to the word, modulo 2^64, and return its former value, in one step. Cost: the lock."""
        self.counts.fetch_adds += 1
        word = address >> 3
        with self._lock:
            before = self._u64[word]
            self._u64[word] = (before + amount) & 0xFFFF_FFFF_FFFF_FFFF
        return before

    def compare_exchange(self, address: int, expected: int, desired: int, order: Order) -> tuple[bool, int]:  # noqa: ARG002
        """Store ``desired`` if the word is ``expected``; return whether it was, and the old value. Cost: the lock."""
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
        """The same for two adjacent words; ``address`` is a multiple of 16 (x86's ``cmpxchg16b``)."""
        self.counts.compare_exchanges += 1
        word = address >> 3
        with self._lock:
            before = self._u64[word], self._u64[word + 1]
            if before == expected:
                self._u64[word], self._u64[word + 1] = desired
        return before == expected, before
