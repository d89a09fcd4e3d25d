"""Small objects, recorded: the free list, the slab, the list of slabs with space (§2.8).

Before a change the metadata word is read; after it, the two are told.
"""

from __future__ import annotations

from ...freelist import FreeList
from ...memory import Memory
from ...metaslab import BUMP_BIT, Metaslab
from ...sizeclass import Sizeclass
from ...slab import Slab
from ...slablist import SlabList
from ..events import (
    Change,
    ObjectBumped,
    ObjectPopped,
    ObjectPushed,
    SlabLinked,
    SlabReopened,
    SlabUnlinked,
    SlabVacated,
)
from .teller import Teller

__all__ = ["RecordingFreeList", "RecordingSlab", "RecordingSlabList"]


class RecordingFreeList(FreeList):
    """Tells of every object taken and put back."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, metaslab: Metaslab, teller: Teller) -> None:
        super().__init__(memory, metaslab)
        self._teller = teller

    def take(self, slab: int, size: int) -> tuple[int, int]:
        """Take the first free object, and tell whether it was freed before or never allocated."""
        before = self._meta.fields(slab)
        taken, after = super().take(slab, size)
        kind = ObjectBumped if before.head & BUMP_BIT else ObjectPopped
        self._teller.tell(
            kind,
            object=taken,
            slab=slab,
            size=size,
            head=Change(before.head, after),
            used=Change(before.used, before.used + 1),
        )
        return taken, after

    def put(self, slab: int, freed: int) -> None:
        """Push a freed object, and tell."""
        before = self._meta.fields(slab)
        super().put(slab, freed)
        after = self._meta.fields(slab)
        self._teller.tell(
            ObjectPushed,
            object=freed,
            slab=slab,
            head=Change(before.head, after.head),
            used=Change(before.used, after.used),
        )


class RecordingSlab(Slab):
    """Tells when a full slab gets its first object back, and when the last object is freed."""

    __slots__ = ("_teller",)

    def __init__(self, memory: Memory, metaslab: Metaslab, teller: Teller) -> None:
        super().__init__(memory, metaslab)
        self.freelist = RecordingFreeList(memory, metaslab, teller)
        self._teller = teller

    def dealloc(self, slab: int, slabs: SlabList, freed: int) -> bool:
        """Take an object back, and tell if it was the last one."""
        used = self._meta.fields(slab).used
        last = super().dealloc(slab, slabs, freed)
        if last:
            self._teller.tell(SlabVacated, object=freed, slab=slab, used=Change(used, used - 1))
        return last

    def _reopen(self, slab: int, freed: int) -> None:
        """Give a full slab its first object back, and tell."""
        before = self._meta.fields(slab)
        super()._reopen(slab, freed)
        after = self._meta.fields(slab)
        self._teller.tell(
            SlabReopened,
            object=freed,
            slab=slab,
            head=Change(before.head, after.head),
            link=Change(before.link, after.link),
            used=Change(before.used, after.used),
        )


class RecordingSlabList(SlabList):
    """Tells of every slab that comes and goes."""

    __slots__ = ("_sizeclass", "_teller")

    def __init__(self, memory: Memory, metaslab: Metaslab, head: int, sizeclass: Sizeclass, teller: Teller) -> None:
        super().__init__(memory, metaslab, head)
        self._sizeclass = sizeclass
        self._teller = teller

    def insert(self, slab: int) -> None:
        """Put a slab at the front, and tell."""
        before = self._u64[self._head]
        super().insert(slab)
        after = self._u64[self._head]
        self._teller.tell(SlabLinked, slab=slab, sizeclass=self._sizeclass, node=after, list_head=Change(before, after))

    def remove(self, slab: int) -> None:
        """Take a slab out, and tell. What is told may be read before: the node is as it was."""
        before, node = self._u64[self._head], 8 * (self._node(slab) >> 3)
        super().remove(slab)
        self._teller.tell(
            SlabUnlinked,
            slab=slab,
            sizeclass=self._sizeclass,
            node=node,
            list_head=Change(before, self._u64[self._head]),
        )
