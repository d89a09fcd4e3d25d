"""Recording small objects: the free list, the slab, and the list of slabs with space (§2.8).

An observer reads the metadata word before and after a change, and the event holds both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...config import BUCKETS_OFFSET
from ...memory import Memory
from ...metaslab import BUMP_BIT, Metaslab
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

if TYPE_CHECKING:  # a recording class is put on top of any class that serves its concept
    from ...freelist import FreeList
    from ...slab import Slab
    from ...slablist import SlabList
else:
    FreeList = Slab = SlabList = object

__all__ = ["RecordingFreeList", "RecordingSlab", "RecordingSlabList"]


class RecordingFreeList(FreeList):
    """Reports every object taken and put back."""

    def __init__(self, teller: Teller, memory: Memory, metaslab: Metaslab) -> None:
        self._teller = teller
        super().__init__(memory, metaslab)

    def take(self, slab: int, size: int) -> tuple[int, int]:
        """Take the first free object, and report whether it was freed before or never allocated."""
        before = self._teller.metaslab.fields(slab)
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
        """Push a freed object, and report it."""
        before = self._teller.metaslab.fields(slab)
        super().put(slab, freed)
        after = self._teller.metaslab.fields(slab)
        self._teller.tell(
            ObjectPushed,
            object=freed,
            slab=slab,
            head=Change(before.head, after.head),
            used=Change(before.used, after.used),
        )


class RecordingSlab(Slab):
    """Reports when a full slab gets its first object back, and when a slab's last object is freed."""

    def __init__(self, teller: Teller, memory: Memory, metaslab: Metaslab, freelist: FreeList) -> None:
        self._teller = teller
        super().__init__(memory, metaslab, freelist)

    def dealloc(self, slab: int, slabs: SlabList, freed: int) -> bool:
        """Free an object, and report it if it was the slab's last one."""
        used = self._teller.metaslab.fields(slab).used
        last = super().dealloc(slab, slabs, freed)
        if last:
            self._teller.tell(SlabVacated, object=freed, slab=slab, used=Change(used, used - 1))
        return last

    def _reopen(self, slab: int, freed: int) -> None:
        """Give a full slab its first object back, and report it."""
        before = self._teller.metaslab.fields(slab)
        super()._reopen(slab, freed)
        after = self._teller.metaslab.fields(slab)
        self._teller.tell(
            SlabReopened,
            object=freed,
            slab=slab,
            head=Change(before.head, after.head),
            link=Change(before.link, after.link),
            used=Change(before.used, after.used),
        )


class RecordingSlabList(SlabList):
    """Reports every slab that enters or leaves a list."""

    def __init__(self, teller: Teller, memory: Memory, metaslab: Metaslab, head: int) -> None:
        self._teller = teller
        self._list_head = head
        first = teller.block + BUCKETS_OFFSET + 16 * teller.config.buckets
        self._sizeclass = head - first >> 3
        super().__init__(memory, metaslab, head)

    def insert(self, slab: int) -> None:
        """Insert a slab at the front, and report it."""
        before = self._teller.word(self._list_head)
        super().insert(slab)
        after = self._teller.word(self._list_head)
        self._teller.tell(SlabLinked, slab=slab, sizeclass=self._sizeclass, node=after, list_head=Change(before, after))

    def remove(self, slab: int) -> None:
        """Remove a slab, and report it with the address that its node had."""
        teller = self._teller
        before, node = teller.word(self._list_head), slab + teller.metaslab.fields(slab).link & ~7
        super().remove(slab)
        after = teller.word(self._list_head)
        teller.tell(SlabUnlinked, slab=slab, sizeclass=self._sizeclass, node=node, list_head=Change(before, after))
