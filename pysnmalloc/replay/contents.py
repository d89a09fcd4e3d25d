"""The contents of replayed objects: a pattern for each object, written and verified.

    stretch   ... 7c 21 f0 05 9b 64 ...      65,536 random bytes, twice over
                     └── object 17 starts here, object 18 somewhere else

Byte i of an object is byte ``start + i`` of the stretch, modulo 65,536, where
the start follows from the object's number. So two overlapping objects disagree
except in one case of 65,536, and an object that grows keeps its pattern. Filling
is one copy of memory and verifying one comparison, or a few for a large object;
neither creates a Python object of that size.

The law: the pattern stays in the object until it is freed, and memory from calloc
is zero before it is filled. Objects that do not fit in memory are written in part
(see ``sampling``). Left out: what the program wrote, which traces do not record.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from .sampling import EVERYTHING, LEAST, Sampling

__all__ = ["Contents", "Difference"]

PERIOD = 1 << 16
STRIDE = 40_503  # odd, so that 65,536 objects in a row start at as many places; near PERIOD / golden ratio

Difference = tuple[int, int, int]
"""Offset in the object, expected byte, found byte."""


class Contents:
    """Fills and verifies objects in a heap's bytes. Each thread makes its own.

    Args:
        memory: the heap's bytes.
        sampling: how much of each object is written.
    """

    __slots__ = ("_memory", "_sampling", "_stretch", "_view", "_zeroes")

    def __init__(self, memory: memoryview, sampling: Sampling = EVERYTHING) -> None:
        self._memory = memory
        self._sampling = sampling
        self._stretch = random.Random(2019).randbytes(PERIOD) * 2
        self._view = memoryview(self._stretch)
        self._zeroes = bytes(PERIOD)

    def fill(self, thing: int, address: int, size: int) -> None:
        """Write an object's pattern into its first ``size`` bytes."""
        start = thing * STRIDE % PERIOD
        for at, end in self._pieces(size):
            phase = (start + at) % PERIOD
            self._memory[address + at : address + end] = self._view[phase : phase + end - at]

    def verify(self, thing: int, address: int, size: int, kept: int | None = None) -> Difference | None:
        """Return the first difference of an object of ``size`` bytes from its pattern, or None.

        Only the first ``kept`` bytes are compared, if that is given.
        """
        return self._compare(self._stretch, thing * STRIDE % PERIOD, address, size, kept)

    def verify_zero(self, address: int, size: int) -> Difference | None:
        """Return the first of ``size`` bytes that is not zero, or None."""
        return self._compare(self._zeroes, 0, address, size)

    def move(self, before: int, after: int, size: int, kept: int) -> None:
        """Copy what is written of an object of ``size`` bytes, up to ``kept`` bytes, to another place."""
        for at, end in self._pieces(size, kept):
            self._memory[after + at : after + end] = self._memory[before + at : before + end]

    def _pieces(self, size: int, kept: int | None = None) -> Iterable[tuple[int, int]]:
        """Return start and end of what is written of an object, each piece a period long at most."""
        if size <= LEAST:  # nearly every object, and a generator costs more than the comparison
            return ((0, size if kept is None else kept),) if size else ()
        return self._all_pieces(size, kept)

    def _all_pieces(self, size: int, kept: int | None) -> Iterator[tuple[int, int]]:
        """Yield the pieces of a larger object."""
        for start, end in self._sampling.runs(size):
            end = end if kept is None else min(end, kept)
            for at in range(start, end, PERIOD):
                yield at, min(at + PERIOD, end)

    def _compare(
        self, pattern: bytes, start: int, address: int, size: int, kept: int | None = None
    ) -> Difference | None:
        """Compare what is written of an object with a pattern, piece by piece."""
        repeats = len(pattern) > PERIOD
        for at, end in self._pieces(size, kept):
            found = self._memory[address + at : address + end]
            phase = (start + at) % PERIOD if repeats else 0
            # startswith compares with any bytes-like object, and at an offset, without a copy.
            if not pattern.startswith(found, phase):
                offset = next(i for i in range(end - at) if found[i] != pattern[phase + i])
                return at + offset, pattern[phase + offset], found[offset]
        return None
