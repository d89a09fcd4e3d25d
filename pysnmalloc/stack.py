"""A lock-free stack of free chunks: Treiber's, with an incarnation number against ABA (§2.5).

    ┌── head ──┬─ incarnation ─┐
    │  chunk 7 │      41       │        16 bytes, changed as one
    └────┬─────┴───────────────┘
         ▼
      chunk 7: next ──► chunk 3: next ──► 0        a chunk's first word is its link

    pop:   read (7, 41); read 7's next = 3; compare-exchange (7, 41) -> (3, 42)

ABA: between the two reads others may pop 7, pop 3 and push 7 back. The head is 7
again, but 3 is in use, and a compare of the pointer alone would make it the
head. The number tells the two 7s apart: every success adds one.

Who may call what: any thread, at any time. ``push`` publishes the chunk's bytes
(release, by the compare-exchange), ``pop`` acquires them. ``pop`` may read the
link of a chunk that was popped and is in use by now; what it reads there is then
never used, since the compare-exchange fails. The chunk stays mapped, so the read
is harmless; that is why a free chunk's first page is not decommitted.
"""

from __future__ import annotations

from collections.abc import Iterator

from .atomics import Atomics, Order
from .memory import NULL, Memory

__all__ = ["LINK", "ChunkStack"]

LINK = 0  #: byte offset in a free chunk
ONCE_MORE = 0xFFFF_FFFF_FFFF_FFFF  # the incarnation number wraps


class ChunkStack:
    """One stack.

    Args:
        head: address of its two words, a multiple of 16.
    """

    __slots__ = ("_atomics", "_head", "_u64")

    def __init__(self, memory: Memory, atomics: Atomics, head: int) -> None:
        self._u64 = memory.u64
        self._atomics = atomics
        self._head = head

    def push(self, chunk: int) -> None:
        """Put a chunk on top. Cost: 2 loads, and per try 1 store and 1 compare-exchange of two words."""
        atomics, head = self._atomics, self._head
        # The two words need not be read as one: a mix of two heads fails the compare.
        top = atomics.load(head, Order.RELAXED)
        incarnation = atomics.load(head + 8, Order.RELAXED)
        pushed = False
        while not pushed:
            atomics.store(chunk + LINK, top, Order.RELAXED)
            # Release: who pops the chunk sees its link and its header as they are now.
            pushed, (top, incarnation) = atomics.compare_exchange_2(
                head, (top, incarnation), (chunk, (incarnation + 1) & ONCE_MORE), Order.RELEASE
            )

    def pop(self) -> int:
        """Take the chunk on top, or return 0. Cost: 2 loads, and per try 1 load and 1 compare-exchange."""
        atomics, head = self._atomics, self._head
        top = atomics.load(head, Order.RELAXED)
        # Acquire: the number that the compare confirms is that of the push whose link we read next. To
        # acquire by the pointer is not enough: the same pointer may be that of an older push.
        incarnation = atomics.load(head + 8, Order.ACQUIRE)
        popped = False
        while not popped and top != NULL:
            below = atomics.speculate(top + LINK)  # the chunk may be in use by now
            chunk = top
            # Acquire: what the pusher did to the chunk comes before what we do to it.
            popped, (top, incarnation) = atomics.compare_exchange_2(
                head, (top, incarnation), (below, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE
            )
        return chunk if popped else NULL

    def pop_all(self) -> list[int]:
        """Take all chunks at once, top first. Cost: as ``pop``, and one load per chunk."""
        atomics, head = self._atomics, self._head
        top = atomics.load(head, Order.RELAXED)
        incarnation = atomics.load(head + 8, Order.RELAXED)
        popped = False
        chunk = top
        while not popped and top != NULL:
            chunk = top
            popped, (top, incarnation) = atomics.compare_exchange_2(
                head, (top, incarnation), (NULL, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE
            )
        return list(self._chain(chunk)) if popped else []

    def walk(self) -> Iterator[int]:
        """Yield the chunks, top first, for those who look on while nobody changes the stack."""
        return self._chain(self._u64[self._head >> 3])

    def _chain(self, chunk: int) -> Iterator[int]:
        """Yield a chain of chunks that nobody else reaches."""
        while chunk != NULL:
            # Read the link first: the consumer may do with the chunk what it wants.
            below = self._u64[chunk + LINK >> 3]
            yield chunk
            chunk = below
