"""Recording chunks: the page map, superslabs, medium slabs and the lists of chunks (§2.4, §2.7, §2.8).

An allocator changes only its own chunks, so no other thread interferes between the reads before and after.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...allocator import AVAILABLE, ONLY_SHORT
from ...chunklist import KIND, Kind
from ...config import BUCKETS_OFFSET, Config
from ...memory import Layout, Memory
from ...metaslab import Metaslab
from ...sizeclass import Sizeclass, SizeclassTable
from ..events import (
    Change,
    ChunkLinked,
    ChunkUnlinked,
    MediumReturned,
    MediumslabMade,
    MediumTaken,
    PageMapChanged,
    SlabReturned,
    SlabTaken,
    SuperslabMade,
)
from .teller import Teller

if TYPE_CHECKING:  # a recording class is put on top of any class that serves its concept
    from ...chunklist import ChunkList
    from ...mediumslab import Mediumslab
    from ...pagemap import PageMap
    from ...superslab import Superslab
else:
    ChunkList = Mediumslab = PageMap = Superslab = object

__all__ = [
    "RecordingChunkList",
    "RecordingMediumslab",
    "RecordingPageMap",
    "RecordingSuperslab",
]


class RecordingPageMap(PageMap):
    """Reports every change of the page map's bytes."""

    def __init__(self, teller: Teller, memory: Memory, config: Config, layout: Layout) -> None:
        self._teller = teller
        super().__init__(memory, config, layout)

    def set(self, chunk: int, kind: int) -> None:
        """Set the kind of a chunk, and report it."""
        self._recorded(chunk, 1, lambda: super(RecordingPageMap, self).set(chunk, kind))

    def set_large(self, chunk: int, size_bits: int) -> None:
        """Enter a large object, and report it."""
        chunks = 1 << (size_bits - self._teller.config.chunk_bits)
        self._recorded(chunk, chunks, lambda: super(RecordingPageMap, self).set_large(chunk, size_bits))

    def clear_large(self, chunk: int, size_bits: int) -> None:
        """Remove a large object, and report it."""
        chunks = 1 << (size_bits - self._teller.config.chunk_bits)
        self._recorded(chunk, chunks, lambda: super(RecordingPageMap, self).clear_large(chunk, size_bits))

    def _recorded(self, chunk: int, chunks: int, change: Callable[[], None]) -> None:
        """Change the bytes of some chunks, and report it."""
        entry = self.entry(chunk)
        before = tuple(self._teller.memory.u8[at] for at in range(entry, entry + chunks))
        change()
        after = tuple(self._teller.memory.u8[at] for at in range(entry, entry + chunks))
        self._teller.tell(PageMapChanged, chunk=chunk, entry=entry, before=before, after=after)


class RecordingSuperslab(Superslab):
    """Reports superslabs made, and slabs taken and returned."""

    def __init__(
        self, teller: Teller, memory: Memory, config: Config, metaslab: Metaslab, table: SizeclassTable
    ) -> None:
        self._teller = teller
        self._told_table = table
        super().__init__(memory, config, metaslab, table)

    def init(self, superslab: int, owner: int) -> None:
        """Make a chunk a superslab, and report it."""
        kept = self._teller.word(superslab + KIND) == Kind.SUPER
        super().init(superslab, owner)
        self._teller.tell(SuperslabMade, superslab=superslab, kept=kept)

    def alloc_short_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take the short slab, and report it, or else a full-length one, which ``alloc_slab`` reports."""
        used, head = self.used(superslab), self.head(superslab)
        slab = super().alloc_short_slab(superslab, sizeclass)
        if slab == superslab:
            self._tell_taken(slab, superslab, sizeclass, used, head)
        return slab

    def alloc_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take a full-length slab, and report it."""
        used, head = self.used(superslab), self.head(superslab)
        slab = super().alloc_slab(superslab, sizeclass)
        self._tell_taken(slab, superslab, sizeclass, used, head)
        return slab

    def dealloc_slab(self, superslab: int, slab: int) -> None:
        """Take a slab back, and report it."""
        used, head = self.used(superslab), self.head(superslab)
        super().dealloc_slab(superslab, slab)
        self._teller.tell(
            SlabReturned,
            slab=slab,
            superslab=superslab,
            index=(slab - superslab) >> self._teller.config.slab_bits,
            used=Change(used, self.used(superslab)),
            head=Change(head, self.head(superslab)),
        )

    def _tell_taken(self, slab: int, superslab: int, sizeclass: Sizeclass, used: int, head: int) -> None:
        """Report a slab that came into use."""
        self._teller.tell(
            SlabTaken,
            slab=slab,
            superslab=superslab,
            index=(slab - superslab) >> self._teller.config.slab_bits,
            sizeclass=sizeclass,
            size=self._told_table.sizes[sizeclass],
            used=Change(used, self.used(superslab)),
            head=Change(head, self.head(superslab)),
        )


class RecordingMediumslab(Mediumslab):
    """Reports medium slabs made, and their objects taken and returned."""

    def __init__(self, teller: Teller, memory: Memory, config: Config, table: SizeclassTable) -> None:
        self._teller = teller
        self._told_table = table
        super().__init__(memory, config, table)

    def init(self, slab: int, owner: int, sizeclass: Sizeclass) -> None:
        """Make a chunk a medium slab, and report it."""
        kept = self._teller.word(slab + KIND) == Kind.MEDIUM and self.sizeclass(slab) == sizeclass
        super().init(slab, owner, sizeclass)
        table = self._told_table
        self._teller.tell(
            MediumslabMade,
            slab=slab,
            sizeclass=sizeclass,
            size=table.sizes[sizeclass],
            objects=table.capacity(sizeclass),
            kept=kept,
        )

    def alloc(self, slab: int) -> int:
        """Take the object on top of the stack, and report it."""
        head, free = self.head(slab), self.free(slab)
        taken = super().alloc(slab)
        self._teller.tell(
            MediumTaken,
            object=taken,
            slab=slab,
            size=self._told_table.sizes[self.sizeclass(slab)],
            head=Change(head, self.head(slab)),
            free=Change(free, self.free(slab)),
        )
        return taken

    def dealloc(self, slab: int, freed: int) -> bool:
        """Push a freed object onto the stack, and report it."""
        head, free = self.head(slab), self.free(slab)
        was_full = super().dealloc(slab, freed)
        self._teller.tell(
            MediumReturned,
            object=freed,
            slab=slab,
            head=Change(head, self.head(slab)),
            free=Change(free, self.free(slab)),
        )
        return was_full


class RecordingChunkList(ChunkList):
    """Reports every chunk that enters or leaves a list."""

    def __init__(self, teller: Teller, memory: Memory, head: int) -> None:
        self._teller = teller
        self._name = _list_name(head, teller.block, teller.config)
        super().__init__(memory, head)

    def insert(self, chunk: int) -> None:
        """Insert a chunk at the front, and report it."""
        before = self.first()
        super().insert(chunk)
        self._teller.tell(ChunkLinked, chunk=chunk, list=self._name, list_head=Change(before, self.first()))

    def remove(self, chunk: int) -> None:
        """Remove a chunk, and report it."""
        before = self.first()
        super().remove(chunk)
        self._teller.tell(ChunkUnlinked, chunk=chunk, list=self._name, list_head=Change(before, self.first()))


def _list_name(head: int, block: int, config: Config) -> str:
    """Name an allocator's list of chunks by the address of its head."""
    names = {block + AVAILABLE: "available", block + ONLY_SHORT: "only short"}
    sizeclass = (head - block - BUCKETS_OFFSET - 16 * config.buckets) // 8
    return names.get(head, f"medium slabs of class {sizeclass}")
