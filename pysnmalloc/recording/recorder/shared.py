"""Recording what all allocators share: atomic operations, the stacks of free blocks, large objects (§2.2, §2.5, §2.9).

An operation that two threads may do at once is done and reported under the recording's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ...atomics import AtomicsLock, Order
from ...config import Config, Decommit
from ...large import Commitment
from ...memory import BUMP, NULL, STACKS, Layout, Memory
from ...stack import LINK
from ..events import (
    BumpMoved,
    Change,
    ChunkReturned,
    ChunkTaken,
    Decommitted,
    Exchanged,
    Linked,
    StackEmptied,
    StackPopped,
    StackPushed,
)
from .teller import Teller

if TYPE_CHECKING:  # a recording class is put on top of any class that serves its concept
    from ...atomics import Atomics
    from ...large import LargeObjects
    from ...stack import ChunkStack
else:
    Atomics = LargeObjects = ChunkStack = object

__all__ = ["RecordingAtomics", "RecordingLargeObjects", "RecordingStack"]

Head = tuple[int, int]  # of a stack: top, incarnation number


class RecordingAtomics(Atomics):
    """Reports exchanges, links and moves of the bump pointer, in the order in which they happen."""

    def __init__(self, teller: Teller, memory: Memory, lock: AtomicsLock) -> None:
        self._teller = teller
        self.on_success: Callable[[Head, Head], None] | None = None
        self.tries = 0
        super().__init__(memory, lock)

    def exchange(self, address: int, value: int, order: Order) -> int:
        """Exchange a queue's back, and report it."""
        with self._teller.recording.lock:
            before = super().exchange(address, value, order)
            self._teller.tell(Exchanged, queue=self._teller.number(address), back=Change(before, value))
        return before

    def store(self, address: int, value: int, order: Order) -> None:
        """Store a word. A store with release order is a queue's link, so report it."""
        if order is not Order.RELEASE:
            super().store(address, value, order)
            return
        with self._teller.recording.lock:
            before = self._teller.word(address)
            super().store(address, value, order)
            self._teller.tell(Linked, message=address, next=Change(before, value))

    def compare_exchange(self, address: int, expected: int, desired: int, order: Order) -> tuple[bool, int]:
        """Compare and exchange a word, and report it if the bump pointer moved."""
        with self._teller.recording.lock:
            done, before = super().compare_exchange(address, expected, desired, order)
            if done and address == BUMP:
                self._teller.tell(BumpMoved, bump=Change(before, desired))
        return done, before

    def compare_exchange_2(self, address: int, expected: Head, desired: Head, order: Order) -> tuple[bool, Head]:
        """Compare and exchange a stack's head, and call ``on_success``, which reports it, if this succeeds."""
        with self._teller.recording.lock:
            self.tries += 1
            done, before = super().compare_exchange_2(address, expected, desired, order)
            if done and self.on_success is not None:
                self.on_success(before, desired)
        return done, before


class RecordingStack(ChunkStack):
    """Reports every block pushed and popped."""

    def __init__(self, teller: Teller, memory: Memory, atomics: RecordingAtomics, head: int) -> None:
        self._teller = teller
        self._recorded = atomics
        self._name = _stack_name(head, teller.config)
        super().__init__(memory, atomics, head)

    def push(self, chunk: int) -> None:
        """Push a block, and report it."""

        def pushed(before: Head, after: Head) -> None:
            self._tell(StackPushed, chunk, before, after)

        self._watched(pushed)
        super().push(chunk)

    def pop(self) -> int:
        """Pop the top block, and report it."""

        def popped(before: Head, after: Head) -> None:
            self._tell(StackPopped, before[0], before, after)

        self._watched(popped)
        return super().pop()

    def pop_all(self) -> list[int]:
        """Pop all blocks, and report them."""

        def emptied(before: Head, after: Head) -> None:
            self._teller.tell(
                StackEmptied,
                chunks=tuple(self._chunks_from(before[0])),
                stack=self._name,
                top=Change(before[0], after[0]),
                incarnation=Change(before[1], after[1]),
            )

        self._watched(emptied)
        return super().pop_all()

    def _chunks_from(self, chunk: int) -> Iterator[int]:
        """Yield the blocks of a chain, top first."""
        while chunk != NULL:
            yield chunk
            chunk = self._teller.word(chunk + LINK)

    def _watched(self, on_success: Callable[[Head, Head], None]) -> None:
        """Set what reports a successful compare-exchange, and count its tries from 0."""
        self._recorded.tries = 0
        self._recorded.on_success = on_success

    def _tell(self, kind: type[StackPushed] | type[StackPopped], chunk: int, before: Head, after: Head) -> None:
        """Report a push or a pop."""
        self._teller.tell(
            kind,
            chunk=chunk,
            stack=self._name,
            top=Change(before[0], after[0]),
            incarnation=Change(before[1], after[1]),
            tries=self._recorded.tries,
        )


def _stack_name(head: int, config: Config) -> str:
    """Name a stack of the heap by the address of its head."""
    index = (head - STACKS) // 16
    what = "free" if index < config.num_large else "skipped"
    return f"{what} blocks of {1 << index % config.num_large} chunks"


class RecordingLargeObjects(LargeObjects):
    """Reports blocks taken and returned, and pages given back to the operating system."""

    def __init__(
        self,
        teller: Teller,
        memory: Memory,
        atomics: RecordingAtomics,
        config: Config,
        layout: Layout,
        decommit: Decommit,
        commitment: Commitment,
        stack: Callable[[int], ChunkStack],
    ) -> None:
        self._teller = teller
        self._never_had = False
        super().__init__(memory, atomics, config, layout, decommit, commitment, stack)

    def _take(self, large_class: int) -> tuple[int, int]:
        """Take a block, and report whether it was never used before."""
        self._never_had = False
        block, kept = super()._take(large_class)
        self._teller.tell(ChunkTaken, block=block, chunks=1 << large_class, fresh=self._never_had)
        return block, kept

    def _fresh(self, large_class: int) -> tuple[int, int]:
        """Take a block that was never used."""
        self._never_had = True
        return super()._fresh(large_class)

    def _push(self, block: int, large_class: int) -> None:
        """Push a free block onto its stack, and report it."""
        super()._push(block, large_class)
        self._teller.tell(ChunkReturned, block=block, chunks=1 << large_class)

    def _decommit(self, start: int, length: int) -> None:
        """Give pages back to the operating system, and report it."""
        super()._decommit(start, length)
        self._teller.tell(Decommitted, start=start, length=length)
