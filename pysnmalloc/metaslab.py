"""The 64 bits of metadata of a slab (§2.8).

     63      56 55      48 47           32 31           16 15            0
    ┌──────────┬──────────┬───────────────┬───────────────┬───────────────┐
    │   next   │sizeclass │     link      │     head      │     used      │
    └──────────┴──────────┴───────────────┴───────────────┴───────────────┘
      free slabs: the      node of the     first free      objects
      next free slab,      list of slabs   object, or the  allocated
      relative             with space      bump pointer

The words lie in the superslab's header, apart from the objects. They are
little-endian: ``used`` is at byte 0 of the word, ``head`` at 2, ``link`` at 4,
``sizeclass`` at 6, ``next`` at 7. Each field is read and written separately, since
other threads read the ``sizeclass`` of objects that they free while the owner
changes the other fields.

The law of ``head``: an even value is the offset of the first free object, whose
first 16 bits hold the next offset. An odd value is the bump pointer plus 1, and
nothing from there to the slab's end was ever allocated; but if it is all ones,
the slab is full.
"""

from __future__ import annotations

from typing import NamedTuple

from .config import METADATA_OFFSET, Config
from .memory import Memory

__all__ = ["HEAD", "LINK", "NEXT", "NODE_SIZE", "SIZECLASS", "USED", "Metaslab", "MetaslabFields"]

USED, HEAD, LINK, SIZECLASS, NEXT = 0, 2, 4, 6, 7  #: byte offsets in the word
NODE_SIZE = 16  #: bytes of the list node in the slab's free memory
BUMP_BIT = 1


class MetaslabFields(NamedTuple):
    """The five fields of a metadata word, read at one moment.

    Attributes:
        used: number of allocated objects.
        head: if even, the offset of the first free object; if odd, the bump pointer plus 1; if all bits of an
            offset are ones, the slab is full.
        link: in a slab with space, the offset of its node in the list of such slabs.
        sizeclass: size class of the slab's objects.
        next: in a free full-length slab, (index of the next free one - own index - 1) modulo the number of slabs.
    """

    used: int
    head: int
    link: int
    sizeclass: int
    next: int


class Metaslab:
    """Where metadata words lie, and what their values mean in a configuration.

    A word belongs to the allocator that owns the superslab, and only that allocator's thread writes it. Another
    thread may read ``sizeclass`` while it holds an object of the slab, since the class cannot change then.
    """

    __slots__ = ("_chunk_mask", "_slab_bits", "_u8", "_u16", "full", "node_at_end", "offset_mask")

    def __init__(self, memory: Memory, config: Config) -> None:
        self._u8 = memory.u8
        self._u16 = memory.u16
        self._slab_bits = config.slab_bits
        self._chunk_mask = config.chunk_size - 1
        self.offset_mask = config.slab_size - 1
        self.full = self.offset_mask
        """``head`` of a full slab: -1, that is, all ones in the bits of an offset."""
        self.node_at_end = config.slab_size - NODE_SIZE
        """``link`` while bump space remains: the list node is in the slab's last 16 bytes."""

    def word(self, slab: int) -> int:
        """Return the address of a slab's metadata word."""
        inside = slab & self._chunk_mask
        return slab - inside + METADATA_OFFSET + (inside >> self._slab_bits << 3)

    def slab_of(self, address: int) -> int:
        """Return the start of the slab around an address."""
        return address & ~self.offset_mask

    def sizeclass(self, slab: int) -> int:
        """Return the size class of a slab's objects. Any thread that holds one of them may call this."""
        return self._u8[self.word(slab) + SIZECLASS]

    def is_full(self, head: int) -> bool:
        """Return whether ``head`` marks a full slab (bit 1; it is clear in offsets and in a bump pointer plus 1)."""
        return head & 2 != 0

    def fields(self, slab: int) -> MetaslabFields:
        """Return the decoded word, for observers (laws, pictures, tests)."""
        at = self.word(slab)
        used, head, link = (self._u16[(at + field) >> 1] for field in (USED, HEAD, LINK))
        return MetaslabFields(used, head, link, self._u8[at + SIZECLASS], self._u8[at + NEXT])
