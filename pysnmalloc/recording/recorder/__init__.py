"""The recorder: an allocator that reports every change, for observers (§2.1 to §2.8).

    FreeList             put(slab, freed)
       ▲
    RecordingFreeList    put(slab, freed): head before; super().put(); head after ─► ObjectPushed

``Heap(record=recording)`` makes allocators of this kind. On top of each part of theirs lies an
observer that calls the part's own method and reports what it did. Nothing is done a second
way, so a recording heap returns the same addresses and has the same bytes as a plain one.
Read ``teller`` first, which notes all stores for the event that comes next. ``allocator`` puts
the observers together.

Imported by: nothing beside it.

    teller, slabs, chunks, shared, messages, allocator
"""

from .allocator import RecordingAllocator
from .shared import RecordingAtomics
from .teller import Teller

__all__ = ["RecordingAllocator", "RecordingAtomics", "Teller"]
