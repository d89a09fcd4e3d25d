"""The 64 bits of metadata of a slab (§2.8).

     63      56 55      48 47           32 31           16 15            0
    ┌──────────┬──────────┬───────────────┬───────────────┬───────────────┐
    │   next   │sizeclass │     link      │     head      │     used      │
    └──────────┴──────────┴───────────────┴───────────────┴───────────────┘
      free slabs: the      node of the     first free      objects
      next free slab,      list of slabs   object, or the  allocated
      relative             with space      bump pointer

They lie in the superslab's header, away from the objects. Little-endian, so
``used`` is at byte 0, ``head`` at 2, ``link`` at 4, ``sizeclass`` at 6, ``next``
at 7 of the word, and each is read and written by itself: other threads read
``sizeclass`` of objects that they free while the owner changes the rest.

The law of ``head``: even, it is the offset of the first free object, whose first
16 bits hold the next offset; odd, it is the bump pointer plus 1, and from there
to the slab's end nothing was ever allocated; all ones, the slab is full.
"""

from __future__ import annotations

from typing import NamedTuple

from .config import METADATA_OFFSET, Config
from .memory import Memory

__all__ = ["HEAD", "LINK", "NEXT", "NODE_SIZE", "SIZECLASS", "USED", "Metaslab", "MetaslabFields"]

USED, HEAD, LINK, SIZECLASS, NEXT = 0, 2, 4, 6, 7  #: byte offsets in the word
NODE_SIZE = 16  #: bytes of the list node that lives in the slab's free memory
BUMP_BIT = 1


class MetaslabFields(NamedTuple):
    """The five fields of a metadata word, read at one moment.

    Attributes:
        used: objects of the slab that are allocated.
        head: even: offset in the slab of the first free object; odd: the bump pointer plus 1; all ones in the
            bits of an offset: the slab is full.
        link: of a slab with space: offset in it of its node in the list of such slabs.
        sizeclass: of the slab's objects.
        next: of a free full-length slab: (index of the next free one - own index - 1) modulo the number of slabs.
    """

    used: int
    head: int
    link: int
    sizeclass: int
    next: int


class Metaslab:
    """Where metadata words lie, and what their values mean in a configuration.

    A word belongs to the allocator that owns the superslab; it alone writes it, in one thread. Others may
    read ``sizeclass`` while they hold an object of the slab, for then it does not change.
    """

    __slots__ = ("_chunk_mask", "_slab_bits", "_u8", "_u16", "full", "node_at_end", "offset_mask")

    def __init__(self, memory: Memory, config: Config) -> None:
        self._u8 = memory.u8
        self._u16 = memory.u16
        self._slab_bits = config.slab_bits
        self._chunk_mask = config.chunk_size - 1
        self.offset_mask = config.slab_size - 1
        self.full = self.offset_mask
        """``head`` of a full slab: -1, all ones, in the bits that an offset in a slab has."""
        self.node_at_end = config.slab_size - NODE_SIZE
        """``link`` while bump space is left: the list node is in the slab's last 16 bytes."""

    def word(self, slab: int) -> int:
        """Return the address of a slab's metadata word."""
        inside = slab & self._chunk_mask
        return slab - inside + METADATA_OFFSET + (inside >> self._slab_bits << 3)

    def slab_of(self, address: int) -> int:
        """Return the start of the slab around an address."""
        return address & ~self.offset_mask

    def sizeclass(self, slab: int) -> int:
        """Return the size class of a slab's objects; any thread that holds one of them may ask."""
        return self._u8[self.word(slab) + SIZECLASS]

    def is_full(self, head: int) -> bool:
        """Tell whether a ``head`` says that the slab is full (bit 1: neither object nor bump pointer has it)."""
        return head & 2 != 0

    def fields(self, slab: int) -> MetaslabFields:
        """Return the decoded word, for those who look on: laws, pictures, tests."""
        at = self.word(slab)
        used, head, link = (self._u16[(at + field) >> 1] for field in (USED, HEAD, LINK))
        return MetaslabFields(used, head, link, self._u8[at + SIZECLASS], self._u8[at + NEXT])
