"""The recorder: an allocator that tells of every change, for those who look on (§2.1 to §2.8).

    FreeList          put(slab, freed)
       ▲
    RecordingFreeList put(slab, freed): head before; super().put(); head after ─► ObjectPushed

``Heap(record=recording)`` makes allocators of this kind. Each of their concepts
is a subclass that calls the concept's own method and tells what it did; nothing
is done a second way, so a recording heap returns the same addresses and has the
same bytes as a plain one. The concepts know nothing of it, and heaps that do not
record run none of this: that is why it costs them nothing.

``teller`` notes all stores, for the event that comes next; ``slabs``, ``chunks``,
``shared`` and ``messages`` hold the subclasses; ``allocator`` joins them. Left
out: loads, and what programs write into their objects.
"""

from .allocator import RecordingAllocator
from .shared import RecordingAtomics
from .teller import Teller

__all__ = ["RecordingAllocator", "RecordingAtomics", "Teller"]
