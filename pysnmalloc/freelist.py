"""The bump-pointer free list of a slab (§2.8).

    head ──► object ──► object ──► bump pointer + 1          bump space left: the list ends in the bump pointer
             0x0040     0x0200     0x0301 (odd)              0x0300 ... end was never allocated

    head ──► object ──► object ──► -1                        no bump space left: the list ends in all ones

A fresh slab needs a single store, head = first offset + 1: no list is threaded
through memory that no program has requested. Freed objects are pushed in front
of the bump pointer, so they are reused first; the list is a stack.

The law: the objects on the list, the bump space after its end and the allocated
objects together make up the slab, each exactly once.

Left out: what happens when a slab becomes full, or gets its first object back.
``slab`` handles both, since it knows the list of slabs with space.
"""

from __future__ import annotations

from collections.abc import Iterator

from .memory import Memory
from .metaslab import BUMP_BIT, HEAD, USED, Metaslab

__all__ = ["FreeList"]


class FreeList:
    """The free lists of the slabs that one allocator owns. Only that allocator's thread may call it."""

    __slots__ = ("_meta", "_slab_size", "_u16")

    def __init__(self, memory: Memory, metaslab: Metaslab) -> None:
        self._u16 = memory.u16
        self._meta = metaslab
        self._slab_size = metaslab.offset_mask + 1

    def take(self, slab: int, size: int) -> tuple[int, int]:
        """Take the first free object of a slab that is not full; return it and the new ``head``.

        Cost: 4 loads and stores in the heap for a freed object, 3 for one at the bump pointer.
        """
        u16, word = self._u16, self._meta.word(slab)
        u16[word + USED >> 1] += 1
        head = u16[word + HEAD >> 1]
        if head & BUMP_BIT:
            taken = slab + head - BUMP_BIT
            moved = head + size
            after = moved if moved < self._slab_size else self._meta.full
        else:
            taken = slab + head
            # The link may be the list node's `prev`, all ones; masked, it is the end mark -1.
            after = u16[taken >> 1] & self._meta.offset_mask
        u16[word + HEAD >> 1] = after
        return taken, after

    def put(self, slab: int, freed: int) -> None:
        """Push a freed object onto the list of a slab that has space. Cost: 3 stores, 2 loads."""
        u16, word = self._u16, self._meta.word(slab)
        u16[word + USED >> 1] -= 1
        u16[freed >> 1] = u16[word + HEAD >> 1]
        u16[word + HEAD >> 1] = freed - slab

    def walk(self, slab: int) -> Iterator[int]:
        """Yield the entries of the list as stored: the objects' offsets, then the end mark or bump pointer.

        It stops after the list node, which ends the list if there is no bump space. For observers. A broken list
        may be endless, so take no more entries than a slab can hold.
        """
        fields = self._meta.fields(slab)
        entry = fields.head
        while entry & BUMP_BIT == 0:
            yield entry
            last = entry == fields.link
            entry = self._meta.full if last else self._u16[slab + entry >> 1] & self._meta.offset_mask
        yield entry
