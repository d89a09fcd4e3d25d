"""The list of slabs with free space, one per allocator and small size class (§2.8).

    list head ──► ┌prev│next┐ ◄──► ┌prev│next┐ ◄──► ┌prev│next┐     prev of the first,
    (allocator)   └─────────┘      └─────────┘      └─────────┘     next of the last:
                  in a free object of each slab: `link` is its offset     all ones

The list is doubly linked, so that any slab can be removed in constant time. The
node costs no memory: a slab on the list has free memory, which holds the two
pointers. While bump space remains, they are in the slab's last 16 bytes. Once a
full slab gets an object back, they are in that object, which is also the last
on the free list. Its ``prev`` is then read as the free list's end mark -1, so it
must be all ones; it is, because objects come only from the list's first slab.

The law: a slab is on the list of its size class exactly while it has free space.
The list belongs to one allocator, and only that allocator's thread uses it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from .memory import Memory
from .metaslab import LINK, Metaslab

__all__ = ["TERMINATOR", "SlabList"]

TERMINATOR = 0xFFFF_FFFF_FFFF_FFFF  #: ends the list: the `prev` of its first node
PREV, NEXT = 0, 8  # byte offsets in the node


class SlabList:
    """One list of slabs.

    Args:
        head: address of the word that holds the address of the first node.

    Attributes:
        end: the word that ends the list: ``TERMINATOR``.
    """

    __slots__ = ("_head", "_meta", "_u16", "_u64")

    end: ClassVar[int] = TERMINATOR

    def __init__(self, memory: Memory, metaslab: Metaslab, head: int) -> None:
        self._u16 = memory.u16
        self._u64 = memory.u64
        self._meta = metaslab
        self._head = head >> 3

    def clear(self) -> None:
        """Make the list empty, once, before its first use, since zeroed memory is not an empty list."""
        self._u64[self._head] = self.end

    def first(self) -> int:
        """Return the first slab, or 0 if there is none. Cost: 1 load."""
        node = self._u64[self._head]
        return 0 if node == self.end else self._meta.slab_of(node)

    def insert(self, slab: int) -> None:
        """Insert a slab at the front. Cost: 4 stores."""
        u64, node, after = self._u64, self._node(slab), self._u64[self._head]
        u64[node + NEXT >> 3] = after
        u64[node + PREV >> 3] = self.end
        if after != self.end:
            u64[after + PREV >> 3] = node
        u64[self._head] = node

    def remove(self, slab: int) -> None:
        """Remove a slab from any position. Cost: 2 stores."""
        u64, node = self._u64, self._node(slab)
        before, after = u64[node + PREV >> 3], u64[node + NEXT >> 3]
        if after != self.end:
            u64[after + PREV >> 3] = before
        if before != self.end:
            u64[before + NEXT >> 3] = after
        else:
            u64[self._head] = after

    def pop_front(self) -> None:
        """Remove the first slab, even if the object that holds its node has just been allocated.

        Allocation writes nothing into an object, so the node can still be read.
        """
        self.remove(self.first())

    def walk(self) -> Iterator[int]:
        """Yield the addresses of the nodes, first to last, for observers."""
        node = self._u64[self._head]
        while node != self.end:
            yield node
            node = self._u64[node + NEXT >> 3]

    def _node(self, slab: int) -> int:
        """Return the address of a slab's node."""
        return slab + self._u16[self._meta.word(slab) + LINK >> 1]
