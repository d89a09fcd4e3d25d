"""Classes in the place of concepts, for the tests of parts: as a reader would write them.

Some are right and written from scratch, on no class of the library's; some are subclasses
with one fault; and some lack what a part must have. The command line loads this very file.
"""

from __future__ import annotations

from collections.abc import Iterator

from pysnmalloc.allocator import Allocator
from pysnmalloc.atomics import Atomics, Order
from pysnmalloc.chunklist import ChunkList
from pysnmalloc.config import Config
from pysnmalloc.freelist import FreeList
from pysnmalloc.memory import Memory
from pysnmalloc.messagequeue import MessageQueue
from pysnmalloc.metaslab import Metaslab
from pysnmalloc.sizeclass import SizeclassTable

ALL_ONES = (1 << 64) - 1


class OwnFreeList:
    """A free list written from scratch: the paper's steps, in other words."""

    def __init__(self, memory: Memory, metaslab: Metaslab) -> None:
        self.words = memory.u16
        self.metaslab = metaslab
        self.calls = 0

    def take(self, slab: int, size: int) -> tuple[int, int]:
        self.calls += 1
        used = self.metaslab.word(slab) // 2
        head, full = self.words[used + 1], self.metaslab.full
        if head % 2:
            offset, after = head - 1, head + size
            if after > full:
                after = full
        else:
            offset, after = head, self.words[(slab + head) // 2] & full
        self.words[used] += 1
        self.words[used + 1] = after
        return slab + offset, after

    def put(self, slab: int, freed: int) -> None:
        self.calls += 1
        used = self.metaslab.word(slab) // 2
        self.words[freed // 2] = self.words[used + 1]
        self.words[used + 1] = freed - slab
        self.words[used] -= 1

    def walk(self, slab: int) -> Iterator[int]:
        raise NotImplementedError(f"an observer asked the part that it observes about slab {slab:#x}")


class OwnChunkList:
    """A doubly linked list of chunks written from scratch."""

    def __init__(self, memory: Memory, head: int) -> None:
        self.words = memory.u64
        self.at = head // 8

    def first(self) -> int:
        return self.words[self.at]

    def insert(self, chunk: int) -> None:
        second = self.first()
        self.words[chunk // 8 + 8], self.words[chunk // 8 + 9] = second, 0
        if second:
            self.words[second // 8 + 9] = chunk
        self.words[self.at] = chunk

    def remove(self, chunk: int) -> None:
        after, before = self.words[chunk // 8 + 8], self.words[chunk // 8 + 9]
        self.words[before // 8 + 8 if before else self.at] = after
        if after:
            self.words[after // 8 + 9] = before

    def pop(self) -> int:
        chunk = self.first()
        if chunk:
            self.remove(chunk)
        return chunk

    def walk(self) -> Iterator[int]:
        raise NotImplementedError("an observer asked the part that it observes")


class OwnStack:
    """Treiber's stack written from scratch, with one loop for each call."""

    def __init__(self, memory: Memory, atomics: Atomics, head: int) -> None:
        self.memory, self.atomics, self.head = memory, atomics, head

    def _read(self) -> tuple[int, int]:
        number = self.atomics.load(self.head + 8, Order.ACQUIRE)
        return self.atomics.load(self.head, Order.ACQUIRE), number

    def push(self, chunk: int) -> None:
        while True:
            top, number = self._read()
            self.atomics.store(chunk, top, Order.RELAXED)
            after = chunk, (number + 1) & ALL_ONES
            if self.atomics.compare_exchange_2(self.head, (top, number), after, Order.ACQ_REL)[0]:
                return

    def pop(self) -> int:
        while True:
            top, number = self._read()
            if not top:
                return 0
            after = self.atomics.speculate(top), (number + 1) & ALL_ONES
            if self.atomics.compare_exchange_2(self.head, (top, number), after, Order.ACQ_REL)[0]:
                return top

    def pop_all(self) -> list[int]:
        chunks = []
        while chunk := self.pop():
            chunks.append(chunk)
        return chunks

    def walk(self) -> Iterator[int]:
        raise NotImplementedError("an observer asked the part that it observes")


class LosingFreeList(FreeList):
    """Forgets what is freed while the slab has space: `used` goes down and nothing is pushed."""

    def put(self, slab: int, freed: int) -> None:
        word = self._meta.word(slab) // 2
        self._u16[word] -= 1
        assert freed > slab


class BackChunkList(ChunkList):
    """Puts chunks at the back, so that the laws hold and the addresses are not those of snmalloc."""

    def insert(self, chunk: int) -> None:
        listed = list(self.walk())
        if not listed:
            super().insert(chunk)
            return
        self._u64[listed[-1] // 8 + 8] = chunk
        self._u64[chunk // 8 + 8], self._u64[chunk // 8 + 9] = 0, listed[-1]


class RelaxedQueue(MessageQueue):
    """Links without release, so that the receiver may see a message before its contents."""

    def enqueue(self, first: int, last: int) -> None:
        self._atomics.store(last, 0, Order.RELAXED)
        before = self._atomics.exchange(self._back, last, Order.ACQ_REL)
        self._atomics.store(before, first, Order.RELAXED)


class CoarseTable(SizeclassTable):
    """Serves every request by the next larger class than it needs."""

    def sizeclass(self, size: int) -> int:
        return super().sizeclass(size) + 1


class OwnSizes(SizeclassTable):
    """Has objects of 336 bytes where the paper has some of 320."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        wider, header, end = self.sizes.index(320), config.superslab_header, config.slab_size
        self.sizes = with_value(self.sizes, wider, 336)
        self.slab_offset = with_value(self.slab_offset, wider, end % 336 + 1)
        self.short_slab_offset = with_value(self.short_slab_offset, wider, header + (end - header) % 336 + 1)


def with_value(values: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    """The values, with another one at a place."""
    return (*values[:place], value, *values[place + 1 :])


class CountingAllocator(Allocator):
    """Counts the objects that it was asked for."""

    asked = 0

    def _malloc(self, size: int) -> int:
        self.asked += 1
        return super()._malloc(size)


class HalfFreeList:
    """Has one method of three, with an argument missing."""

    def __init__(self, memory: Memory, metaslab: Metaslab) -> None:
        self.memory, self.metaslab = memory, metaslab

    def take(self, slab: int) -> int:
        return slab


class UnmakableFreeList(FreeList):
    """Wants another argument."""

    def __init__(self, memory: Memory, metaslab: Metaslab, more: int) -> None:
        super().__init__(memory, metaslab)
        self.more = more
