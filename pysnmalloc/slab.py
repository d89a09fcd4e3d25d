"""A slab in use: its free list, its metadata and its place on the list of slabs with space (§2.8).

                      alloc of the last free object
         ┌──────────────────────────────────────────────────────────┐
    has space, on the list                                     full, off the list
         └◄─────────────────────────────────────────────────────────┘
         │            free: head = link = the object, insert at the front
         ▼
    free of the last allocated object: off the list, back to the superslab

The law: a slab is on the list exactly while it has free space.

Left out: the superslab's side of taking and returning slabs. The allocator
combines the two sides.
"""

from __future__ import annotations

from .freelist import FreeList
from .memory import Memory
from .metaslab import HEAD, LINK, USED, Metaslab
from .slablist import SlabList

__all__ = ["Slab"]


class Slab:
    """The slabs of one allocator. Every method takes a slab's address first. Only the owner's thread may call them."""

    __slots__ = ("_meta", "_u16", "freelist")

    def __init__(self, memory: Memory, metaslab: Metaslab, freelist: FreeList) -> None:
        self._u16 = memory.u16
        self._meta = metaslab
        self.freelist = freelist

    def alloc(self, slab: int, slabs: SlabList, size: int) -> int:
        """Take an object from a list's first slab; a slab that becomes full leaves the list."""
        taken, head = self.freelist.take(slab, size)
        if self._meta.is_full(head):
            slabs.pop_front()
        return taken

    def dealloc(self, slab: int, slabs: SlabList, freed: int) -> bool:
        """Take an object back; return whether it was the last allocated one, so that the slab is now free.

        A slab that was full goes to the front of the list, so it is the next to be used.
        """
        u16, word = self._u16, self._meta.word(slab)
        was_full = self._meta.is_full(u16[word + HEAD >> 1])
        last = u16[word + USED >> 1] == 1
        if last:
            if not was_full:
                slabs.remove(slab)
            u16[word + USED >> 1] -= 1
        elif was_full:
            self._reopen(slab, freed)
            slabs.insert(slab)
        else:
            self.freelist.put(slab, freed)
        return last

    def _reopen(self, slab: int, freed: int) -> None:
        """Give a full slab its first object back. The object is the whole free list, and holds the list node."""
        u16, word = self._u16, self._meta.word(slab)
        u16[word + USED >> 1] -= 1
        u16[word + HEAD >> 1] = u16[word + LINK >> 1] = freed - slab
