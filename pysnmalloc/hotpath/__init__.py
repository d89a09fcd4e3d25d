"""The hot path: malloc and free again, step for step on the same bytes, only faster (§2.1, §2.8).

A reader who wants to know what the allocator does can skip this room. The plain code of the
concepts has the same effect, and a test compares every byte that the two write. Read ``closures``
first, which has malloc and free line by line, then ``allocator``, which keeps their tables
consistent with the heap.

Imported by: heap.

    closures, lone, allocator
"""

from .allocator import FastAllocator

__all__ = ["FastAllocator"]
