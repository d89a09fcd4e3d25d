"""Statistics: what a heap did and what it holds, as frozen records; counts of what §3 measures.

Messages, posts and atomic operations are counted by the thread that performs
them, when they happen. Objects, slabs and chunks are read from the heap's bytes.
So counting live objects costs nothing along the way: the metadata's ``used`` has it.

The law: in each size class, every object that departed has arrived or is in flight.

Numbers are exact while no other thread is in a call. Otherwise each of them is
right for some moment during the reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ..allocator import Allocator, Shared
from ..atomics import AtomicCounts
from ..chunklist import OWNER
from ..mediumslab import Mediumslab
from ..memory import BUMP
from ..metaslab import Metaslab
from ..pagemap import JUMP, MEDIUM, NOT_OURS, SUPERSLAB, PageMap
from ..sizeclass import sizeclass_table
from ..superslab import Superslab

__all__ = ["AllocatorStatistics", "ChunkEntry", "HeapStatistics", "SizeclassStatistics", "chunk_map"]


@dataclass(frozen=True, slots=True)
class AllocatorStatistics:
    """What one allocator did with messages.

    Attributes:
        number: the allocator's number, 1 or more.
        sent: objects of other allocators that were freed here.
        received: its own objects that came home.
        forwarded: messages received for other allocators, and sent on.
        posts: how often the remote cache was posted.
        batches: lists sent by these posts, one exchange each.
        kept_frees: frees that came from inside another call, by a finalizer or a handler, and were done after it.
        remote_freed_bytes: rounded bytes of the objects in ``sent``.
        remote_posted_bytes: the value of ``remote_freed_bytes`` at the last post.
        cached_bytes: rounded bytes in the remote cache now.
        atomics: its atomic operations.
    """

    number: int
    sent: int
    received: int
    forwarded: int
    posts: int
    batches: int
    kept_frees: int
    remote_freed_bytes: int
    remote_posted_bytes: int
    cached_bytes: int
    atomics: AtomicCounts


@dataclass(frozen=True, slots=True)
class SizeclassStatistics:
    """Objects of one small or medium size class.

    Attributes:
        sizeclass: index of the class, 0 for the smallest (§2.6).
        size: bytes of each object.
        live: objects allocated and not freed.
        in_flight: objects freed by another thread and on their way home.
        slabs: slabs or medium slabs in use for the class.
    """

    sizeclass: int
    size: int
    live: int
    in_flight: int
    slabs: int


@dataclass(frozen=True, slots=True)
class ChunkEntry:
    """One chunk of the address space.

    Attributes:
        address: where the chunk starts.
        kind: ``superslab``, ``medium``, ``large``, ``jump`` (a later chunk of a large object) or ``free``.
        owner: number of the owning allocator, 0 if there is none.
        used: number of slabs of a superslab, or objects of a medium slab, in use; 1 for a large object, 0 for a free
            chunk.
        capacity: the largest possible value of ``used``.
        sizeclass: size class of a medium slab's objects; None for other chunks.
    """

    address: int
    kind: str
    owner: int
    used: int
    capacity: int
    sizeclass: int | None


@dataclass(frozen=True, slots=True)
class HeapStatistics:
    """A heap at one moment. Counts that allocators also have are sums over all allocators.

    Attributes:
        allocators: what each allocator did.
        sizeclasses: the objects of each small and medium size class, the smallest class first.
        superslabs, medium_slabs: number of chunks in use as such.
        large_objects: number of live large objects, of one chunk or several.
        sent: objects freed by an allocator that does not own them.
        received: objects that came home to their owners.
        forwarded: messages received by an allocator that does not own the object and sends it on.
        hops: messages received, including forwarded ones: how often an object was moved.
        in_flight: objects freed by another thread and not yet home.
        posts: how often a remote cache was posted.
        batches: lists sent by these posts, one exchange each.
        kept_frees: frees that came from inside another call, by a finalizer or a handler, and were done after it.
        atomics: atomic operations of all allocators, and of the heap itself.
        reserved: bytes of address space.
        committed: bytes of this space taken into use and not given back.
        resident: bytes of this space in physical memory, None if the system does not report it.
    """

    allocators: tuple[AllocatorStatistics, ...]
    sizeclasses: tuple[SizeclassStatistics, ...]
    superslabs: int
    medium_slabs: int
    large_objects: int
    sent: int
    received: int
    forwarded: int
    in_flight: int
    posts: int
    batches: int
    hops: int
    kept_frees: int
    atomics: AtomicCounts
    reserved: int
    committed: int
    resident: int | None


def chunk_map(shared: Shared) -> Iterator[ChunkEntry]:
    """Yield every chunk that was ever handed out, by address. Cost: about 5 loads per chunk."""
    memory, config, layout = shared.memory, shared.config, shared.layout
    pagemap = PageMap(memory, config, layout)
    metaslab = Metaslab(memory, config)
    table = sizeclass_table(config)
    superslab, medium = Superslab(memory, config, metaslab, table), Mediumslab(memory, config, table)
    for chunk in range(layout.first_chunk, memory.u64[BUMP >> 3], config.chunk_size):
        kind = pagemap.get(chunk)
        if kind in (SUPERSLAB, MEDIUM):
            owner = memory.u64[chunk + OWNER >> 3] >> config.allocator_bits
        if kind == SUPERSLAB:
            used = superslab.used(chunk)
            yield ChunkEntry(chunk, "superslab", owner, used // 2 + used % 2, config.slab_count, None)
        elif kind == MEDIUM:
            sizeclass = medium.sizeclass(chunk)
            slots = table.capacity(sizeclass)
            yield ChunkEntry(chunk, "medium", owner, medium.head(chunk), slots, sizeclass)
        elif kind == NOT_OURS:
            yield ChunkEntry(chunk, "free", 0, 0, 0, None)
        else:
            yield ChunkEntry(chunk, "jump" if kind >= JUMP else "large", 0, 1, 1, None)


def allocator_statistics(allocator: Allocator) -> AllocatorStatistics:
    """Return what one allocator did."""
    messages = allocator.messages
    return AllocatorStatistics(
        number=allocator.number,
        sent=sum(messages.departed),
        received=sum(messages.arrived),
        forwarded=messages.forwarded,
        posts=messages.posts,
        kept_frees=allocator.section.kept,
        batches=messages.batches,
        remote_freed_bytes=messages.freed_bytes,
        remote_posted_bytes=messages.posted_bytes,
        cached_bytes=allocator.cache.cached(),
        atomics=allocator.atomic_counts + AtomicCounts(),
    )


def heap_statistics(
    shared: Shared, allocators: Iterable[Allocator], extra: AtomicCounts, resident: int | None
) -> HeapStatistics:
    """Return what a heap did and holds; ``extra`` counts the atomic operations of no allocator."""
    allocators = tuple(allocators)
    each = tuple(map(allocator_statistics, allocators))
    chunks = tuple(chunk_map(shared))
    kinds = [chunk.kind for chunk in chunks]
    sent, received = sum(a.sent for a in each), sum(a.received for a in each)
    forwarded = sum(a.forwarded for a in each)
    return HeapStatistics(
        allocators=each,
        sizeclasses=tuple(_sizeclasses(shared, allocators, chunks)),
        superslabs=kinds.count("superslab"),
        medium_slabs=kinds.count("medium"),
        large_objects=kinds.count("large"),
        sent=sent,
        received=received,
        forwarded=forwarded,
        in_flight=sent - received,
        posts=sum(a.posts for a in each),
        batches=sum(a.batches for a in each),
        kept_frees=sum(a.kept_frees for a in each),
        hops=received + forwarded,
        atomics=sum((a.atomics for a in each), extra),
        reserved=shared.memory.space.size,
        committed=shared.commitment.committed,
        resident=resident,
    )


def _sizeclasses(
    shared: Shared, allocators: Iterable[Allocator], chunks: Iterable[ChunkEntry]
) -> Iterator[SizeclassStatistics]:
    """Count objects and slabs by class, from the metadata."""
    config, metaslab = shared.config, Metaslab(shared.memory, shared.config)
    table = sizeclass_table(config)
    used, slabs = [0] * config.num_sizeclasses, [0] * config.num_sizeclasses
    for chunk in chunks:
        if chunk.kind == "medium" and chunk.sizeclass is not None:
            used[chunk.sizeclass] += chunk.used
            slabs[chunk.sizeclass] += 1
        elif chunk.kind == "superslab":
            for slab in range(chunk.address, chunk.address + config.chunk_size, config.slab_size):
                fields = metaslab.fields(slab)
                if fields.used:
                    used[fields.sizeclass] += fields.used
                    slabs[fields.sizeclass] += 1
    for sizeclass, size in enumerate(table.sizes):
        departed = sum(a.messages.departed[sizeclass] for a in allocators)
        in_flight = departed - sum(a.messages.arrived[sizeclass] for a in allocators)
        yield SizeclassStatistics(sizeclass, size, used[sizeclass] - in_flight, in_flight, slabs[sizeclass])
