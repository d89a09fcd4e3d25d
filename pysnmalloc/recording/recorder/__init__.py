"""The recorder: an allocator that reports every change, for observers (§2.1 to §2.8).

    FreeList             put(slab, freed)
       ▲
    RecordingFreeList    put(slab, freed): head before; super().put(); head after ─► ObjectPushed

``Heap(record=recording)`` makes allocators of this kind. On top of each of their parts is an
observer, which calls the part's own method and reports what the method did. No observer
implements a step again, so a recorded heap returns the same addresses and has the same bytes as a
plain one. Read ``teller`` first: it collects all stores for the next event. ``allocator``
assembles the observers.

Imported by: nothing beside it.

    teller, slabs, chunks, shared, messages, allocator
"""

from .allocator import RecordingAllocator
from .shared import RecordingAtomics
from .teller import Teller

__all__ = ["RecordingAllocator", "RecordingAtomics", "Teller"]
