"""The page map: what each chunk of the address space is, one byte per chunk (§2.4).

    a large object of 8 chunks        L3 J0 J1 J1 J2 J2 J2 J2
    J2: the start is at least 4 chunks back

    byte          meaning
    0             not ours: reserved, free, or used by the heap itself
    1, 2          a superslab, a medium slab
    8 ... 48      L(n), the first chunk of a large object; the byte is log2 of its size in bytes
    64 + ...      J(m), a later chunk of it; the byte minus 64 is log2 of the bytes to jump back

The law: the start of an object can be found from any address inside it. Each
jump at least halves the remaining distance, so the number of jumps is at most
logarithmic in the number of the object's chunks. The length is entered last and
removed first, so where there is a length, all the jumps are there, too. In the child
of a fork, jumps may remain that lead to no length: a lost thread was entering or
removing that object. It is given up, and its chunks are never used again.

Who may call what: all threads may read every byte. Only the thread that takes or
returns a chunk writes its byte. No fence is needed. A thread that holds an object
got its address from the thread that allocated it, by some means that orders the
two; and a chunk changes hands through the stacks of free chunks, which do so too.
"""

from __future__ import annotations

from .config import Config
from .memory import Layout, Memory

__all__ = ["JUMP", "MEDIUM", "NOT_OURS", "SUPERSLAB", "PageMap"]

NOT_OURS = 0  #: reserved, free, or used by the heap itself
SUPERSLAB = 1  #: a superslab
MEDIUM = 2  #: a medium slab
JUMP = 64  #: added to log2 of the jump's bytes


class PageMap:
    """One allocator's view of the page map."""

    __slots__ = ("_base", "_chunk_bits", "_end", "_u8")

    def __init__(self, memory: Memory, config: Config, layout: Layout) -> None:
        self._u8 = memory.u8
        self._base = layout.pagemap
        self._chunk_bits = config.chunk_bits
        self._end = layout.end

    def entry(self, address: int) -> int:
        """Return the address of the byte for the chunk around an address of the heap."""
        return self._base + (address >> self._chunk_bits)

    def get(self, address: int) -> int:
        """Return the byte for the chunk around an address, or 0 outside the heap. Cost: one load."""
        if not 0 <= address < self._end:
            return NOT_OURS
        return self._u8[self._base + (address >> self._chunk_bits)]

    def set(self, chunk: int, kind: int) -> None:
        """Record what a chunk is now. Cost: one store."""
        self._u8[self._base + (chunk >> self._chunk_bits)] = kind

    def set_large(self, chunk: int, size_bits: int) -> None:
        """Enter a large object of 2^size_bits bytes: the jumps, and last its length."""
        u8, first = self._u8, self._base + (chunk >> self._chunk_bits)
        for m in range(size_bits - self._chunk_bits):
            for entry in range(first + (1 << m), first + (2 << m)):
                u8[entry] = JUMP + self._chunk_bits + m
        u8[first] = size_bits

    def clear_large(self, chunk: int, size_bits: int) -> None:
        """Remove a large object: its length, and then the jumps."""
        first = self._base + (chunk >> self._chunk_bits)
        for entry in range(first, first + (1 << size_bits - self._chunk_bits)):
            self._u8[entry] = NOT_OURS

    def large_start(self, address: int) -> tuple[int, int]:
        """Return the start of the large object around an address and log2 of its size, or (0, 0) if there is none."""
        chunk = address >> self._chunk_bits << self._chunk_bits
        kind = self.get(chunk)
        while kind >= JUMP:
            chunk -= 1 << (kind - JUMP)
            kind = self.get(chunk)
        return (chunk, kind) if kind > MEDIUM else (0, 0)
