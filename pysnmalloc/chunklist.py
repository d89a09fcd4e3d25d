"""Doubly linked lists of chunks: superslabs, or medium slabs, with space (§2.7, §2.8).

    list head ──► ┌chunk 12──┐ ◄──► ┌chunk 9───┐
    (allocator)   │ next 64  │      │ next 64  │ ──► 0
             0 ◄──│ prev 72  │      │ prev 72  │
                  └──────────┘      └──────────┘

The node is in the chunk's header, on the second cache line. The first line holds
what other threads read, owner and kind, and does not change while the chunk is in
use, so moving a chunk between lists does not disturb other threads. 0 ends the
list in both directions.

A list belongs to one allocator, and only that allocator's thread uses it.
"""

from __future__ import annotations

from collections.abc import Iterator

from .memory import NULL, Memory

__all__ = ["KIND", "OWNER", "ChunkList", "Kind"]

OWNER, KIND = 0, 8  #: byte offsets in every chunk's header
NEXT, PREV = 64, 72


class Kind:
    """What a chunk is, or last was, as its header says."""

    FRESH = 0  #: never used; the header reads as zero
    LARGE = 1  #: the first chunk of a large object
    MEDIUM = 2  #: a medium slab
    SUPER = 3  #: a superslab
    DECOMMITTED = 4  #: free, with its pages given back


class ChunkList:
    """One list of chunks.

    Args:
        head: address of the word that holds the address of the first chunk.
    """

    __slots__ = ("_head", "_u64")

    def __init__(self, memory: Memory, head: int) -> None:
        self._u64 = memory.u64
        self._head = head >> 3

    def first(self) -> int:
        """Return the first chunk, or 0 if there is none. Cost: 1 load."""
        return self._u64[self._head]

    def insert(self, chunk: int) -> None:
        """Insert a chunk at the front. Cost: 4 stores."""
        u64, after = self._u64, self._u64[self._head]
        u64[chunk + NEXT >> 3] = after
        u64[chunk + PREV >> 3] = NULL
        if after != NULL:
            u64[after + PREV >> 3] = chunk
        u64[self._head] = chunk

    def remove(self, chunk: int) -> None:
        """Remove a chunk from any position. Cost: 2 stores."""
        u64 = self._u64
        before, after = u64[chunk + PREV >> 3], u64[chunk + NEXT >> 3]
        if after != NULL:
            u64[after + PREV >> 3] = before
        if before != NULL:
            u64[before + NEXT >> 3] = after
        else:
            u64[self._head] = after

    def pop(self) -> int:
        """Remove the first chunk and return it, or return 0 if there is none."""
        chunk = self.first()
        if chunk != NULL:
            self.remove(chunk)
        return chunk

    def walk(self) -> Iterator[int]:
        """Yield the chunks, first to last, for observers."""
        chunk = self.first()
        while chunk != NULL:
            yield chunk
            chunk = self._u64[chunk + NEXT >> 3]
