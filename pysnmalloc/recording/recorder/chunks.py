"""Chunks, recorded: the page map, superslabs, medium slabs and the lists of them (§2.4, §2.7, §2.8).

An allocator changes those of its own chunks only, so what is read before and after a change is true.
"""

from __future__ import annotations

from collections.abc import Callable

from ...chunklist import KIND, ChunkList, Kind
from ...config import Config
from ...mediumslab import Mediumslab
from ...memory import Layout, Memory
from ...metaslab import Metaslab
from ...pagemap import PageMap
from ...sizeclass import Sizeclass, sizeclass_table
from ...superslab import Superslab
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

__all__ = [
    "RecordingChunkList",
    "RecordingMediumslab",
    "RecordingPageMap",
    "RecordingSuperslab",
]


class RecordingPageMap(PageMap):
    """Tells of every byte that changes."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, config: Config, layout: Layout, teller: Teller) -> None:
        super().__init__(memory, config, layout)
        self._teller = teller

    def set(self, chunk: int, kind: int) -> None:
        """Say what a chunk is now, and tell."""
        self._recorded(chunk, 1, lambda: super(RecordingPageMap, self).set(chunk, kind))

    def set_large(self, chunk: int, size_bits: int) -> None:
        """Enter a large object, and tell."""
        chunks = 1 << (size_bits - self._chunk_bits)
        self._recorded(chunk, chunks, lambda: super(RecordingPageMap, self).set_large(chunk, size_bits))

    def clear_large(self, chunk: int, size_bits: int) -> None:
        """Take a large object out, and tell."""
        chunks = 1 << (size_bits - self._chunk_bits)
        self._recorded(chunk, chunks, lambda: super(RecordingPageMap, self).clear_large(chunk, size_bits))

    def _recorded(self, chunk: int, chunks: int, change: Callable[[], None]) -> None:
        """Make a change of some chunks' bytes, and tell."""
        entry = self.entry(chunk)
        before = tuple(self._u8[at] for at in range(entry, entry + chunks))
        change()
        after = tuple(self._u8[at] for at in range(entry, entry + chunks))
        self._teller.tell(PageMapChanged, chunk=chunk, entry=entry, before=before, after=after)


class RecordingSuperslab(Superslab):
    """Tells of superslabs made, and of slabs taken and returned."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, config: Config, metaslab: Metaslab, teller: Teller) -> None:
        super().__init__(memory, config, metaslab)
        self._teller = teller

    def init(self, superslab: int, owner: int) -> None:
        """Make a chunk a superslab, and tell."""
        kept = self._u64[superslab + KIND >> 3] == Kind.SUPER
        super().init(superslab, owner)
        self._teller.tell(SuperslabMade, superslab=superslab, kept=kept)

    def alloc_short_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take the short slab or another, and tell; ``alloc_slab`` tells of the other."""
        used, head = self.used(superslab), self.head(superslab)
        slab = super().alloc_short_slab(superslab, sizeclass)
        if slab == superslab:
            self._tell_taken(slab, superslab, sizeclass, used, head)
        return slab

    def alloc_slab(self, superslab: int, sizeclass: Sizeclass) -> int:
        """Take a full-length slab, and tell."""
        used, head = self.used(superslab), self.head(superslab)
        slab = super().alloc_slab(superslab, sizeclass)
        self._tell_taken(slab, superslab, sizeclass, used, head)
        return slab

    def dealloc_slab(self, superslab: int, slab: int) -> None:
        """Take back a slab, and tell."""
        used, head = self.used(superslab), self.head(superslab)
        super().dealloc_slab(superslab, slab)
        self._teller.tell(
            SlabReturned,
            slab=slab,
            superslab=superslab,
            index=(slab - superslab) >> self._config.slab_bits,
            used=Change(used, self.used(superslab)),
            head=Change(head, self.head(superslab)),
        )

    def _tell_taken(self, slab: int, superslab: int, sizeclass: Sizeclass, used: int, head: int) -> None:
        """Tell of a slab that came into use."""
        self._teller.tell(
            SlabTaken,
            slab=slab,
            superslab=superslab,
            index=(slab - superslab) >> self._config.slab_bits,
            sizeclass=sizeclass,
            size=self._table.sizes[sizeclass],
            used=Change(used, self.used(superslab)),
            head=Change(head, self.head(superslab)),
        )


class RecordingMediumslab(Mediumslab):
    """Tells of medium slabs made, and of their objects."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, config: Config, teller: Teller) -> None:
        super().__init__(memory, config)
        self._teller = teller

    def init(self, slab: int, owner: int, sizeclass: Sizeclass) -> None:
        """Make a chunk a medium slab, and tell."""
        kept = self._u64[slab + KIND >> 3] == Kind.MEDIUM and self.sizeclass(slab) == sizeclass
        super().init(slab, owner, sizeclass)
        table = sizeclass_table(self._config)
        self._teller.tell(
            MediumslabMade,
            slab=slab,
            sizeclass=sizeclass,
            size=table.sizes[sizeclass],
            objects=table.capacity(sizeclass),
            kept=kept,
        )

    def alloc(self, slab: int) -> int:
        """Take the object on top of the stack, and tell."""
        head, free = self.head(slab), self.free(slab)
        taken = super().alloc(slab)
        self._teller.tell(
            MediumTaken,
            object=taken,
            slab=slab,
            size=self._table.sizes[self.sizeclass(slab)],
            head=Change(head, self.head(slab)),
            free=Change(free, self.free(slab)),
        )
        return taken

    def dealloc(self, slab: int, freed: int) -> bool:
        """Push an object back, and tell."""
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
    """Tells of every chunk that comes and goes."""

    __slots__ = ("_name", "_teller")

    def __init__(self, memory: Memory, head: int, name: str, teller: Teller) -> None:
        super().__init__(memory, head)
        self._name = name
        self._teller = teller

    def insert(self, chunk: int) -> None:
        """Put a chunk at the front, and tell."""
        before = self.first()
        super().insert(chunk)
        self._teller.tell(ChunkLinked, chunk=chunk, list=self._name, list_head=Change(before, self.first()))

    def remove(self, chunk: int) -> None:
        """Take a chunk out, and tell."""
        before = self.first()
        super().remove(chunk)
        self._teller.tell(ChunkUnlinked, chunk=chunk, list=self._name, list_head=Change(before, self.first()))
