"""A lock-free stack of free chunks: Treiber's stack, with an incarnation number against ABA (§2.5).

    ┌── head ──┬─ incarnation ─┐
    │  chunk 7 │      41       │        16 bytes, changed as a unit
    └────┬─────┴───────────────┘
         ▼
      chunk 7: next ──► chunk 3: next ──► 0        a chunk's first word is its link

    pop:   read (7, 41); read 7's next = 3; compare-exchange (7, 41) -> (3, 42)

ABA: after the reads, other threads may pop 7, pop 3 and push 7 back. The head is
7 again, but 3 is in use, and comparing only the pointer would make 3 the head.
The incarnation number distinguishes the two 7s: every success adds one to it.

Who may call what: any thread may call any method at any time. ``push`` publishes
the chunk's bytes (release, by the compare-exchange), and ``pop`` acquires them.
``pop`` may read the link of a chunk that was popped and is in use by now. It never
uses that value, since the compare-exchange then fails. The read is harmless
because the chunk stays mapped; this is why a free chunk keeps its first page.
"""

from __future__ import annotations

from collections.abc import Iterator

from .atomics import Atomics, Order
from .memory import NULL, Memory

__all__ = ["LINK", "ChunkStack"]

LINK = 0  #: byte offset in a free chunk
ONCE_MORE = 0xFFFF_FFFF_FFFF_FFFF  # the incarnation number wraps around


class ChunkStack:
    """One stack.

    Args:
        head: address of the head's two words, a multiple of 16.
    """

    __slots__ = ("_atomics", "_head", "_u64")

    def __init__(self, memory: Memory, atomics: Atomics, head: int) -> None:
        self._u64 = memory.u64
        self._atomics = atomics
        self._head = head

    def push(self, chunk: int) -> None:
        """Push a chunk. Cost: 2 loads, and per attempt 1 store and 1 compare-exchange of two words."""
        atomics, head = self._atomics, self._head
        # The two words need not be read as a unit: a mixture of two heads fails the comparison.
        top = atomics.load(head, Order.RELAXED)
        incarnation = atomics.load(head + 8, Order.RELAXED)
        pushed = False
        while not pushed:
            atomics.store(chunk + LINK, top, Order.RELAXED)
            # Release: a thread that pops the chunk sees its link and header as they are now.
            pushed, (top, incarnation) = atomics.compare_exchange_2(
                head, (top, incarnation), (chunk, (incarnation + 1) & ONCE_MORE), Order.RELEASE
            )

    def pop(self) -> int:
        """Pop the top chunk, or return 0. Cost: 2 loads, and per attempt 1 load and 1 compare-exchange."""
        atomics, head = self._atomics, self._head
        top = atomics.load(head, Order.RELAXED)
        # Acquire: the number that the comparison confirms comes from the push whose link is read next.
        # Acquiring the pointer is not enough, since an older push may have stored the same pointer.
        incarnation = atomics.load(head + 8, Order.ACQUIRE)
        popped = False
        while not popped and top != NULL:
            below = atomics.speculate(top + LINK)  # the chunk may be in use by now
            chunk = top
            # Acquire: what the pushing thread did to the chunk happens before what this one does to it.
            popped, (top, incarnation) = atomics.compare_exchange_2(
                head, (top, incarnation), (below, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE
            )
        return chunk if popped else NULL

    def pop_all(self) -> list[int]:
        """Pop all chunks at once, top first. Cost: that of ``pop``, and one load per chunk."""
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
        """Yield the chunks, top first, for observers, while no thread changes the stack."""
        return self._chain(self._u64[self._head >> 3])

    def _chain(self, chunk: int) -> Iterator[int]:
        """Yield the chunks of a chain that no other thread can reach."""
        while chunk != NULL:
            # Read the link first, since the consumer may overwrite the chunk.
            below = self._u64[chunk + LINK >> 3]
            yield chunk
            chunk = below
