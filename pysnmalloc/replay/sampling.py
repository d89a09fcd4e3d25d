"""What is written of objects that do not fit in the machine's memory together.

    size <= most    |##############|                        every byte
    size >  most    |#....#....#....#|                      the first page, the last page, and pages between

A trace may ask for more bytes than the machine has, since programs reserve what they never
touch. Filling such objects would get the process killed. The law: the pattern of all live
objects takes at most ``memory`` bytes at any moment of the trace, and what is written is
verified. Left out: what lies between the sampled pages, which a note of the result says.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .traces.trace import Kind, Trace

__all__ = ["EVERYTHING", "LEAST", "Sampling", "available", "sampling_for"]

PAGE = 4096
LEAST = 4 * PAGE  #: bytes of an object that are always written
GREATEST = 64 << 20  # bytes that are written of an object if not all fit; more would take long and show no more
SHARE = 2  # objects may take one part in so many of the memory that is available
UNKNOWN = 4 << 30  # bytes that are assumed where the system does not tell
MEMINFO = Path("/proc/meminfo")
GROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


@dataclass(frozen=True)
class Sampling:
    """How much of an object is written.

    Attributes:
        most: bytes of an object that are written at most; None to write every object whole.
    """

    most: int | None = None

    def whole(self, size: int) -> bool:
        """Return whether every byte of an object of this size is written."""
        return self.most is None or size <= self.most

    def runs(self, size: int) -> Iterator[tuple[int, int]]:
        """Yield start and end of the runs of bytes that are written, in order; for a size, always the same."""
        if self.most is None or size <= self.most:
            if size:
                yield 0, size
            return
        last = size - PAGE
        count = self.most // PAGE - 1
        before = -1
        for place in range(count):
            start = last * place // count // PAGE * PAGE
            if start != before and start + PAGE <= last:
                yield start, start + PAGE
            before = start
        yield last, size

    def note(self, trace: Trace, memory: int, *, verify: bool) -> str:
        """Return what the result says about it."""
        count = sum(1 for op in trace.ops if op.kind is not Kind.FREE and not self.whole(op.size))
        pages = (self.most or 0) // PAGE
        part = (
            f"written, copied and verified only in part: the first page, the last page, and up to {pages - 2:,} between"
            if verify
            else "not copied when they were reallocated"
        )
        return (
            f"{count:,} allocations of more than {self.most:,} bytes were {part}; all objects together would not fit "
            f"in the {memory:,} bytes of memory that contents may take"
        )


EVERYTHING = Sampling()
"""Writes every object whole."""


def sampling_for(trace: Trace, memory: int) -> Sampling:
    """Return how much of each object to write, so that ``memory`` bytes suffice. Cost: passes over the calls."""
    if _peak(trace, None) <= memory:
        return EVERYTHING
    most = GREATEST
    while most > LEAST and _peak(trace, most) > memory:
        most //= 2
    return Sampling(most)


def _peak(trace: Trace, most: int | None) -> int:
    """Return the peak of written bytes, where an object counts ``most`` bytes at most."""
    live = [0] * trace.objects
    now = peak = 0
    for op in trace.ops:
        size = 0 if op.kind is Kind.FREE else op.size if most is None else min(op.size, most)
        peak = max(peak, now + size)  # a reallocation copies before it frees
        now += size - live[op.object]
        live[op.object] = size
    return peak


def available() -> int:
    """Return the bytes of memory that the contents of objects may take: half of what is free on this machine."""
    known = [bytes_ for bytes_ in (_free(), *map(_limit, GROUPS)) if bytes_ is not None]
    return min(known, default=UNKNOWN) // SHARE


def _free() -> int | None:
    """Return the bytes of memory that are free, or that there are; None if the system does not tell."""
    lines: Sequence[str] = []
    with suppress(OSError, ValueError):
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    for line in lines:
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) << 10
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def _limit(path: Path) -> int | None:
    """Return the limit of a group of processes, or None."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such group, or “max”
        return None
