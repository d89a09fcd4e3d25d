"""Random programs against the independent record of live ranges.

    one heap, four allocators
      malloc, calloc, realloc, aligned_alloc, free: by any of them, of anybody's objects
      post, receive, release, acquire
    after every step: heap.check(); now and then: the counts of live objects are the record's

A program ends with the law of conservation: everything is freed, messages are
posted and received until it is quiet, and then all is home. What may stay is the
newest message of each queue (§2.2), and the slabs and chunks that hold these.

The setups are small, so that forty steps fill superslabs, empty them, and send
messages around corners. Left out: threads, which have a file of their own; and
shrinking, which takes minutes: add ``Phase.shrink`` to see a smaller program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

import pysnmalloc as sn
from tests.live_ranges import Live, LiveRanges, Sizes

settings.register_profile(
    "suite",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=32,
    stateful_step_count=40,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)


@dataclass(frozen=True, kw_only=True)
class Setup:
    """A kind of heap, and the numbers of its allocators."""

    config: sn.Config
    chunks: int = 400  # of address space; few make a heap that runs full
    numbers: tuple[int, ...] = (1, 2, 3, 4)
    checked: bool = False
    fast: bool = True
    decommit: sn.Decommit = sn.Decommit.SUPERSLAB

    def heap(self) -> sn.Heap:
        reserve = (1 << self.config.allocator_bits + self.config.number_bits) + self.chunks * self.config.chunk_size
        return sn.Heap(self.config, reserve=reserve, checked=self.checked, fast=self.fast, decommit=self.decommit)


EAGER = sn.CLASSROOM.replace(name="eager", remote_cache=0, remote_batch=1)
# One bit of a number per round, and numbers that first differ in a late one: messages are forwarded.
WINDING = sn.Config(
    name="winding", slab_bits=11, slab_count_bits=4, page_bits=8, remote_cache=1 << 20, bucket_bits=1, number_bits=6
)
SETUPS = {
    "classroom-fast": Setup(config=sn.CLASSROOM),
    "classroom-plain-full": Setup(config=sn.CLASSROOM, fast=False, chunks=10, decommit=sn.Decommit.NEVER),
    "classroom-checked": Setup(config=sn.CLASSROOM, checked=True),
    "eager-fast": Setup(config=EAGER, decommit=sn.Decommit.SLAB),
    "winding-fast": Setup(config=WINDING, numbers=(1, 17, 9, 33), decommit=sn.Decommit.LAZY),
    "winding-plain": Setup(config=WINDING, numbers=(1, 17, 9, 33), fast=False, decommit=sn.Decommit.SLAB),
}

WHO = st.integers(0, 3)
WHICH = st.integers(0, 199)
# Mostly tiny, so that slabs fill up; shares of slab and chunk for the rest.
TINY = st.tuples(st.just("tiny"), st.integers(0, 200))
REQUESTS = st.one_of(
    TINY, TINY, TINY, st.tuples(st.sampled_from(["small", "medium", "chunk", "large"]), st.integers(-1, 16))
)


class Program(RuleBasedStateMachine):
    """A random program on the heap of a setup."""

    setup: ClassVar[Setup]

    def __init__(self) -> None:
        super().__init__()
        config = self.setup.config
        self.heap = self.setup.heap()
        self.held = [self.heap.acquire(number=number) for number in self.setup.numbers]
        self.sizes = Sizes(config.slab_size, config.chunk_size)
        blocks = 1 << config.allocator_bits + config.number_bits
        self.record = LiveRanges(self.heap.memory.u8, blocks, self.heap.memory.space.size)

    # Helpers of the rules.

    def bytes_of(self, request: tuple[str, int]) -> int:
        """Turn a request into bytes: a share of 16 of what its kind counts in, -1 for a byte more."""
        kind, amount = request
        if kind == "tiny":
            return amount
        slab, chunk = self.sizes.small[-1], self.sizes.chunk
        low, high = {"small": (0, slab), "medium": (slab, chunk), "chunk": (chunk, chunk), "large": (chunk, 5 * chunk)}[
            kind
        ]
        return high + 1 if amount < 0 else low + (high - low) * amount // 16

    def allocator(self, who: int) -> sn.Allocator:
        return self.held[who % len(self.held)]

    def object(self, which: int) -> Live:
        return self.record[which % len(self.record)]

    def attempt(self, call: Callable[[], int]) -> int | None:
        """Make a call that may find the heap exhausted; then nothing has changed."""
        try:
            return call()
        except sn.HeapExhausted:
            assert self.setup.chunks < 100
            return None

    def enter(self, address: int | None, asked: int, alignment: int = 1) -> None:
        """Judge what a call returned."""
        if address is not None:
            usable = self.heap.usable_size(address)
            if alignment == 1:
                assert usable == self.sizes.usable(asked)
            self.record.enter(address, asked, usable, alignment)

    # The rules.

    @rule(who=WHO, request=REQUESTS, times=st.sampled_from([1, 1, 2, 5, 30]))
    def malloc(self, who: int, request: tuple[str, int], times: int) -> None:
        asked = self.bytes_of(request)
        for _ in range(times if asked < self.sizes.chunk // 2 else 1):
            self.enter(self.attempt(lambda: self.allocator(who).malloc(asked)), asked)

    @rule(who=WHO, request=REQUESTS, count=st.integers(0, 4))
    def calloc(self, who: int, request: tuple[str, int], count: int) -> None:
        size = self.bytes_of(request)
        address = self.attempt(lambda: self.allocator(who).calloc(count, size))
        if address is not None:
            assert not any(self.heap.memory.u8[address : address + count * size]), "calloc'ed bytes are not zero"
        self.enter(address, count * size)

    @rule(who=WHO, bits=st.integers(0, 14), request=REQUESTS)
    def aligned_alloc(self, who: int, bits: int, request: tuple[str, int]) -> None:
        asked = self.bytes_of(request)
        self.enter(self.attempt(lambda: self.allocator(who).aligned_alloc(1 << bits, asked)), asked, max(1 << bits, 2))

    @precondition(lambda self: len(self.record) > 0)
    @rule(who=WHO, which=WHICH, request=REQUESTS)
    def realloc(self, who: int, which: int, request: tuple[str, int]) -> None:
        old, asked = self.object(which), self.bytes_of(request)
        address = self.attempt(lambda: self.allocator(who).realloc(old.start, asked))
        if address is None:
            self.record.intact(old)
            return
        self.record.forget(old.start)
        assert (address == 0) == (asked == 0)
        assert self.record.holds(old, address, min(old.usable, asked)), f"realloc to {asked} lost contents of {old}"
        if asked:
            self.enter(address, asked)

    @precondition(lambda self: len(self.record) > 0)
    @rule(who=WHO, which=WHICH, times=st.sampled_from([1, 1, 5, 60]))
    def free(self, who: int, which: int, times: int) -> None:
        for _ in range(min(times, len(self.record))):
            address = self.object(which).start
            self.record.leave(address)
            self.allocator(who).free(address)

    @rule(who=WHO)
    def post(self, who: int) -> None:
        self.allocator(who).post()
        assert self.allocator(who).cache.cached() == 0

    @rule(who=WHO)
    def receive(self, who: int) -> None:
        self.allocator(who).handle_message_queue()

    @precondition(lambda self: len(self.held) > 1)
    @rule(who=WHO)
    def release(self, who: int) -> None:
        self.heap.release(self.held.pop(who % len(self.held)))

    @precondition(lambda self: len(self.held) < len(self.setup.numbers))
    @rule()
    def acquire(self) -> None:
        self.held.append(self.heap.acquire())

    @rule()
    def cleanup_unused(self) -> None:
        self.heap.cleanup_unused()

    @rule()
    def notify_low_memory(self) -> None:
        self.heap.notify_low_memory()

    @precondition(lambda self: len(self.record) > 0)
    @rule(which=WHICH, inside=st.floats(0, 1, exclude_max=True))
    def look_inside(self, which: int, inside: float) -> None:
        live = self.object(which)
        address = live.start + int(inside * live.usable)
        assert self.heap.object_start(address) == live.start
        assert self.heap.object_end(address) == live.end
        assert self.heap.usable_size(live.start) == live.usable
        assert self.allocator(which).usable_size(live.start) == live.usable

    @invariant()
    def lawful(self) -> None:
        self.heap.check()

    @rule()
    def count(self) -> None:
        """The metadata's counts of live objects are the record's, by size."""
        statistics = self.heap.statistics()
        live = Counter({each.size: each.live for each in statistics.sizeclasses if each.live})
        record = self.record.by_size()
        assert live == Counter({size: n for size, n in record.items() if size < self.sizes.chunk})
        assert statistics.large_objects == sum(n for size, n in record.items() if size >= self.sizes.chunk)

    # The end of every program.

    def teardown(self) -> None:
        with self.heap:
            self.conservation()

    def conservation(self) -> None:
        """Free everything, by all allocators in turn; bring all messages home; then all is home."""
        self.record.all_intact()
        self.count()
        self.held += [self.heap.acquire() for _ in range(len(self.setup.numbers) - len(self.held))]
        assert sorted(allocator.number for allocator in self.held) == sorted(self.setup.numbers)
        for turn in range(len(self.record)):
            self.allocator(turn).free(self.record.leave(self.record[0].start).start)
        self.bring_home()
        self.heap.check()
        left = {front for each in self.held if (front := next(each.queue.walk())) != each.queue.stub}
        statistics = self.heap.statistics()
        assert [each.live for each in statistics.sizeclasses if each.live] == []
        assert statistics.in_flight == len(left)
        assert statistics.sent == statistics.received + len(left)
        held = {message & -self.sizes.chunk for message in left}
        chunks = self.heap.chunk_map()
        assert {chunk.address for chunk in chunks if chunk.kind != "free"} == held
        assert {chunk.address for chunk in chunks if chunk.kind == "free"} == self.stacked()

    def bring_home(self) -> None:
        """Post and receive until it is quiet. Each hop matches more bits of a number, so that is soon."""
        bound = 2 + self.setup.config.hop_bound * sum(1 for each in self.held for _ in each.queue.walk())
        for _ in range(bound):
            for allocator in self.held:
                allocator.post()
            if all(allocator.queue.is_empty() for allocator in self.held):
                return
            for allocator in self.held:
                allocator.handle_message_queue()
        raise AssertionError(f"messages are still on their way after {bound} rounds")

    def stacked(self) -> set[int]:
        """Every chunk on a stack, from the bytes: heads of 16 bytes from 256 on, of freed and of skipped blocks."""
        u64, found, classes = self.heap.memory.u64, set[int](), self.setup.config.num_large
        for stack in range(2 * classes):
            block = u64[256 + 16 * stack >> 3]
            while block:
                chunks = range(block, block + (self.sizes.chunk << stack % classes), self.sizes.chunk)
                assert found.isdisjoint(chunks)
                found.update(chunks)
                block = u64[block >> 3]
        return found


@pytest.mark.parametrize("name", SETUPS)
def test_random_programs_keep_every_promise(name: str) -> None:
    class ProgramOfSetup(Program):
        setup = SETUPS[name]

    run_state_machine_as_test(ProgramOfSetup, settings=settings.get_profile("suite"))
