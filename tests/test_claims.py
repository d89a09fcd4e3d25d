"""Claims of the paper that are about counts, costs and layout, and those of its evaluation that can be counted.

Times are not repeated here: Python cannot show them. What is behind them can be: locks taken, bytes touched, exchanges,
bytes in use. The map in the documentation tells which claim each test shows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import pytest

import pysnmalloc as sn
from pysnmalloc.large import Commitment

if TYPE_CHECKING:
    from threading import Lock, RLock

KIB = 1024
SLAB, CHUNK = sn.PAPER.slab_size, sn.PAPER.chunk_size


class CountingLock:
    """A lock for one thread, which counts."""

    def __init__(self) -> None:
        self.taken = 0

    def __enter__(self) -> bool:
        self.taken += 1
        return True

    def __exit__(self, *_error: object) -> None:
        pass


@contextmanager
def locks_counted(*, fast: bool) -> Iterator[tuple[sn.Heap, CountingLock, CountingLock]]:
    """A heap, the lock that the emulated atomics take, and one for all its others."""
    emulation, others = CountingLock(), CountingLock()
    with sn.Heap(sn.PAPER, fast=fast) as heap:
        commitment = Commitment(lock=cast("Lock", others))
        heap._shared = replace(heap._shared, lock=emulation, commitment=commitment)
        heap._pool_lock = cast("RLock", others)
        yield heap, emulation, others


# Abstract, §1: no locks in an allocator, and none to return objects.


@pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])
def test_malloc_and_free_take_no_lock(fast: bool) -> None:
    """Not even that of the emulation, and messages do not either, until they are posted."""
    with locks_counted(fast=fast) as (heap, emulation, others):
        alice, bob = heap.acquire(), heap.acquire()
        sizes = (16, 48, 112, 1000, 20_000, 100_000)
        kept = [each.malloc(size) for each in (alice, bob) for size in sizes]  # chunks and slabs to work with
        assert emulation.taken > 0, "who takes a chunk needs an atomic operation"
        assert others.taken > 0
        emulation.taken = others.taken = 0
        for size in sizes:
            for p in [alice.malloc(size) for _ in range(20)]:
                alice.free(p)
        for p in [alice.malloc(size) for size in sizes for _ in range(5)]:
            bob.free(p)
        assert (emulation.taken, others.taken) == (0, 0)
        bob.post()
        batches = heap.statistics().batches
        assert others.taken == 0
        assert 1 <= batches <= emulation.taken <= 2 * batches, "an exchange, and the fence of the link's release"
        for p in kept:
            alice.free(p)


def test_a_call_receives_at_most_64_messages() -> None:
    with sn.Heap(sn.PAPER) as heap:
        alice, bob = heap.acquire(), heap.acquire()
        for p in [alice.malloc(16) for _ in range(200)]:
            bob.free(p)
        bob.post()
        received = []
        for _ in range(5):
            alice.malloc(500)
            received.append(heap.statistics().received)
        # The stub is the first of 201; the newest stays behind.
        assert received == [63, 127, 191, 199, 199]


# §2.3, §2.5, §2.6: sizes.


@pytest.mark.parametrize("config", [sn.PAPER, sn.PAPER_1MIB, sn.CLASSROOM], ids=lambda config: config.name)
def test_a_request_above_the_largest_medium_class_is_a_large_object(config: sn.Config) -> None:
    """Although it is smaller than a chunk: the next class is a chunk."""
    largest_medium = config.chunk_size // 8 * 7
    with sn.Heap(config) as heap:
        allocator = heap.acquire()
        for size, kind in ((largest_medium, "medium"), (largest_medium + 1, "large")):
            p = allocator.malloc(size)
            assert [chunk.kind for chunk in heap.chunk_map() if chunk.address == p & -config.chunk_size] == [kind]
        assert heap.usable_size(p) == config.chunk_size


def test_what_a_single_request_wastes_at_worst() -> None:
    """One byte gets 16. Above 16, powers of two waste just under a half; above 64, four classes just under a fifth."""
    classes = {size: sn.sizeclass_to_size(sn.size_to_sizeclass(size)) for size in range(1, SLAB + 1)}
    wasted = {size: Fraction(rounded - size, rounded) for size, rounded in classes.items()}
    assert max(wasted, key=wasted.__getitem__) == 1
    assert wasted[1] == Fraction(15, 16)
    assert 0.19 < max(wasted[size] for size in range(65, SLAB + 1)) < Fraction(1, 5)
    powers = {size: 1 << (size - 1).bit_length() for size in range(17, SLAB + 1)}
    assert 0.49 < max(Fraction(power - size, power) for size, power in powers.items()) < Fraction(1, 2)


# §2.4, §2.7, §2.8: bytes.


def test_the_page_map_of_eight_chunks() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        p = heap.malloc(8 * sn.CLASSROOM.chunk_size)
        bytes_of_map = [heap.own().pagemap.get(p + n * sn.CLASSROOM.chunk_size) for n in range(8)]
        large = sn.CLASSROOM.chunk_bits + 3  # L3, as log2 of its bytes
        jump = bytes_of_map[1]  # J0
        assert bytes_of_map == [large, *(jump + n for n in (0, 1, 1, 2, 2, 2, 2))]


def test_a_fresh_slab_is_not_touched_but_for_its_list_node() -> None:
    """A list through 4,096 objects would be 4,096 stores, and 16 pages."""
    with sn.Heap(sn.PAPER) as heap:
        allocator = heap.acquire()
        allocator.malloc(32)  # takes the short slab
        slab = allocator.malloc(16) & -SLAB
        assert slab & -CHUNK != slab
        in_slab = bytes(heap.memory.u8[slab : slab + SLAB])
        assert not any(in_slab[:-16])
        assert any(in_slab[-16:])


def test_a_medium_slab_of_the_same_class_keeps_its_stack() -> None:
    def stack_of(chunk: int) -> list[int]:
        return list(heap.memory.u16[chunk + 84 >> 1 : chunk + 84 + 2 * 8 >> 1])

    with sn.Heap(sn.PAPER) as heap:
        allocator = heap.acquire()
        objects = [allocator.malloc(1 << 20) for _ in range(5)]
        chunk = objects[0] & -CHUNK
        for p in (objects[3], *objects[:3], objects[4]):
            allocator.free(p)
        left = stack_of(chunk)
        assert left != sorted(left), "in the order of the frees"
        again = [allocator.malloc(1 << 20) for _ in range(5)]
        assert again[0] & -CHUNK == chunk
        assert stack_of(chunk) == left
        assert again == [objects[4], *reversed(objects[:3]), objects[3]]


# §3: what can be counted of the evaluation.


def footprint(heap: sn.Heap) -> int:
    """Bytes of all slabs in use."""
    return SLAB * sum(chunk.used for chunk in heap.chunk_map() if chunk.kind == "superslab")


def pipeline(size: int, buffer: int, objects: int = 4096, together: int = 512) -> tuple[float, float]:
    """Exchanges for each message, and the footprint divided by the longest queue, of a producer and a consumer."""
    with sn.Heap(sn.PAPER.replace(remote_cache=buffer)) as heap:
        producer, consumer = heap.acquire(), heap.acquire()
        channel: deque[list[int]] = deque()
        most = 0
        for _ in range(objects // together):
            channel.append([producer.malloc(size) for _ in range(together)])
            if len(channel) == 2:
                for p in channel.popleft():
                    consumer.free(p)
            most = max(most, footprint(heap))
        run = heap.statistics()
        return run.atomics.exchanges / run.sent, most / (2 * together * size)


def test_a_swap_of_threads_costs_a_message_for_each_object() -> None:
    """Figure 4: nothing is wrong with thread caching here, and a message is work; exchanges are few all the same."""
    with sn.Heap(sn.PAPER) as heap:
        pair = heap.acquire(), heap.acquire()
        for _ in range(5000):
            for allocator, p in zip(pair, reversed([each.malloc(64) for each in pair]), strict=True):
                allocator.free(p)
        run = heap.statistics()
        assert run.sent == 10_000
        assert run.atomics.exchanges < 3


def test_producer_and_consumer_meet_once_in_thousands_of_objects() -> None:
    """Figure 5: sizes of 8 to 2048 bytes, batches of 4096."""
    with sn.Heap(sn.PAPER) as heap:
        producer, consumer = heap.acquire(), heap.acquire()
        for _ in range(4):
            for p in [producer.malloc(8 << n % 9) for n in range(4096)]:
                consumer.free(p)
        run = heap.statistics()
        assert run.sent == 4 * 4096
        assert run.atomics.exchanges / run.sent < 1 / 1000


def test_up_to_the_size_of_a_line_messages_share_cache_lines() -> None:
    """Figure 6 falls with the size of objects, at first."""
    shares = []
    for size in (16, 32, 64, 128, 1024):
        with sn.Heap(sn.PAPER) as heap:
            lines = {heap.malloc(size) // 64 for _ in range(512)}
            shares.append(len(lines) / 512)
    assert shares == [0.25, 0.5, 1, 1, 1]


def test_without_a_buffer_the_footprint_is_that_of_the_queue() -> None:
    """Figure 7, as far as it is not about other allocators."""
    for size in (1024, 4096):
        assert 1 <= pipeline(size, 0)[1] < 1.2


def test_there_is_no_warm_up() -> None:
    """Figure 8: nothing adapts, so each round of the same calls does the same work."""
    rounds = []
    with sn.Heap(sn.PAPER.replace(remote_cache=8 * KIB)) as heap:
        producer, consumer = heap.acquire(), heap.acquire()
        before = heap.statistics()
        for _ in range(6):
            for _ in range(16):
                for p in [producer.malloc(64) for _ in range(256)]:
                    consumer.free(p)
            now = heap.statistics()
            work = now.atomics.exchanges - before.atomics.exchanges, now.sent - before.sent, footprint(heap)
            rounds.append(work)
            before = now
    assert len(set(rounds[1:])) == 1
    assert rounds[0][:2] == rounds[1][:2]


def test_a_buffer_helps_until_one_object_fills_it() -> None:
    """Figure 9."""
    buffers = (0, KIB, 8 * KIB, 256 * KIB)
    for size in (16, 64, 256, 1024):
        exchanges = [pipeline(size, buffer)[0] for buffer in buffers]
        for buffer, found in zip(buffers, exchanges, strict=True):
            assert found == pytest.approx(1 / max(1, buffer // size), rel=0.2) or found < size / (256 * KIB) * 1.2
        assert exchanges == sorted(exchanges, reverse=True)
    assert pipeline(1024, KIB)[0] == pipeline(1024, 0)[0] == 1


def test_a_larger_buffer_takes_more_memory_for_small_objects_above_all() -> None:
    """Figure 10."""
    grown = {}
    for size in (64, 256, 1024):
        none, some, paper = (pipeline(size, buffer, 16_384)[1] for buffer in (0, 256 * KIB, 1024 * KIB))
        assert none <= some <= paper
        grown[size] = paper / none
    assert grown[64] > grown[256] > grown[1024] > 1
