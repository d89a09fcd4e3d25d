"""The page map: what each chunk of the address space is, one byte per chunk (§2.4).

    a large object of 8 chunks        L3 J0 J1 J1 J2 J2 J2 J2
    J2: the start is at least 4 chunks back

    byte          meaning
    0             not ours: reserved, free, or the heap's own
    1, 2          a superslab, a medium slab
    8 ... 48      L(n), the first chunk of a large object; the byte is log2 of its size in bytes
    64 + ...      J(m), another chunk of it; the byte less 64 is log2 of the bytes to jump back at least

The law: from any address inside an object its start is found, in a number of
jumps that is logarithmic in the object's chunks, each jump at least halving
what is left.

Who may call what: all threads read every byte. A byte is written by the thread
that takes or returns the chunk. No fence is needed: who holds an object got its
address from the thread that allocated it, by some means that orders the two,
and a chunk changes hands through the stacks of free chunks, which do.
"""

from __future__ import annotations

from .config import Config
from .memory import Layout, Memory

__all__ = ["JUMP", "MEDIUM", "NOT_OURS", "SUPERSLAB", "PageMap"]

NOT_OURS = 0  #: reserved, free, or the heap's own
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
        """Return the address of the byte of the chunk around an address of the heap."""
        return self._base + (address >> self._chunk_bits)

    def get(self, address: int) -> int:
        """Return the byte of the chunk around an address, 0 for one outside the heap. Cost: one load."""
        if not 0 <= address < self._end:
            return NOT_OURS
        return self._u8[self._base + (address >> self._chunk_bits)]

    def set(self, chunk: int, kind: int) -> None:
        """Say what a chunk is now. Cost: one store."""
        self._u8[self._base + (chunk >> self._chunk_bits)] = kind

    def set_large(self, chunk: int, size_bits: int) -> None:
        """Enter a large object of 2^size_bits bytes: its length and the slide of jumps behind it."""
        u8, first = self._u8, self._base + (chunk >> self._chunk_bits)
        u8[first] = size_bits
        for m in range(size_bits - self._chunk_bits):
            for entry in range(first + (1 << m), first + (2 << m)):
                u8[entry] = JUMP + self._chunk_bits + m

    def clear_large(self, chunk: int, size_bits: int) -> None:
        """Take a large object out again."""
        first = self._base + (chunk >> self._chunk_bits)
        for entry in range(first, first + (1 << size_bits - self._chunk_bits)):
            self._u8[entry] = NOT_OURS

    def large_start(self, address: int) -> tuple[int, int]:
        """Return the start of the large object around an address and log2 of its size; (0, 0) if none."""
        chunk = address >> self._chunk_bits << self._chunk_bits
        kind = self.get(chunk)
        while kind >= JUMP:
            chunk -= 1 << (kind - JUMP)
            kind = self.get(chunk)
        return (chunk, kind) if kind > MEDIUM else (0, 0)
