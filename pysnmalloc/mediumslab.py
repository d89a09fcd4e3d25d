"""Medium slabs: chunks of objects larger than a slab, all of one size class (§2.7).

    byte 0      8      64     72     80     82     83          84                 one page
    ┌──────┬──────┬─ ─ ┬──────┬──────┬──────┬──────┬───────────┬──────────────── ─ ─┬─ ─┬────────┬────────┐
    │owner │ kind │    │ next │ prev │ free │ head │ sizeclass │ stack: 2 bytes each│   │object 0│object 1│
    └──────┴──────┴─ ─ ┴──────┴──────┴──────┴──────┴───────────┴──────────────── ─ ─┴─ ─┴────────┴────────┘

A stack holds the indices of the free objects. An index is an offset in units of
256 bytes. The stack is in the header, so a free object is not touched and can be
decommitted entirely. ``head`` points at the next entry:

    alloc: stack[head++]        free: stack[--head]

A fresh slab's stack lists the objects by ascending address; the last object ends
flush with the chunk's end. A chunk that was last a medium slab of the same class
keeps its stack unchanged.

The law: stack[head:] holds each free object once, and ``free`` is their number.
The slab is on its allocator's list for the class exactly while it has both a
free and an allocated object. It belongs to the allocator in ``owner``.
"""

from __future__ import annotations

from .chunklist import KIND, OWNER, Kind
from .config import MEDIUM_STACK_OFFSET, MEDIUM_UNIT, Config
from .memory import Memory
from .sizeclass import Sizeclass, SizeclassTable

__all__ = ["Mediumslab"]

FREE, HEAD, SIZECLASS, STACK = 80, 82, 83, MEDIUM_STACK_OFFSET  # byte offsets in the header


class Mediumslab:
    """The medium slabs of one allocator; every method takes a medium slab's address first."""

    __slots__ = ("_config", "_table", "_u8", "_u16", "_u64")

    def __init__(self, memory: Memory, config: Config, table: SizeclassTable) -> None:
        self._u8 = memory.u8
        self._u16 = memory.u16
        self._u64 = memory.u64
        self._config = config
        self._table = table

    def init(self, slab: int, owner: int, sizeclass: Sizeclass) -> None:
        """Make a chunk a medium slab of a class. Cost: 1 store per object, unless it last was one of that class."""
        u64 = self._u64
        u64[slab + OWNER >> 3] = owner
        self._u8[slab + HEAD] = 0
        if u64[slab + KIND >> 3] == Kind.MEDIUM and self.sizeclass(slab) == sizeclass:
            return
        u64[slab + KIND >> 3] = Kind.MEDIUM
        self._u8[slab + SIZECLASS] = sizeclass
        slots = self._table.capacity(sizeclass)
        self._u16[slab + FREE >> 1] = slots
        units = self._table.sizes[sizeclass] // MEDIUM_UNIT
        first = self._config.chunk_size // MEDIUM_UNIT - slots * units
        for slot in range(slots):
            self._u16[slab + STACK + 2 * slot >> 1] = first + slot * units

    def alloc(self, slab: int) -> int:
        """Take the object on top of the stack, which must not be empty. Cost: 3 loads, 2 stores."""
        head = self._u8[slab + HEAD]
        self._u8[slab + HEAD] = head + 1
        self._u16[slab + FREE >> 1] -= 1
        return slab + self._u16[slab + STACK + 2 * head >> 1] * MEDIUM_UNIT

    def dealloc(self, slab: int, freed: int) -> bool:
        """Push a freed object; return whether the slab was full. Cost: 2 loads, 3 stores."""
        was_full = self.full(slab)
        head = self._u8[slab + HEAD] - 1
        self._u8[slab + HEAD] = head
        self._u16[slab + FREE >> 1] += 1
        self._u16[slab + STACK + 2 * head >> 1] = (freed - slab) // MEDIUM_UNIT
        return was_full

    def sizeclass(self, slab: int) -> Sizeclass:
        """Return the class of the slab's objects. Any thread that holds one of them may call this."""
        return self._u8[slab + SIZECLASS]

    def free(self, slab: int) -> int:
        """Return the number of free objects."""
        return self._u16[slab + FREE >> 1]

    def head(self, slab: int) -> int:
        """Return the number of allocated objects, which is also the index of the stack's top."""
        return self._u8[slab + HEAD]

    def full(self, slab: int) -> bool:
        """Return whether no object is free."""
        return self.free(slab) == 0

    def empty(self, slab: int) -> bool:
        """Return whether no object is allocated."""
        return self.head(slab) == 0

    def stack(self, slab: int) -> tuple[int, ...]:
        """Return the free objects' indices, top first, for observers."""
        first, slots = slab + STACK >> 1, self._table.capacity(self.sizeclass(slab))
        return tuple(self._u16[first + slot] for slot in range(self.head(slab), slots))
