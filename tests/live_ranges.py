"""The independent record of live objects: what malloc returned and free was given, nothing else.

    record = LiveRanges(heap.memory.u8, first, end)
    record.enter(p, asked, usable)    no overlap, in the heap, aligned; then fills it with a pattern
    record.leave(p)                   every byte is still there; forgets it
    record.kept(old, p, length)       did realloc bring the contents along?

The law: it never asks the library what is live. It has a sorted list of ranges,
and works out for itself which sizes there are: 16, 32, 48, and then four for each
power of two (§2.6), below a chunk; above, powers of two.

An object's pattern counts: its 8-byte words are number, number + 1, ... from a
start that no other object has, so bytes that come from elsewhere, or from
elsewhere in the same object, do not match.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from dataclasses import dataclass

WORDS_BITS = 32  # of the pattern's words that count within an object


@dataclass(frozen=True, slots=True)
class Live:
    """One live object: ``end - start`` usable bytes, of which ``asked`` were asked for."""

    start: int
    end: int
    asked: int
    serial: int

    @property
    def usable(self) -> int:
        return self.end - self.start

    def pattern(self, length: int) -> bytes:
        """The first bytes of what the object was filled with."""
        first = self.serial << WORDS_BITS
        return array("Q", range(first, first + -(-length // 8))).tobytes()[:length]


class Sizes:
    """Which sizes objects have, for a slab and a chunk of so many bytes (§2.6)."""

    def __init__(self, slab: int, chunk: int) -> None:
        sizes = [16, 32, 48]
        while sizes[-1] < chunk:
            power = 1 << sizes[-1].bit_length()
            sizes += [power * quarters // 4 for quarters in (4, 5, 6, 7)]
        self.classes = [size for size in sizes if size < chunk]
        self.small = [size for size in self.classes if size <= slab]
        self.chunk = chunk

    def usable(self, asked: int) -> int:
        """Bytes that a request gets."""
        if asked <= self.classes[-1]:
            return self.classes[bisect_left(self.classes, asked)]
        power = self.chunk
        while power < asked:
            power *= 2
        return power


class LiveRanges:
    """The record, and the judge, of one heap's objects."""

    def __init__(self, u8: memoryview[int], first: int, end: int) -> None:
        self._u8 = u8
        self._first, self._end = first, end
        self._starts: list[int] = []
        self._objects: dict[int, Live] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Live:
        """The object at a place in the order of addresses."""
        return self._objects[self._starts[index]]

    def enter(self, start: int, asked: int, usable: int, alignment: int = 16) -> Live:
        """Judge an object that was just allocated, and fill all of it."""
        self._serial += 1
        new = Live(start, start + usable, asked, self._serial)
        where = f"{asked} bytes at {start:#x}, {usable} usable"
        assert usable >= asked, f"{where}: too short"
        assert self._first <= start, f"{where}: among what is the heap's own"
        assert new.end <= self._end, f"{where}: reaches out of the heap"
        # The last object ends flush with its slab, so the power of two in a size is an alignment (§2.8).
        for power in (16, alignment, usable & -usable):
            assert start % power == 0, f"{where}: not a multiple of {power}"
        for other in self._neighbours(start):
            assert new.end <= other.start or other.end <= new.start, f"{where} overlaps {other}"
        insort(self._starts, start)
        self._objects[start] = new
        self._u8[start : new.end] = new.pattern(usable)
        return new

    def leave(self, start: int) -> Live:
        """Judge an object that is about to be freed, and forget it."""
        old = self._objects[start]
        self.intact(old)
        return self.forget(start)

    def forget(self, start: int) -> Live:
        """An object is free by now; its bytes are the allocator's."""
        del self._starts[bisect_left(self._starts, start)]
        return self._objects.pop(start)

    def intact(self, live: Live) -> None:
        """Every byte of an object is what it was filled with."""
        assert self.holds(live, live.start, live.usable), f"the contents of {live} were changed"

    def all_intact(self) -> None:
        """Every byte of every object is what it was filled with."""
        for live in self._objects.values():
            self.intact(live)

    def holds(self, live: Live, address: int, length: int) -> bool:
        """Tell whether the first bytes of an object's pattern are at an address."""
        return self._u8[address : address + length] == live.pattern(length)

    def around(self, address: int) -> Live | None:
        """The object that an address is inside of."""
        at = bisect_right(self._starts, address) - 1
        found = self._objects[self._starts[at]] if at >= 0 else None
        return found if found is not None and address < found.end else None

    def by_size(self) -> Counter[int]:
        """How many objects there are of each usable size."""
        return Counter(live.usable for live in self._objects.values())

    def _neighbours(self, start: int) -> list[Live]:
        """The objects before and behind an address: the only ones that can overlap, if no others do."""
        at = bisect_left(self._starts, start)
        return [self._objects[near] for near in self._starts[max(at - 1, 0) : at + 1]]
