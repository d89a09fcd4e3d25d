"""The survey: a heap's parts, read from its bytes, for the laws and other observers.

    survey.chunks           addresses of all chunks ever handed out
    survey.of_kind(MEDIUM)  medium slabs and their owners
    survey.slabs()          slabs in use and their owners
    survey.flying(a)        messages in an allocator's queue and buckets
    survey.dump_slab(slab)  a description of a slab

The survey trusts nothing. A broken list may be endless, so every walk stops one
step after the largest number of steps that could be right. Take a survey only
while no thread is in a call, since it reads many places one after the other.

Left out: what holds between the parts, which ``laws`` states. Covers §2.2 to §2.8.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice, pairwise

from ..allocator import PAPER_PARTS, Allocator, Shared
from ..chunklist import OWNER, PREV, ChunkList
from ..freelist import FreeList
from ..mediumslab import Mediumslab
from ..memory import BUMP, NULL
from ..metaslab import Metaslab
from ..pagemap import MEDIUM, SUPERSLAB, PageMap
from ..parts import visit
from ..sizeclass import sizeclass_table
from ..superslab import Superslab

__all__ = ["Survey", "hexes"]


class Survey:
    """The parts of a heap, read from its bytes.

    Attributes:
        known: all allocators by address; ``allocators`` are those whose threads are in this process, and ``lost``
            is the number of the others.
    """

    def __init__(self, shared: Shared, allocators: Iterable[Allocator]) -> None:
        self.config, self.memory, self.layout = shared.config, shared.memory, shared.layout
        self.table = sizeclass_table(shared.config)
        self.known = {allocator.address: _as_on_paper(allocator, shared) for allocator in allocators}
        self.allocators = {at: allocator for at, allocator in self.known.items() if not allocator.lost}
        self.lost = len(self.known) - len(self.allocators)
        self.metaslab = Metaslab(self.memory, self.config)
        self.superslab = Superslab(self.memory, self.config, self.metaslab, self.table)
        self.freelist = FreeList(self.memory, self.metaslab)
        self.medium = Mediumslab(self.memory, self.config, self.table)
        self.pagemap = PageMap(self.memory, self.config, self.layout)
        self.bump = self.memory.u64[BUMP >> 3]
        self.chunks = range(self.layout.first_chunk, min(self.bump, self.layout.end), self.config.chunk_size)

    def of_kind(self, kind: int) -> Iterator[tuple[int, Allocator]]:
        """Yield the chunks of a kind, as the page map has them, and their owners, where known."""
        for chunk in self.chunks:
            if self.pagemap.get(chunk) == kind:
                owner = self.allocators.get(self.memory.u64[chunk + OWNER >> 3])
                if owner is not None:
                    yield chunk, owner

    def slabs(self) -> Iterator[tuple[int, Allocator]]:
        """Yield the slabs in use, and their owners."""
        for superslab, owner in self.of_kind(SUPERSLAB):
            for slab in range(superslab, superslab + self.config.chunk_size, self.config.slab_size):
                if self.metaslab.fields(slab).used:
                    yield slab, owner

    def free_slabs(self, superslab: int) -> list[int]:
        """Return the indices of a superslab's free full-length slabs, in the order of its list."""
        index, free, count = self.superslab.head(superslab), list[int](), self.config.slab_count
        while index and len(free) < count:
            free.append(index)
            index = (index + self.metaslab.fields(superslab + index * self.config.slab_size).next + 1) % count
        return free

    def in_use(self, slab: int) -> bool:
        """Return whether a slab has been taken from its superslab. It may have no object yet, or no longer have one."""
        superslab = slab - slab % self.config.chunk_size
        index = (slab - superslab) >> self.config.slab_bits
        return index not in self.free_slabs(superslab) if index else bool(self.superslab.used(superslab) & 1)

    def is_short(self, slab: int) -> bool:
        """Return whether a slab is the first of its superslab."""
        return slab % self.config.chunk_size == 0

    def free_entries(self, slab: int) -> list[int]:
        """Return the free list's entries and end, at most one more than can be right."""
        return list(islice(self.freelist.walk(slab), self.config.slab_size // 16 + 2))

    def object_size(self, address: int) -> int | None:
        """Return the size of the small or medium object that starts at an address, or None if none can."""
        chunk = address & ~(self.config.chunk_size - 1)
        kind = self.pagemap.get(address)
        if kind == SUPERSLAB:
            slab = self.metaslab.slab_of(address)
            sizeclass, end = self.metaslab.sizeclass(slab), slab + self.config.slab_size
        elif kind == MEDIUM:
            sizeclass, end = self.medium.sizeclass(chunk), chunk + self.config.chunk_size
        else:
            return None
        size = self.table.sizes[sizeclass]
        return size if (end - address) % size == 0 else None

    def flying(self, allocator: Allocator) -> Iterator[int]:
        """Yield the messages in an allocator's queue and buckets, except for the stub."""
        most = (self.chunks.stop - self.layout.first_chunk) // 16 + 2
        for message in islice(allocator.queue.walk(), most):
            if message != allocator.queue.stub:
                yield message
        for index in range(self.config.buckets):
            yield from islice(allocator.cache.walk(index), most)

    # Dumps.

    def dump_slab(self, slab: int) -> str:
        """Describe a slab."""
        fields = self.metaslab.fields(slab)
        size = self.table.sizes[fields.sizeclass] if fields.sizeclass < self.config.num_small else "?"
        entries = " -> ".join(f"{entry:#x}" for entry in self.free_entries(slab)[:40])
        owner = self.memory.u64[(slab & ~(self.config.chunk_size - 1)) + OWNER >> 3]
        return (
            f"slab {slab:#x}{' (short)' if self.is_short(slab) else ''} of allocator {self.number(owner)}: "
            f"used={fields.used} head={fields.head:#x} link={fields.link:#x} "
            f"sizeclass={fields.sizeclass} ({size} bytes) next={fields.next}\n  free list: {entries}"
        )

    def dump_superslab(self, superslab: int) -> str:
        """Describe a superslab and its slabs."""
        lines = [
            f"superslab {superslab:#x} of allocator {self.number(self.memory.u64[superslab + OWNER >> 3])}: "
            f"used={self.superslab.used(superslab)} head={self.superslab.head(superslab)} "
            f"({self.superslab.status(superslab).value})"
        ]
        for index in range(self.config.slab_count):
            f = self.metaslab.fields(superslab + index * self.config.slab_size)
            lines.append(
                f"  slab {index}: used={f.used} head={f.head:#x} link={f.link:#x} sizeclass={f.sizeclass} next={f.next}"
            )
        return "\n".join(lines)

    def dump_medium(self, slab: int) -> str:
        """Describe a medium slab."""
        return (
            f"medium slab {slab:#x} of allocator {self.number(self.memory.u64[slab + OWNER >> 3])}: "
            f"free={self.medium.free(slab)} head={self.medium.head(slab)} "
            f"sizeclass={self.medium.sizeclass(slab)}\n  free indices: {self.medium.stack(slab)}"
        )

    def dump_pagemap(self) -> str:
        """List the page map's bytes for all chunks ever handed out."""
        return "page map: " + " ".join(str(self.pagemap.get(chunk)) for chunk in self.chunks)

    def dump_allocator(self, allocator: Allocator) -> str:
        """Describe an allocator's queue and buckets."""
        queue = " -> ".join(f"{message:#x}" for message in islice(allocator.queue.walk(), 40))
        lines = [f"{allocator!r}\n  queue: front -> {queue}; back={allocator.queue.back():#x}"]
        for index in range(self.config.buckets):
            bucket = " -> ".join(f"{message:#x}" for message in islice(allocator.cache.walk(index), 40))
            if bucket:
                lines.append(f"  bucket {index}: {bucket}")
        return "\n".join(lines)

    def listed(self, chunks: ChunkList) -> list[int]:
        """Return the chunks on a list, at most one more than can be right."""
        return list(islice(chunks.walk(), len(self.chunks) + 1))

    def wrong_prev(self, listed: list[int]) -> list[int]:
        """Return the chunks of a list whose ``prev`` is not the chunk before them."""
        return [b for a, b in pairwise((NULL, *listed)) if self.memory.u64[b + PREV >> 3] != a]

    def number(self, address: int) -> str:
        """Return the number of the allocator at an address, for dumps."""
        return str(address >> self.config.allocator_bits) if address in self.known else f"? at {address:#x}"


def _as_on_paper(allocator: Allocator, shared: Shared) -> Allocator:
    """Return an allocator as the paper's parts see it, so that no replaced part is asked about itself."""
    if not set(shared.parts.replaced()) - {"allocator"}:
        return allocator
    seen = visit(allocator.number, replace(shared, parts=PAPER_PARTS))
    seen.lost = allocator.lost
    return seen


def hexes(addresses: Iterable[int]) -> str:
    """Return addresses as text, at most 20 of them."""
    known = sorted(addresses)
    more = f" and {len(known) - 20} more" if len(known) > 20 else ""
    return "[" + ", ".join(f"{address:#x}" for address in known[:20]) + more + "]"
