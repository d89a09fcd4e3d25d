"""The remote cache: the temporal radix tree against a naive one, and its numbers (§2.2, Figures 1 and 2).

``test_figures`` follows messages from allocator to allocator; here is one cache alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysnmalloc as sn
from pysnmalloc import Allocator
from tests.patterns import conserved, intact, settle, stamp, switching_often, together

Lists = list[list[int]]


@pytest.fixture
def heap() -> Iterator[sn.Heap]:
    with sn.Heap(sn.CLASSROOM) as heap:
        yield heap


class Row:
    """Sixty-four-byte rows that stand for freed objects; the cache only writes into their first 16 bytes."""

    def __init__(self, heap: sn.Heap, most: int) -> None:
        self.heap = heap
        base = heap.calloc(most, 64)
        self._free = iter(range(base, base + 64 * most, 64))

    def message(self) -> int:
        return next(self._free)

    def next(self, message: int) -> int:
        return self.heap.memory.u64[message >> 3]

    def target(self, message: int) -> int:
        return self.heap.memory.u64[(message >> 3) + 1]


def post(allocator: Allocator, row: Row) -> tuple[int, Lists]:
    """Post; return the number of rounds, and the lists sent, each as its targets' numbers."""
    sent: Lists = []

    def send(first: int, last: int) -> None:
        members = [first]
        while members[-1] != last:
            members.append(row.next(members[-1]))
        sent.append([row.target(member) >> allocator.config.allocator_bits for member in members])

    return allocator.cache.post(send), sent


def naive_post(config: sn.Config, own: int, targets: list[int]) -> tuple[int, Lists]:
    """The paper's words, on lists of numbers. The digits of a number in base 2^k, lowest first, name buckets."""

    def digit(number: int, place: int) -> int:
        return number >> config.bucket_bits * place & (1 << config.bucket_bits) - 1

    sent, place, waiting = list[list[int]](), 0, targets
    while True:
        groups = {d: [t for t in waiting if digit(t, place) == d] for d in range(1 << config.bucket_bits)}
        waiting = groups.pop(digit(own, place))
        sent += [group for group in groups.values() if group]
        place += 1
        if not waiting:
            return place, sent


def test_a_fresh_cache_is_empty(heap: sn.Heap) -> None:
    allocator = heap.acquire(5)
    assert [list(allocator.cache.walk(index)) for index in range(4)] == [[], [], [], []]
    assert allocator.cache.cached() == 0
    assert post(allocator, Row(heap, 1)) == (1, [])


def test_the_bucket_is_k_bits_of_the_number(heap: sn.Heap) -> None:
    cache, bits = heap.acquire(1).cache, heap.config.allocator_bits
    for number in range(1, 64):
        assert [cache.index(number << bits, round) for round in range(4)] == [
            number & 3,
            number >> 2 & 3,
            number >> 4,
            0,
        ]


def test_a_freed_object_is_appended_as_a_message(heap: sn.Heap) -> None:
    allocator, row = heap.acquire(5), Row(heap, 4)
    messages, before = [row.message() for _ in range(4)], allocator.atomic_counts.total
    for message, number, size in zip(messages, (6, 9, 2, 9), (16, 32, 48, 64), strict=True):
        allocator.cache.dealloc(number << 11, message, size)
    assert [list(allocator.cache.walk(index)) for index in range(4)] == [
        [],
        [messages[1], messages[3]],
        [messages[0], messages[2]],
        [],
    ]
    assert [row.target(message) >> 11 for message in messages] == [6, 9, 2, 9]
    assert allocator.cache.cached() == 160
    assert allocator.atomic_counts.total == before


def test_post_empties_the_cache_and_sends_each_bucket_as_one_list(heap: sn.Heap) -> None:
    allocator, row = heap.acquire(5), Row(heap, 6)
    for number in (6, 8, 2, 4, 6, 7):
        allocator.cache.dealloc(number << 11, row.message(), 16)
    assert post(allocator, row) == (1, [[8, 4], [6, 2, 6], [7]])
    assert allocator.cache.cached() == 0
    assert [list(allocator.cache.walk(index)) for index in range(4)] == [[], [], [], []]
    assert post(allocator, row) == (1, [])


def test_the_home_bucket_is_spread_by_the_next_bits(heap: sn.Heap) -> None:
    """5 is 00 01 01. So 1 and 9 differ in round 1, 21 and 37 in round 2 only."""
    allocator, row = heap.acquire(5), Row(heap, 5)
    for number in (1, 37, 9, 21, 2):
        allocator.cache.dealloc(number << 11, row.message(), 16)
    assert post(allocator, row) == (3, [[2], [1], [9], [21], [37]])


CONFIGS = [sn.CLASSROOM, *(sn.CLASSROOM.replace(bucket_bits=k, number_bits=n) for k, n in ((1, 3), (3, 8), (4, 5)))]


@settings(derandomize=True, database=None, deadline=None, max_examples=80)
@given(st.data())
def test_posting_does_what_the_paper_says(data: st.DataObject) -> None:
    """Against the naive one: the same lists, in the same order, after the same number of rounds; twice."""
    config = data.draw(st.sampled_from(CONFIGS))
    numbers = st.integers(1, (1 << config.number_bits) - 1)
    own = data.draw(numbers)
    with sn.Heap(config) as heap:
        allocator, row = heap.acquire(own), Row(heap, 64)
        for _ in range(2):
            targets: list[int] = data.draw(st.lists(numbers.filter(lambda number: number != own), max_size=30))
            for number in targets:
                allocator.cache.dealloc(number << config.allocator_bits, row.message(), 16)
            assert allocator.cache.cached() == 16 * len(targets)
            assert post(allocator, row) == naive_post(config, own, targets)


# In an allocator.


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
@pytest.mark.parametrize("limit", [0, 1, 100, 1024])
def test_it_is_posted_when_its_bytes_reach_the_limit(limit: int, fast: bool) -> None:
    """Counted are the rounded bytes: 30 asked are 32. No call leaves the limit's bytes behind."""
    with sn.Heap(sn.CLASSROOM.replace(remote_cache=limit), fast=fast) as heap:
        owner, other = heap.acquire(), heap.acquire()
        objects, cached, posts = [owner.malloc(30) for _ in range(70)], 0, 0
        for address in objects:
            other.free(address)
            cached += 32
            if cached >= limit:
                cached, posts = 0, posts + 1
            assert (other.cache.cached(), other.messages.posts) == (cached, posts)
        assert other.messages.batches == posts
        assert other.atomic_counts.exchanges == posts  # one for a list, however long it is


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
def test_forwarded_messages_fill_the_cache_too(fast: bool) -> None:
    """9 forwards what is 5's: at the limit it posts while receiving, without freeing anything itself."""
    with sn.Heap(sn.CLASSROOM.replace(remote_cache=64), fast=fast) as heap:
        sender, nine, five = heap.acquire(16), heap.acquire(9), heap.acquire(5)
        for address in (nine.malloc(16), *(five.malloc(16) for _ in range(5)), nine.malloc(16)):
            sender.cache.dealloc(heap.memory.u64[(address & -heap.config.chunk_size) >> 3], address, 16)
            sender.messages.departed[0] += 1
        sender.post()
        nine.handle_message_queue()
        assert nine.messages.forwarded == 5
        assert (nine.messages.posts, nine.cache.cached()) == (1, 0)
        assert five.messages.arrived[0] == 0
        settle(heap, (sender, nine, five))
        conserved(heap)


def test_caches_of_several_threads(heap: sn.Heap) -> None:
    """Four threads free each other's objects; 63 numbers in 4 buckets make them forward as well."""
    allocators = [heap.acquire(number) for number in (5, 21, 37, 53, 9, 1)]
    objects: list[list[tuple[int, int]]] = [[] for _ in range(4)]
    rng = random.Random(1)
    for tag in range(1500):
        address = rng.choice(allocators).malloc(rng.choice((1, 16, 40, 100, 300)))
        stamp(heap, address, tag)
        objects[rng.randrange(4)].append((address, tag))
    wrong: list[int] = []

    def free(mine: int) -> Callable[[], None]:
        def body() -> None:
            allocator = heap.acquire(16 + mine)
            for address, tag in objects[mine]:
                if not intact(heap, address, tag):
                    wrong.append(tag)
                allocator.free(address)
            heap.release(allocator)

        return body

    def receive() -> None:
        """The owners' own threads, one after the other."""
        for _ in range(300):
            for allocator in allocators:
                allocator.handle_message_queue()

    with switching_often():
        together(receive, *map(free, range(4)))
    assert wrong == []
    settle(heap, allocators)
    conserved(heap)
    assert sum(a.messages.forwarded for a in heap.allocators) > 0
