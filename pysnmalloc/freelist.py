"""The bump-pointer free list of a slab (§2.8).

    head ──► object ──► object ──► bump pointer + 1          space left: the list ends in the bump pointer
             0x0040     0x0200     0x0301 (odd)              0x0300 ... end was never allocated

    head ──► object ──► object ──► -1                        no bump space left: it ends in all ones

A fresh slab needs one store, head = first offset + 1: nothing is threaded
through memory that nobody asked for. Freed objects are pushed in front of the
bump pointer, so they are used again first, and the list is a stack.

The law: the objects on the list, the bump space behind its end and the objects
allocated are all of the slab, each once.

Left out: what happens when the slab becomes full or gets its first object
back; that is ``slab``'s, which knows the list of slabs with space.
"""

from __future__ import annotations

from collections.abc import Iterator

from .memory import Memory
from .metaslab import BUMP_BIT, HEAD, USED, Metaslab

__all__ = ["FreeList"]


class FreeList:
    """The free list of any slab that one allocator owns; called by that allocator's thread only."""

    __slots__ = ("_meta", "_slab_size", "_u16")

    def __init__(self, memory: Memory, metaslab: Metaslab) -> None:
        self._u16 = memory.u16
        self._meta = metaslab
        self._slab_size = metaslab.offset_mask + 1

    def take(self, slab: int, size: int) -> tuple[int, int]:
        """Take the first free object of a slab that is not full; return it and the new ``head``.

        Cost: 4 loads and stores of the heap for a freed object, 3 for a bump.
        """
        u16, word = self._u16, self._meta.word(slab)
        u16[word + USED >> 1] += 1
        head = u16[word + HEAD >> 1]
        if head & BUMP_BIT:
            taken = slab + head - BUMP_BIT
            behind = head + size
            after = behind if behind < self._slab_size else self._meta.full
        else:
            taken = slab + head
            # All ones may be the list node's `prev`; masked, that is the end mark -1.
            after = u16[taken >> 1] & self._meta.offset_mask
        u16[word + HEAD >> 1] = after
        return taken, after

    def put(self, slab: int, freed: int) -> None:
        """Push a freed object on the list of a slab that has space. Cost: 3 stores, 2 loads."""
        u16, word = self._u16, self._meta.word(slab)
        u16[word + USED >> 1] -= 1
        u16[freed >> 1] = u16[word + HEAD >> 1]
        u16[word + HEAD >> 1] = freed - slab

    def walk(self, slab: int) -> Iterator[int]:
        """Yield the entries of the list as they are, offsets of objects and last the end mark or bump pointer.

        It stops behind the list node, which is the end where there is no bump space. For those who look on;
        a broken list may not end, so take no more than a slab can hold.
        """
        fields = self._meta.fields(slab)
        entry = fields.head
        while entry & BUMP_BIT == 0:
            yield entry
            last = entry == fields.link
            entry = self._meta.full if last else self._u16[slab + entry >> 1] & self._meta.offset_mask
        yield entry
