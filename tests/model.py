"""A second snmalloc, naive on purpose: what the paper says, in lists and dicts.

    Model ── page_map, stacks of freed chunks, chunks
      └─ Allocator ── partial[size class]    slabs with free space, first one allocates
                   ── available, only_short  superslabs
                   ── partial_medium[class]  medium slabs with free space
                   ── buckets, queue         messages on their way home

The law: the model and the library, given the same calls, return the same
addresses and leave the same metadata. Nothing here knows a byte: a chunk is a
number, an address is a pair (chunk, offset), a free list is a list. What the
library stores packed (a slab's ``head``, a superslab's ``used``) is worked out
from the lists when somebody asks, so a wrong encoding cannot hide here.

Left out: pages and decommit, threads, everything that checks. The paper's
sections are named at each part; where it is silent the C++ of its day decides.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from dataclasses import dataclass, field

from tests.reference import (
    MEDIUM,
    NOT_OURS,
    SUPERSLAB,
    ChunkState,
    MediumState,
    OtherState,
    RemoteBytes,
    SlabState,
    SuperslabState,
)

Address = tuple[int, int]
LINK_BYTES = 16  # a list node in a slab's free memory: two pointers (§2.8)


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The numbers of a configuration; sizes are bytes, ``*_bits`` are log2 (§2.1)."""

    slab_bits: int = 16
    slab_count_bits: int = 8
    page_bits: int = 12
    remote_cache: int = 1 << 20
    remote_batch: int = 64
    bucket_bits: int = 6


class SizeClasses:
    """Every size below a chunk: 16, 32, 48, 64, then four for each power of two (§2.6)."""

    def __init__(self, config: ModelConfig) -> None:
        self.slab = 1 << config.slab_bits
        self.count = 1 << config.slab_count_bits
        self.chunk = self.slab * self.count
        self.page = 1 << config.page_bits
        self.header = -(-(88 + 8 * self.count) // 64) * 64
        powers = [64 << i for i in range(20)]
        sizes = [16, 32, 48, *(p + quarter * p // 4 for p in powers for quarter in range(4))]
        self.sizes = [size for size in sizes if size < self.chunk]
        self.num_small = self.of(self.slab) + 1
        self.short_max = self.of(self.header)

    def of(self, size: int) -> int:
        """The first class that is large enough; ``len(sizes)`` when none is."""
        return bisect_left(self.sizes, size)

    def first_object(self, sizeclass: int, index: int) -> int:
        """Offset of the first object in a slab: the last one ends flush with the slab's end (§2.8)."""
        start = 0 if index else self.header
        return start + (self.slab - start) % self.sizes[sizeclass]

    def medium_offsets(self, sizeclass: int) -> list[int]:
        """Offsets of a medium slab's objects, rising, flush with the chunk's end (§2.7)."""
        size = self.sizes[sizeclass]
        slots = (self.chunk - self.page) // size
        return [self.chunk - i * size for i in range(slots, 0, -1)]


@dataclass(eq=False)
class Slab:
    """A slab; ``freed`` is a stack, ``bump`` the start of what was never allocated (§2.8)."""

    superslab: Superslab
    index: int
    end: int
    used: int = 0
    bump: int = 0
    link: int = 0
    sizeclass: int = 0
    freed: list[int] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Nothing freed, and nothing left to bump."""
        return not self.freed and self.bump == self.end

    @property
    def head(self) -> int:
        """The field's value: a freed object, the bump pointer and 1, or -1 in the slab's bits."""
        if self.freed:
            return self.freed[-1]
        return self.end - 1 if self.full else self.bump + 1


@dataclass(eq=False)
class Superslab:
    """A chunk of slabs, 0 the short one; ``free`` lists the other free ones in order of use (§2.8)."""

    chunk: int
    owner: Allocator
    slabs: list[Slab]
    free: list[int]
    short_in_use: bool = False

    @property
    def used(self) -> int:
        """The field's value: twice the full-length slabs in use, plus 1 for the short one."""
        return 2 * (len(self.slabs) - 1 - len(self.free)) + self.short_in_use

    def take(self, short: bool) -> Slab:
        """A free slab: the short one if wanted and free, else the first full-length one."""
        if short and not self.short_in_use:
            self.short_in_use = True
            return self.slabs[0]
        return self.slabs[self.free.pop(0)]

    def give_back(self, slab: Slab) -> None:
        """Take back an empty slab, to be used next."""
        if slab.index == 0:
            self.short_in_use = False
        else:
            slab.sizeclass = 0
            self.free.insert(0, slab.index)

    def sizeclass_at(self, offset: int) -> int:
        """The size class of the object at an offset in the chunk."""
        return self.slabs[offset // self.slabs[0].end].sizeclass

    def state(self) -> SuperslabState:
        """The header's fields."""
        slabs = {s.index: SlabState(s.used, s.head, s.link, s.sizeclass) for s in self.slabs if s.used}
        return SuperslabState(self.owner.number, self.used, self.free[0] if self.free else 0, slabs)


@dataclass(eq=False)
class MediumSlab:
    """A chunk of medium objects; ``offsets[head:]`` is the stack of free ones (§2.7)."""

    chunk: int
    owner: Allocator
    sizeclass: int
    offsets: list[int]
    head: int = 0

    @property
    def full(self) -> bool:
        """Every object is in use."""
        return self.head == len(self.offsets)

    def sizeclass_at(self, _offset: int) -> int:
        """The size class of every object."""
        return self.sizeclass

    def state(self) -> MediumState:
        """The header's fields."""
        return MediumState(self.owner.number, len(self.offsets) - self.head, self.head, self.sizeclass)


class Model:
    """What the allocators share: page map, freed chunks, and the headers that chunks still have."""

    def __init__(self, config: ModelConfig) -> None:
        self.config = config
        self.classes = SizeClasses(config)
        self.chunk_bits = config.slab_bits + config.slab_count_bits
        self.page_map: defaultdict[int, int] = defaultdict(int)
        self.stacks: defaultdict[int, list[int]] = defaultdict(list)
        self.headers: dict[int, Superslab | MediumSlab] = {}
        self.fresh = 0

    def allocator(self, number: int) -> Allocator:
        """A new allocator with this number."""
        return Allocator(self, number)

    def state(self, chunk: int) -> ChunkState:
        """The final state of a chunk that some address was in."""
        if self.page_map[chunk] in (SUPERSLAB, MEDIUM):
            return self.headers[chunk].state()
        return OtherState(self.page_map[chunk])

    def take_chunks(self, log: int) -> int:
        """2^log chunks: those freed last, else fresh ones (§2.5)."""
        if self.stacks[log]:
            return self.stacks[log].pop()
        first = self.fresh
        self.fresh += 1 << log
        return first

    def give_back_chunk(self, chunk: int) -> None:
        """A superslab or medium slab is empty. Its header stays as it is."""
        self.page_map[chunk] = NOT_OURS
        self.stacks[0].append(chunk)

    def large_malloc(self, size: int) -> Address:
        """Round up to a power of two; Large(n) and then Jump(0), Jump(1) twice, ... (§2.4, §2.5)."""
        log = (size - 1).bit_length() - self.chunk_bits
        first = self.take_chunks(log)
        self.page_map[first] = self.chunk_bits + log
        for i in range(1, 1 << log):
            self.page_map[first + i] = 64 + self.chunk_bits + i.bit_length() - 1
        return first, 0

    def large_free(self, chunk: int) -> None:
        """The chunk was neither superslab nor medium slab last, so the next kind starts afresh."""
        log = self.page_map[chunk] - self.chunk_bits
        for i in range(1 << log):
            self.page_map[chunk + i] = NOT_OURS
        self.headers.pop(chunk, None)
        self.stacks[log].append(chunk)


class Allocator:
    """One thread's allocator."""

    def __init__(self, model: Model, number: int) -> None:
        self.model = model
        self.number = number
        self.partial: defaultdict[int, list[Slab]] = defaultdict(list)
        self.partial_medium: defaultdict[int, list[MediumSlab]] = defaultdict(list)
        self.available: list[Superslab] = []
        self.only_short: list[Superslab] = []
        self.buckets: defaultdict[int, list[Address]] = defaultdict(list)
        self.queue: deque[Address | None] = deque([None])  # never empty; None is the stub
        self.cached_bytes = 0
        self.freed_bytes = 0
        self.posted_bytes = 0
        self.sent = self.forwarded = self.batches = 0

    def malloc(self, size: int) -> Address:
        """Receive, then allocate."""
        self.receive()
        classes = self.model.classes
        sizeclass = classes.of(size)
        if sizeclass < classes.num_small:
            return self._small_malloc(sizeclass)
        if sizeclass < len(classes.sizes):
            return self._medium_malloc(sizeclass)
        return self.model.large_malloc(size)

    def free(self, address: Address) -> None:
        """Receive, then free here or send home."""
        self.receive()
        chunk = address[0]
        if self.model.page_map[chunk] == NOT_OURS:
            raise ValueError(f"chunk {chunk} is not in use")
        if self.model.page_map[chunk] not in (SUPERSLAB, MEDIUM):
            self.model.large_free(chunk)
        elif self._owner(address) is self:
            self._free_own(address)
        else:
            self.sent += 1
            self._cache(address)
            self.freed_bytes += self._rounded_size(address)
            self._post_if_due()

    def remote_bytes(self) -> RemoteBytes:
        """Bytes freed remotely, and how many of them the last post covered."""
        return RemoteBytes(self.freed_bytes, self.posted_bytes)

    # Slabs (§2.8)

    def _small_malloc(self, sizeclass: int) -> Address:
        slabs = self.partial[sizeclass]
        if not slabs:
            slabs.append(self._open_slab(sizeclass))
        slab = slabs[0]
        slab.used += 1
        if slab.freed:
            offset = slab.freed.pop()
        else:
            offset = slab.bump
            slab.bump += self.model.classes.sizes[sizeclass]
        if slab.full:
            slabs.pop(0)
        return slab.superslab.chunk, slab.index * slab.end + offset

    def _open_slab(self, sizeclass: int) -> Slab:
        classes = self.model.classes
        short = sizeclass <= classes.short_max
        if short and self.only_short:
            slab = self.only_short.pop(0).take(short)
        else:
            if not self.available:
                self.available.append(self._open_superslab())
            superslab = self.available[0]
            slab = superslab.take(short)
            if not superslab.free:
                self.available.pop(0)
                if not superslab.short_in_use:
                    self.only_short.insert(0, superslab)
        slab.sizeclass = sizeclass
        slab.bump = classes.first_object(sizeclass, slab.index)
        slab.link = classes.slab - LINK_BYTES
        slab.freed = []
        return slab

    def _open_superslab(self) -> Superslab:
        chunk = self.model.take_chunks(0)
        self.model.page_map[chunk] = SUPERSLAB
        superslab = self.model.headers.get(chunk)
        if not isinstance(superslab, Superslab):
            count, size = self.model.classes.count, self.model.classes.slab
            superslab = Superslab(chunk, self, [], list(range(1, count)))
            superslab.slabs = [Slab(superslab, index, size) for index in range(count)]
            self.model.headers[chunk] = superslab
        superslab.owner = self
        return superslab

    def _small_free(self, superslab: Superslab, offset: int) -> None:
        index, offset = divmod(offset, self.model.classes.slab)
        slab = superslab.slabs[index]
        was_full = slab.full
        slab.used -= 1
        if not slab.used:
            if not was_full:
                self.partial[slab.sizeclass].remove(slab)
            self._close_slab(slab)
            return
        slab.freed.append(offset)
        if was_full:
            slab.link = offset
            self.partial[slab.sizeclass].insert(0, slab)

    def _close_slab(self, slab: Slab) -> None:
        superslab = slab.superslab
        had_full_length, had_short = bool(superslab.free), not superslab.short_in_use
        superslab.give_back(slab)
        if not superslab.used:
            (self.available if had_full_length else self.only_short).remove(superslab)
            self.model.give_back_chunk(superslab.chunk)
        elif superslab.free and not had_full_length:
            if had_short:
                self.only_short.remove(superslab)
            self.available.insert(0, superslab)
        elif not superslab.free:
            self.only_short.insert(0, superslab)

    # Medium slabs (§2.7)

    def _medium_malloc(self, sizeclass: int) -> Address:
        slabs = self.partial_medium[sizeclass]
        if not slabs:
            slabs.append(self._open_medium(sizeclass))
        slab = slabs[0]
        offset = slab.offsets[slab.head]
        slab.head += 1
        if slab.full:
            slabs.pop(0)
        return slab.chunk, offset

    def _open_medium(self, sizeclass: int) -> MediumSlab:
        chunk = self.model.take_chunks(0)
        self.model.page_map[chunk] = MEDIUM
        slab = self.model.headers.get(chunk)
        if not isinstance(slab, MediumSlab) or slab.sizeclass != sizeclass:
            slab = MediumSlab(chunk, self, sizeclass, self.model.classes.medium_offsets(sizeclass))
            self.model.headers[chunk] = slab
        slab.owner = self
        return slab

    def _medium_free(self, slab: MediumSlab, offset: int) -> None:
        slabs = self.partial_medium[slab.sizeclass]
        was_full = slab.full
        slab.head -= 1
        slab.offsets[slab.head] = offset
        if slab.head == 0:
            if not was_full:
                slabs.remove(slab)
            self.model.give_back_chunk(slab.chunk)
        elif was_full:
            slabs.insert(0, slab)

    # Messages (§2.2)

    def receive(self) -> None:
        """Handle messages; the newest one stays in the queue. The stub counts as one of the batch."""
        if len(self.queue) == 1:
            return
        for _ in range(min(self.model.config.remote_batch, len(self.queue) - 1)):
            message = self.queue.popleft()
            if message is None:
                continue
            if self._owner(message) is self:
                self._free_own(message)
            else:
                self.forwarded += 1
                self._cache(message)
        self._post_if_due()

    def post(self) -> None:
        """Send every bucket but the home one; spread that one by the next bits; until it is empty."""
        self.cached_bytes = 0
        self.posted_bytes = self.freed_bytes
        shift = 0
        while self.buckets:
            resend = self.buckets.pop(self._bucket(self.number, shift), [])
            for messages in self.buckets.values():
                self._owner(messages[0]).queue.extend(messages)
                self.batches += 1
            self.buckets.clear()
            shift += 1
            for message in resend:
                self.buckets[self._bucket(self._owner(message).number, shift)].append(message)

    def _post_if_due(self) -> None:
        if self.cached_bytes >= self.model.config.remote_cache:
            self.post()

    def _cache(self, address: Address) -> None:
        self.cached_bytes += self._rounded_size(address)
        self.buckets[self._bucket(self._owner(address).number, 0)].append(address)

    def _bucket(self, number: int, shift: int) -> int:
        bits = self.model.config.bucket_bits
        return (number >> bits * shift) % (1 << bits)

    def _owner(self, address: Address) -> Allocator:
        return self.model.headers[address[0]].owner

    def _rounded_size(self, address: Address) -> int:
        chunk, offset = address
        return self.model.classes.sizes[self.model.headers[chunk].sizeclass_at(offset)]

    def _free_own(self, address: Address) -> None:
        chunk, offset = address
        header = self.model.headers[chunk]
        if isinstance(header, Superslab):
            self._small_free(header, offset)
        else:
            self._medium_free(header, offset)
