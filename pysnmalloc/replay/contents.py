"""The contents of replayed objects: a pattern for each object, written and verified.

    stretch   ... 7c 21 f0 05 9b 64 ...      65,536 random bytes, twice over
                     └── object 17 starts here, object 18 somewhere else

Byte i of an object is byte ``start + i`` of the stretch, modulo 65,536, where
the start follows from the object's number. So two overlapping objects disagree
except in one case of 65,536, and an object that grows keeps its pattern. Filling
is one copy of memory and verifying one comparison, or a few for a large object;
neither creates a Python object of that size.

The law: the pattern stays in the object until it is freed, and memory from calloc
is zero before it is filled. Left out: what the program wrote, which traces do not
record.
"""

from __future__ import annotations

import random

__all__ = ["Contents", "Difference"]

PERIOD = 1 << 16
STRIDE = 40_503  # odd, so that 65,536 objects in a row start at as many places; near PERIOD / golden ratio

Difference = tuple[int, int, int]
"""Offset in the object, expected byte, found byte."""


class Contents:
    """Fills and verifies objects in a heap's bytes. Each thread makes its own.

    Args:
        memory: the heap's bytes.
    """

    __slots__ = ("_memory", "_stretch", "_view", "_zeroes")

    def __init__(self, memory: memoryview) -> None:
        self._memory = memory
        self._stretch = random.Random(2019).randbytes(PERIOD) * 2
        self._view = memoryview(self._stretch)
        self._zeroes = bytes(PERIOD)

    def fill(self, thing: int, address: int, size: int) -> None:
        """Write an object's pattern into its first ``size`` bytes."""
        start = thing * STRIDE % PERIOD
        for at in range(0, size, PERIOD):
            length = min(size - at, PERIOD)
            self._memory[address + at : address + at + length] = self._view[start : start + length]

    def verify(self, thing: int, address: int, size: int) -> Difference | None:
        """Return the first difference of ``size`` bytes from an object's pattern, or None."""
        return self._compare(self._stretch, thing * STRIDE % PERIOD, address, size)

    def verify_zero(self, address: int, size: int) -> Difference | None:
        """Return the first of ``size`` bytes that is not zero, or None."""
        return self._compare(self._zeroes, 0, address, size)

    def _compare(self, pattern: bytes, start: int, address: int, size: int) -> Difference | None:
        """Compare a run of memory with a pattern, a period at a time."""
        for at in range(0, size, PERIOD):
            length = min(size - at, PERIOD)
            found = self._memory[address + at : address + at + length]
            # startswith compares with any bytes-like object, and at an offset, without a copy.
            if not pattern.startswith(found, start):
                offset = next(i for i in range(length) if found[i] != pattern[start + i])
                return at + offset, pattern[start + offset], found[offset]
        return None
