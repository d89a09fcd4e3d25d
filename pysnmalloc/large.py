"""Large objects, and where chunks come from (§2.5).

    fresh chunks:    first chunk ──────► bump ─ ─ ─ ─ ─► end of the reserve
    freed, by size:  stack 0 (1 chunk)   stack 1 (2 chunks)   stack 2 (4 chunks) ...

A large object is rounded up to a power of two of address space, at least one
chunk; only the pages in use are committed. When it is freed, it goes to the
global stack of its size, and all its pages except the first, which holds the
link, are decommitted. Superslabs and medium slabs take their chunks from the
stack of one-chunk blocks and return them to it. Blocks are never split or joined.

A block of several chunks starts at a multiple of its size, so that it can serve
``aligned_alloc``. Chunks skipped for this alignment go to stacks of their own.
These are tried before the bump pointer moves, and their chunks count as fresh.

The law: every chunk below the bump pointer is in one superslab, medium slab or
large object, or in one block of one stack. Any thread may call any method: the
stacks are lock-free, and a compare-exchange moves the bump pointer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import RLock
from typing import NoReturn

from .atomics import Atomics, Order
from .chunklist import KIND, Kind
from .config import Config, Decommit
from .errors import HeapExhausted
from .memory import BUMP, LOW_MEMORY_EPOCH, NULL, STACKS, Layout, Memory
from .stack import ChunkStack

__all__ = ["Commitment", "LargeObjects"]


@dataclass
class Commitment:
    """How many bytes the heap counts as committed. All threads share this statistic, so a lock protects it.

    Attributes:
        committed: bytes that were taken into use and not given back.
        large: committed bytes of each large object, by address.
        lock: held while one of them changes, since threads could otherwise overwrite each other's sums, and a fork
            could leave the dict unusable in the child.
    """

    committed: int = 0
    large: dict[int, int] = field(default_factory=dict)
    lock: AbstractContextManager[object] = field(default_factory=RLock, repr=False)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied, since the lock belongs to the threads of one heap."""
        raise TypeError(
            "a heap's Commitment cannot be pickled or copied, since its lock belongs to the threads of this process; "
            "pickle heap.statistics()"
        )

    def add(self, amount: int) -> None:
        """Add to the count of committed bytes; a negative amount subtracts."""
        with self.lock:
            self.committed += amount

    def large_taken(self, block: int, used: int, kept: int) -> None:
        """Count a large object that uses this many bytes, some of which were still committed."""
        with self.lock:
            self.committed += used - kept
            self.large[block] = used

    def large_grown(self, block: int, used: int) -> None:
        """Count further bytes of a large object, if it is one and has fewer."""
        with self.lock:
            before = self.large.get(block, used)
            if used > before:
                self.committed += used - before
                self.large[block] = used

    def large_returned(self, block: int, left: int) -> None:
        """Count a large object out, of which this many bytes stay committed."""
        with self.lock:
            self.committed += left - self.large.pop(block)


class LargeObjects:
    """One allocator's access to the chunks that all allocators share."""

    def __init__(
        self,
        memory: Memory,
        atomics: Atomics,
        config: Config,
        layout: Layout,
        decommit: Decommit,
        commitment: Commitment,
        stack: Callable[[int], ChunkStack],
    ) -> None:
        self._memory = memory
        self._u64 = memory.u64
        self._atomics = atomics
        self._config = config
        self._layout = layout
        self.decommit = decommit
        self._commitment = commitment
        heads = range(STACKS, STACKS + 32 * config.num_large, 16)
        stacks = tuple(map(stack, heads))
        self.stacks, self.skipped = stacks[: config.num_large], stacks[config.num_large :]

    # A chunk for a superslab or medium slab.

    def take_chunk(self) -> int:
        """Take a freed or fresh chunk. Cost: 1 compare-exchange, or 2 for a fresh chunk.

        Raises:
            HeapExhausted: if no chunk is left.
        """
        chunk, kept = self._take(0)
        # Under the strategy "every slab", slabs and medium objects are committed one by one.
        size = self._config.page_size if self.decommit is Decommit.SLAB else self._config.chunk_size
        self._commitment.add(size - min(kept, size))
        return chunk

    def return_chunk(self, chunk: int) -> None:
        """Return a chunk whose objects are all free. Cost: 1 compare-exchange; the strategy may add decommitting."""
        page, size = self._config.page_size, self._config.chunk_size
        if self.decommit is Decommit.SUPERSLAB:
            self._decommit(chunk + page, size - page)
            self._commitment.add(page - size)
        self._push(chunk, 0)

    # A large object.

    def alloc(self, large_class: int, size: int, *, zero: bool = False) -> int:
        """Take 2^large_class chunks and commit ``size`` bytes of them, in whole pages. Cost: as ``take_chunk``.

        With ``zero``, the object reads as zero. Only pages that are still committed need stores for this.
        """
        block, kept = self._take(large_class)
        page = self._config.page_size
        used = max(-(-size // page) * page, page)
        self._commitment.large_taken(block, used, kept)
        if zero:
            self._memory.zero(block, min(kept, used))
        return block

    def commit_more(self, address: int, size: int) -> None:
        """Commit more pages of a large object that grows within its address space. Other objects need no more."""
        page = self._config.page_size
        self._commitment.large_grown(address, -(-size // page) * page)

    def dealloc(self, block: int, large_class: int) -> None:
        """Return a large object. Cost: 1 compare-exchange, and decommitting its pages."""
        page, chunk = self._config.page_size, self._config.chunk_size
        decommit = self.decommit is not Decommit.NEVER or large_class > 0
        self._commitment.large_returned(block, page if decommit else chunk)
        if decommit:
            self._decommit(block + page, (chunk << large_class) - page)
        self._u64[block + KIND >> 3] = Kind.LARGE
        self._push(block, large_class)

    # Parts of a chunk in use, under the strategy "every slab when empty".

    def slab_taken(self, start: int, length: int) -> None:
        """Commit a slab or medium object that comes into use."""
        if self.decommit is Decommit.SLAB:
            start, length = self._without_header(start, length)
            self._commitment.add(length)

    def slab_returned(self, start: int, length: int) -> None:
        """Decommit a slab or medium object that became free."""
        if self.decommit is Decommit.SLAB:
            start, length = self._without_header(start, length)
            self._decommit(start, length)
            self._commitment.add(-length)

    def _without_header(self, start: int, length: int) -> tuple[int, int]:
        """Exclude a chunk's first page, where a short slab begins: it holds the header and stays committed."""
        header = 0 if start % self._config.chunk_size else self._config.page_size
        return start + header, length - header

    def _decommit(self, start: int, length: int) -> None:
        """Give pages back. They read as zero from now on."""
        self._memory.space.decommit(start, length)

    # Where blocks come from, and where they go.

    def in_use(self) -> int:
        """Return the bytes of address space that were ever handed out as chunks."""
        return self._atomics.load(BUMP, Order.RELAXED) - self._layout.first_chunk

    def _take(self, large_class: int) -> tuple[int, int]:
        """Take a block from its stack, or else a fresh one; return it and how many of its bytes are committed."""
        block = self.stacks[large_class].pop() if large_class < len(self.stacks) else NULL
        self._lazily()
        if block == NULL:
            return self._fresh(large_class)
        return block, self._kept(block, large_class)

    def _fresh(self, large_class: int) -> tuple[int, int]:
        """Take a block that was never used: a skipped one, or a new one at the bump pointer, which may skip chunks."""
        if large_class < len(self.skipped) and (block := self.skipped[large_class].pop()) != NULL:
            return block, self._config.page_size  # its first page held the link
        size = self._config.chunk_size << large_class
        bump = self._atomics.load(BUMP, Order.RELAXED)
        moved = False
        while not moved:
            start, block = bump, -(-bump // size) * size
            if block + size > self._layout.end:
                raise HeapExhausted(size, self._memory.space.size, self.in_use())
            moved, bump = self._atomics.compare_exchange(BUMP, bump, block + size, Order.RELAXED)
        self._skip(start, block)
        return block, 0

    def _skip(self, start: int, end: int) -> None:
        """Push chunks that an alignment skipped onto the stacks of skipped chunks, in the largest possible blocks."""
        while start < end:
            large_class = self._largest_aligned(start, end)
            self._commitment.add(self._config.page_size)  # for the link
            self.skipped[large_class].push(start)
            start += self._config.chunk_size << large_class

    def _largest_aligned(self, start: int, end: int) -> int:
        """Return the class of the largest block that can start here, aligned to its size, and ends within the range."""
        chunk = start >> self._config.chunk_bits
        return min((chunk & -chunk).bit_length() - 1, ((end - start) >> self._config.chunk_bits).bit_length() - 1)

    def _push(self, block: int, large_class: int) -> None:
        """Push a free block onto its stack."""
        self.stacks[large_class].push(block)
        self._lazily()

    def _kept(self, block: int, large_class: int) -> int:
        """Return how many bytes of a free block are committed: its first page, or all if no page was given back."""
        kind = self._u64[block + KIND >> 3]
        if kind == Kind.LARGE:
            whole = self.decommit is Decommit.NEVER and large_class == 0
        else:
            whole = self.decommit in (Decommit.NEVER, Decommit.LAZY) and kind in (Kind.SUPER, Kind.MEDIUM)
        return self._config.chunk_size if whole else self._config.page_size

    def _lazily(self) -> None:
        """After a low-memory notice, under the lazy strategy, decommit the blocks on the stacks.

        The thread that wins the compare-exchange of the epoch does the work; the others continue.
        """
        if self.decommit is not Decommit.LAZY:
            return
        atomics = self._atomics
        notices = atomics.load(LOW_MEMORY_EPOCH, Order.RELAXED)
        seen = atomics.load(LOW_MEMORY_EPOCH + 8, Order.ACQUIRE)
        if notices > seen:
            won, _ = atomics.compare_exchange(LOW_MEMORY_EPOCH + 8, seen, notices, Order.ACQ_REL)
            if won:
                self._decommit_stacks()

    def _decommit_stacks(self) -> None:
        """Decommit every free chunk that still has its pages, except for the first page."""
        page, size = self._config.page_size, self._config.chunk_size
        for chunk in reversed(self.stacks[0].pop_all()):
            if self._u64[chunk + KIND >> 3] in (Kind.SUPER, Kind.MEDIUM):
                self._decommit(chunk + page, size - page)
                self._commitment.add(page - size)
                self._u64[chunk + KIND >> 3] = Kind.DECOMMITTED
            self.stacks[0].push(chunk)
