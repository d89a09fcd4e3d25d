"""The library against the model, over configurations that the paper never had.

Both make the same random calls, of several allocators with random numbers, and
after each one the addresses must agree, up to the names of chunks. At the end
all metadata must agree, and again when everything is freed and has come home.
Tiny slabs and caches reach in a few hundred calls what the paper's take days to.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysnmalloc as sn
from tests.model import Address, MediumSlab, Model, ModelConfig, Superslab
from tests.reference import MEDIUM, SUPERSLAB, Bytes, Names, RemoteBytes

QUIET = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
CHUNKS = 2000  # of a heap; a run has at most some 100 large objects of up to 8 chunks


Kind = Literal["small", "medium", "large", "free", "post"]


@dataclass(frozen=True)
class Call:
    """One random call; ``share`` picks a size out of a range, or a live object to free."""

    kind: Kind
    allocator: int
    share: float


class Pair:
    """A heap of the library and a model, driven side by side."""

    def __init__(self, heap: sn.Heap, config: ModelConfig, numbers: list[int]) -> None:
        self.heap = heap
        self.model = Model(config)
        self.allocators = [(heap.acquire(number=n), self.model.allocator(n)) for n in numbers]
        self.live: list[tuple[int, int, Address]] = []
        self.chunks: dict[int, int] = {}
        self.names = Names(), Names()
        self.state = Bytes(heap)

    def call(self, call: Call) -> None:
        """Make one call on both sides."""
        who = call.allocator % len(self.allocators)
        if call.kind == "post":
            for allocator in self.allocators[who]:
                allocator.post()
        elif call.kind != "free":
            self.malloc(who, self.size(call))
        elif self.live:
            self.free(who, int(call.share * len(self.live)))

    def size(self, call: Call) -> int:
        """Turn a share into a request; small ones are mostly tiny, large ones mostly of one chunk."""
        slab, chunk = self.heap.config.slab_size, self.heap.config.chunk_size
        if call.kind == "small":
            return int(call.share**3 * slab)
        if call.kind == "medium":
            return slab + 1 + int(call.share * (chunk - slab - 1))
        return chunk + int(call.share**4 * 7 * chunk)

    def malloc(self, who: int, size: int) -> None:
        """Allocate on both sides, and compare."""
        real, naive = self.allocators[who]
        pointer, address = real.malloc(size), naive.malloc(size)
        offset = pointer % self.heap.config.chunk_size
        chunk = pointer - offset
        ours = self.names[0].name(chunk), offset
        theirs = self.names[1].name(address[0]), address[1]
        assert ours == theirs, f"malloc({size}) of {real.number}: {ours}, the model {theirs}"
        self.chunks[chunk] = address[0]
        self.live.append((pointer, self.stamp(pointer, size), address))

    def stamp(self, pointer: int, size: int) -> int:
        """Write an object's address at its start and in its last word, whose address is returned."""
        end = pointer + max(size - 8, 0) // 8 * 8
        self.heap.memory.u64[pointer >> 3] = self.heap.memory.u64[end >> 3] = pointer
        return end

    def free(self, who: int, which: int) -> None:
        """Free one of the live objects on both sides, mostly not the newest."""
        self.live[which], self.live[-1] = self.live[-1], self.live[which]
        pointer, end, address = self.live.pop()
        assert self.heap.memory.u64[pointer >> 3] == self.heap.memory.u64[end >> 3] == pointer
        real, naive = self.allocators[who]
        real.free(pointer)
        naive.free(address)

    def drain(self) -> None:
        """Free everything by the first allocator and let all messages find their way home."""
        while self.live:
            self.free(0, 0)
        while any(len(naive.queue) > 1 or naive.buckets for _, naive in self.allocators):
            for real, naive in self.allocators:
                real.post()
                naive.post()
            for real, naive in self.allocators:
                real.handle_message_queue()
                naive.receive()

    def compare(self) -> None:
        """Compare all metadata, and what was counted."""
        for chunk, naive in self.chunks.items():
            self.compare_chunk(chunk, naive)
        statistics = {one.number: one for one in self.heap.statistics().allocators}
        for real, other in self.allocators:
            one = statistics[real.number]
            assert RemoteBytes(one.remote_freed_bytes, one.remote_posted_bytes) == other.remote_bytes()
            assert (one.cached_bytes, one.batches) == (other.cached_bytes, other.batches)
            assert (one.sent, one.forwarded) == (other.sent, other.forwarded)
        self.heap.check()

    def compare_chunk(self, chunk: int, naive: int) -> None:
        """Compare a chunk's header, and what a header says besides the fields that references print."""
        model, config, state = self.model, self.heap.config, self.state
        assert state.read_chunk(chunk) == model.state(naive)
        value, header = model.page_map[naive], model.headers.get(naive)
        if value == SUPERSLAB:
            assert isinstance(header, Superslab)
            assert state.free_slabs(chunk) == header.free
            assert state.sizeclasses(chunk) == [slab.sizeclass for slab in header.slabs]
        elif value == MEDIUM:
            assert isinstance(header, MediumSlab)
            assert state.medium_stack(chunk, len(header.offsets)) == header.offsets
        else:
            for i in range(1, 1 << max(value - config.chunk_bits, 0)):
                assert state.page_map_value(chunk + i * config.chunk_size) == model.page_map[naive + i]


def run(config: sn.Config, numbers: list[int], calls: list[Call], *, fast: bool) -> None:
    """Make the calls, compare, drain, compare; then once more, on chunks that have a past."""
    naive = ModelConfig(
        slab_bits=config.slab_bits,
        slab_count_bits=config.slab_count_bits,
        page_bits=config.page_bits,
        remote_cache=config.remote_cache,
        remote_batch=config.remote_batch,
        bucket_bits=config.bucket_bits,
    )
    reserve = (1 << config.allocator_bits + config.number_bits) + CHUNKS * config.chunk_size
    with sn.Heap(config, reserve=reserve, fast=fast) as heap:
        pair = Pair(heap, naive, numbers)
        for _ in range(2):
            for call in calls:
                pair.call(call)
            pair.compare()
            pair.drain()
            pair.compare()


# (slab_bits, slab_count_bits, page_bits): from two slabs of 1 KiB to the most that fields can hold.
SHAPES = [(10, 1, 8), (10, 2, 8), (10, 3, 8), (11, 2, 9), (11, 5, 9), (12, 4, 8), (14, 6, 12), (16, 8, 12)]


@st.composite
def configs(draw: st.DrawFn) -> sn.Config:
    slab_bits, slab_count_bits, page_bits = draw(st.sampled_from(SHAPES[:-1]))
    return sn.Config(
        slab_bits=slab_bits,
        slab_count_bits=slab_count_bits,
        page_bits=page_bits,
        remote_cache=draw(st.sampled_from([0, 1, 100, 1000, 10_000, 1 << 20])),
        remote_batch=draw(st.sampled_from([1, 2, 7, 64])),
        bucket_bits=draw(st.integers(1, 6)),
        number_bits=8,
    )


MOSTLY: list[tuple[Kind, int]] = [("small", 5), ("medium", 1), ("large", 1), ("post", 1), ("free", 6)]
CALLS = st.builds(
    Call,
    st.sampled_from([kind for kind, weight in MOSTLY for _ in range(weight)]),
    st.integers(0, 4),
    st.floats(0, 1, exclude_max=True, width=16),
)
ALIKE = st.integers(0, 15).map(lambda high: 1 + 16 * high)  # their low bits take rounds to tell apart
NUMBERS = st.lists(st.integers(1, 255) | ALIKE, min_size=1, max_size=5, unique=True)


@QUIET
@given(configs(), NUMBERS, st.lists(CALLS, max_size=100), st.booleans())
def test_short_random_runs_agree(config: sn.Config, numbers: list[int], calls: list[Call], fast: bool) -> None:
    run(config, numbers, calls, fast=fast)


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[0]}-{shape[1]}")
def test_long_random_runs_agree(shape: tuple[int, int, int], fast: bool) -> None:
    """Phases that mostly allocate and phases that mostly free, so that superslabs fill up and empty."""
    slab_bits, slab_count_bits, page_bits = shape
    config = sn.Config(
        slab_bits=slab_bits,
        slab_count_bits=slab_count_bits,
        page_bits=page_bits,
        remote_cache=2 << slab_bits,
        remote_batch=5,
        bucket_bits=1,
        number_bits=8,
    )
    rng = random.Random(slab_bits << 8 | slab_count_bits)
    kinds: list[Kind] = ["small", "medium", "large", "post", "free"]
    calls = []
    for weight in (20, 70, 20, 70, 20, 70):
        for kind in rng.choices(kinds, (40, 5, 2, 1, weight), k=1000):
            calls.append(Call(kind, rng.randrange(5), rng.random()))
    run(config, rng.sample(range(1, 256, 8), 5), calls, fast=fast)
