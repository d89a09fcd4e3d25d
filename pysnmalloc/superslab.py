"""Superslabs: chunks cut into slabs (§2.8).

    byte 0      8      64     72     80     82     88                  header end      one slab
    ┌──────┬──────┬─ ─ ┬──────┬──────┬──────┬──────┬───────┬─ ─ ┬───────┬──────── ─ ─ ──┐
    │owner │ kind │    │ next │ prev │ head │ used │meta 0 │    │meta n │ short slab's  │ slab 1 ...
    └──────┴──────┴─ ─ ┴──────┴──────┴──────┴──────┴───────┴─ ─ ┴───────┴──────── ─ ─ ──┘

``used`` is twice the number of full-length slabs in use, plus 1 if the short
slab is in use. ``head`` is the index of the first free full-length slab. A free
slab's ``next`` byte holds (index of the next free one - own index - 1) modulo the
number of slabs, so zeroed memory already represents the list 1, 2, 3, ... Index
0, the short slab, ends the list.

The law: the list visits each free full-length slab once, and ``used`` counts the
others. ``used`` determines the status, and the allocator keeps a list for each of
the two in the middle:

    empty ─► available ─► only the short slab free ─► full

A chunk that was a superslab before keeps its list unchanged. A superslab belongs
to the allocator in ``owner``, and only that allocator's thread changes it.
"""

from __future__ import annotations

import enum

from .chunklist import KIND, OWNER, Kind
from .config import Config
from .memory import Memory
from .metaslab import HEAD, LINK, NEXT, SIZECLASS, Metaslab
from .sizeclass import Sizeclass, SizeclassTable

__all__ = ["Status", "Superslab"]

HEAD_BYTE, USED_BYTE = 80, 82  # byte offsets in the header


class Status(enum.Enum):
    """How much of a superslab is free."""

    EMPTY = "empty"  #: no slab is in use
    AVAILABLE = "available"  #: at least one full-length slab is free
    ONLY_SHORT = "only short"  #: only the short slab is free
    FULL = "full"  #: every slab is in use


class Superslab:
    """The superslabs of one allocator; every method takes a superslab's address first."""

    __slots__ = ("_config", "_meta", "_table", "_u8", "_u16", "_u64")

    def __init__(self, memory: Memory, config: Config, metaslab: Metaslab, table: SizeclassTable) -> None:
        self._u8 = memory.u8
        self._u16 = memory.u16
        self._u64 = memory.u64
        self._meta = metaslab
        self._config = config
        self._table = table

    def init(self, superslab: int, owner: int) -> None:
        """Make a chunk a superslab of ``owner``. Cost: 1 store if it was a superslab before, else 1 per slab."""
        u64 = self._u64
        u64[superslab + OWNER >> 3] = owner
        if u64[superslab + KIND >> 3] == Kind.SUPER:
            return
        u64[superslab + KIND >> 3] = Kind.SUPER
        self._u8[superslab + HEAD_BYTE] = 1
        self._u16[superslab + USED_BYTE >> 1] = 0
        first = self._meta.word(superslab) >> 3
        for word in range(first, first + self._config.slab_count):
            u64[word] = 0

    def status(self, superslab: int) -> Status:
        """Return how much of a superslab is free. Cost: 1 load."""
        used = self.used(superslab)
        all_long = 2 * (self._config.slab_count - 1)
        if used >= all_long:
            return Status.FULL if used > all_long else Status.ONLY_SHORT
        return Status.AVAILABLE if used else Status.EMPTY

    def used(self, superslab: int) -> int:
        """Return twice the number of full-length slabs in use, plus 1 if the short slab is in use."""
        return self._u16[superslab + USED_BYTE >> 1]

    def head(self, superslab: int) -> int:
        """Return the index of the first free full-length slab, or 0 if there is none."""
        return self._u8[superslab + HEAD_BYTE]

    def alloc_short_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take the short slab if it is free, else a full-length one; return the slab's address."""
        if self.used(superslab) & 1:
            return self.alloc_slab(superslab, sizeclass)
        self._u16[superslab + USED_BYTE >> 1] += 1
        self._start(superslab, sizeclass, short=True)
        return superslab

    def alloc_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take the first free full-length slab, which must exist; return its address."""
        index = self.head(superslab)
        slab = superslab + (index << self._config.slab_bits)
        relative = self._u8[self._meta.word(slab) + NEXT]
        self._u8[superslab + HEAD_BYTE] = (index + relative + 1) & (self._config.slab_count - 1)
        self._u16[superslab + USED_BYTE >> 1] += 2
        self._start(slab, sizeclass, short=False)
        return slab

    def dealloc_slab(self, superslab: int, slab: int) -> None:
        """Take back a slab whose objects are all free. The short slab clears its bit; others go to the list's front."""
        if slab == superslab:
            self._u16[superslab + USED_BYTE >> 1] -= 1
            return
        index = (slab - superslab) >> self._config.slab_bits
        word = self._meta.word(slab)
        self._u8[word + SIZECLASS] = 0
        self._u8[word + NEXT] = (self.head(superslab) - index - 1) & (self._config.slab_count - 1)
        self._u8[superslab + HEAD_BYTE] = index
        self._u16[superslab + USED_BYTE >> 1] -= 2

    def _start(self, slab: int, sizeclass: Sizeclass, *, short: bool) -> None:
        """Set up a fresh slab's metadata: the slab is all bump space, with the list node in its last 16 bytes.

        ``used`` is already 0, since the slab was never in use or its last object was freed.
        """
        word = self._meta.word(slab)
        self._u16[word + HEAD >> 1] = self._table.first_head(sizeclass, short=short)
        self._u16[word + LINK >> 1] = self._meta.node_at_end
        self._u8[word + SIZECLASS] = sizeclass
