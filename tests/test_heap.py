"""The interface: what ``Heap`` and ``Allocator`` promise to those who call them.

Most tests run on the fast path, on the plain code, and in checked mode: the
promises are the same. Objects are told apart by the record in ``live_ranges``.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from functools import partial
from time import sleep

import pytest

import pysnmalloc as sn
from tests.live_ranges import LiveRanges, Sizes

CHUNK, SLAB = sn.CLASSROOM.chunk_size, sn.CLASSROOM.slab_size
MODES: dict[str, Callable[..., sn.Heap]] = {
    "fast": lambda **more: sn.Heap(sn.CLASSROOM, **more),
    "plain": lambda **more: sn.Heap(sn.CLASSROOM, fast=False, **more),
    "checked": lambda **more: Unleaked(sn.CLASSROOM, checked=True, **more),
}
every_mode = pytest.mark.parametrize("mode", MODES)
every_strategy = pytest.mark.parametrize("decommit", sn.Decommit, ids=lambda strategy: strategy.value)


class Unleaked(sn.Heap):
    """A checked heap that may be closed with live objects."""

    def close(self) -> None:
        try:
            super().close()
        except sn.LeakError:
            assert self.checked


def refuses(call: Callable[[], object], error: type[Exception]) -> bool:
    """Make a call; tell whether it raised that."""
    try:
        call()
    except error:
        return True
    return False


def holder(allocator: sn.Allocator) -> int | None:
    return allocator.holder


def record_of(heap: sn.Heap) -> LiveRanges:
    return LiveRanges(heap.memory.u8, heap.layout.first_chunk, heap.layout.end)


def tiny_reserve(chunks: int) -> int:
    """A reserve with room for so many chunks."""
    blocks = 1 << sn.CLASSROOM.allocator_bits + sn.CLASSROOM.number_bits
    return blocks + CHUNK + chunks * CHUNK


# Opening and closing.


def test_the_first_example() -> None:
    with sn.Heap(sn.PAPER) as heap:
        p = heap.malloc(100)
        heap.view(p)[:5] = b"hello"
        assert bytes(heap.view(p)[:5]) == b"hello"
        heap.free(p)
        heap.check()
    assert heap.config is sn.PAPER is sn.Heap().config


@every_mode
def test_context_manager(mode: str) -> None:
    heap = MODES[mode]()
    with heap as entered:
        assert entered is heap
        assert "closed" not in repr(heap)
        assert "0 allocators" in repr(heap)
        heap.malloc(1)
        assert "1 allocators" in repr(heap)
    assert heap.closed
    assert "closed" in repr(heap)
    heap.close()


@every_mode
def test_every_call_after_close_is_refused(mode: str) -> None:
    heap = MODES[mode]()
    a = heap.acquire()
    p, large = a.malloc(20), a.malloc(3 * CHUNK)
    heap.malloc(1)
    kept_malloc, kept_free, heap_malloc, heap_free = a.malloc, a.free, heap.malloc, heap.free
    heap.close()
    calls: list[Callable[[], object]] = [
        lambda: kept_malloc(20),
        lambda: kept_malloc(0),
        lambda: kept_malloc(3000),
        lambda: kept_malloc(3 * CHUNK),
        lambda: kept_free(p),
        lambda: kept_free(large),
        lambda: heap_malloc(20),
        lambda: heap_free(p),
        lambda: a.malloc(20),
        lambda: a.free(p),
        lambda: a.calloc(2, 20),
        lambda: a.calloc(2, 3 * CHUNK),
        lambda: a.realloc(p, 200),
        lambda: a.realloc(p, 30),
        lambda: a.realloc(p, 0),
        lambda: a.realloc(0, 30),
        lambda: a.aligned_alloc(64, 20),
        lambda: a.aligned_alloc(2 * CHUNK, 20),
        lambda: a.usable_size(p),
        lambda: heap.calloc(2, 20),
        lambda: heap.realloc(p, 200),
        lambda: heap.aligned_alloc(64, 20),
        lambda: heap.usable_size(p),
        lambda: heap.view(p),
        lambda: heap.object_start(p),
        lambda: heap.object_end(p),
        heap.check,
        heap.statistics,
        heap.chunk_map,
        heap.cleanup_unused,
        heap.notify_low_memory,
        heap.acquire,
        lambda: heap.release(a),
        lambda: heap.allocator().__enter__(),  # the block is not entered
    ]
    assert [number for number, call in enumerate(calls) if not refuses(call, sn.HeapClosed)] == []
    for call in calls[:1] + calls[-4:]:
        with pytest.raises(sn.HeapClosed, match="make a new Heap"):
            call()


@every_mode
def test_messages_after_close_are_refused(mode: str) -> None:
    heap = MODES[mode]()
    a, b = heap.acquire(), heap.acquire()
    b.free(a.malloc(20))
    heap.close()
    for call in (a.handle_message_queue, b.handle_message_queue):
        with pytest.raises(sn.HeapClosed, match="make a new Heap"):
            call()
    # `post` on memory that is gone may never come to its end: every bucket looks full.
    assert b.closed
    with pytest.raises(sn.HeapClosed, match="make a new Heap"):
        b.post()


def test_a_view_outlives_the_heap() -> None:
    heap = sn.Heap(sn.CLASSROOM)
    view = heap.view(heap.malloc(3 * CHUNK))
    view[:] = b"x" * len(view)
    heap.close()
    assert len(view) == 4 * CHUNK
    assert set(view) == ({0} if heap.memory.space.gives_back else {ord("x")})


def test_a_heap_is_independent_of_others() -> None:
    with sn.Heap(sn.CLASSROOM) as one, sn.Heap(sn.CLASSROOM) as other:
        p, q = one.malloc(20), other.malloc(20)
        assert p == q
        one.view(p)[:] = b"1" * 32
        other.view(q)[:] = b"2" * 32
        assert set(one.view(p)) == {ord("1")}
        other.free(q)
        one.check()
        other.check()
        assert one.statistics().superslabs == 1


def test_a_reserve_that_is_too_small_is_refused() -> None:
    with pytest.raises(sn.ConfigError, match=r"leaves no room for a chunk of 8,192.*reserve at least 147,456"):
        sn.Heap(sn.CLASSROOM, reserve=139_264)
    with sn.Heap(sn.CLASSROOM, reserve=147_456) as heap:
        assert heap.usable_size(heap.malloc(1)) == 16
        heap.check()
    for nonsense in (0, -1):
        with pytest.raises(sn.ConfigError, match="reserve at least"):
            sn.Heap(sn.CLASSROOM, reserve=nonsense)


@pytest.mark.parametrize("reserve", [1 << 60, 1 << 80])
def test_a_reserve_that_the_system_refuses(reserve: int) -> None:
    with pytest.raises(sn.SpaceRefused, match=f"the operating system refused {reserve:,} bytes") as refused:
        sn.Heap(sn.CLASSROOM, reserve=reserve)
    assert refused.value.asked == reserve


# Allocators.


def test_acquire_and_release() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        a, b = heap.acquire(), heap.acquire()
        assert (a.number, b.number) == (1, 2)
        assert (a.address, b.address) == (1 << 11, 2 << 11)
        assert holder(a) == threading.get_ident()
        far = heap.acquire(number=63)
        assert far.number == 63
        assert list(heap.allocators) == [a, b, far]
        heap.release(a)
        heap.release(far)
        assert holder(a) is None
        assert heap.acquire() is far  # the newest in the pool
        assert heap.acquire(number=1) is a
        assert heap.acquire().number == 3  # the smallest never used
        assert len(heap.allocators) == 4
        assert "Allocator 63" in repr(far)


def test_numbers_that_cannot_be_acquired() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        heap.acquire(number=5)
        for number in (0, -1, 64, 1 << 40):
            with pytest.raises(ValueError, match=rf"acquire\(number={number}\).* 1 to 63 "):
                heap.acquire(number=number)
        with pytest.raises(ValueError, match=r"acquire\(number=5\): this allocator is already held"):
            heap.acquire(number=5)
        held = [heap.acquire() for _ in range(62)]
        assert sorted(each.number for each in heap.allocators) == list(range(1, 64))
        with pytest.raises(ValueError, match="all 63 allocators of this heap are held"):
            heap.acquire()
        heap.release(held[7])
        assert heap.acquire() is held[7]


def test_releases_that_are_refused() -> None:
    with sn.Heap(sn.CLASSROOM) as heap, sn.Heap(sn.CLASSROOM) as other:
        a, foreign = heap.acquire(), other.acquire()
        for _ in range(2):
            with pytest.raises(ValueError, match="this heap has not lent it out"):
                heap.release(foreign)
        heap.release(a)
        with pytest.raises(ValueError, match="this heap has not lent it out"):
            heap.release(a)
        assert heap.acquire() is a
        assert heap.acquire() is not a


def test_allocator_for_the_length_of_a_block() -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        with heap.allocator() as a, heap.allocator(number=9) as b:
            assert (a.number, b.number) == (1, 9)
            assert None not in (a.holder, b.holder)
        assert (a.holder, b.holder) == (None, None)
        with pytest.raises(KeyError), heap.allocator() as again:
            raise KeyError
        assert again is a
        assert a.holder is None
        with heap.allocator():
            heap.close()


@every_mode
def test_release_posts_and_the_slabs_live_on(mode: str) -> None:
    with MODES[mode]() as heap:
        a, b = heap.acquire(), heap.acquire()
        objects = [a.malloc(100) for _ in range(5)]
        heap.view(objects[4])[:] = b"k" * 112
        for p in objects[:4]:
            b.free(p)
        assert b.cache.cached() == 4 * 112
        heap.release(b)
        assert b.cache.cached() == 0
        heap.release(a)
        again = heap.acquire()
        assert again is a
        new = [again.malloc(100) for _ in range(4)]
        assert objects[4] not in new
        assert set(objects[:3]) & set(new)  # those that came home are used again
        assert set(heap.view(objects[4])) == {ord("k")}
        heap.check()


@every_mode
def test_cleanup_unused_brings_messages_home(mode: str) -> None:
    with MODES[mode]() as heap:
        a, b = heap.acquire(), heap.acquire()
        objects = [a.malloc(100) for _ in range(50)]
        heap.release(a)
        for p in objects:
            b.free(p)
        b.post()
        assert (heap.statistics().in_flight, heap.statistics().received) == (50, 0)
        heap.cleanup_unused()
        assert a.holder is None
        assert (heap.statistics().in_flight, heap.statistics().received) == (1, 49)
        heap.check()
        # Frees of its own that it forwards go on, too.
        assert heap.acquire() is a
        for p in [b.malloc(100) for _ in range(3)]:
            a.free(p)
        heap.release(a)
        heap.cleanup_unused()
        b.handle_message_queue()
        assert heap.statistics().in_flight == 2
        heap.check()


# The calling thread's own allocator.


def wait_for(state: Callable[[], bool]) -> None:
    """Wait until another thread has brought about a state."""
    while not state():
        sleep(0.001)


@every_mode
def test_each_thread_has_its_own_allocator(mode: str) -> None:
    with MODES[mode]() as heap:
        p = heap.malloc(20)
        mine = heap.own()
        assert heap.own() is mine
        assert heap.usable_size(p) == 32
        seen: list[tuple[sn.Allocator, int]] = []

        def work() -> None:
            q = heap.malloc(20)
            heap.free(p)
            seen.append((heap.own(), q))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        ((theirs, q),) = seen
        assert theirs is not mine
        assert q & -CHUNK != p & -CHUNK  # another superslab
        # When the thread has ended, its allocator is in the pool, and what it freed is on its way.
        wait_for(lambda: theirs.holder is None)
        assert theirs.cache.cached() == 0
        assert heap.acquire() is theirs
        heap.free(q)
        heap.check()


def test_an_own_allocator_that_was_released_is_not_shared() -> None:
    """Whoever acquires it next has it alone; the thread gets another."""
    with sn.Heap(sn.CLASSROOM) as heap:
        released = heap.own()
        heap.release(released)
        assert heap.acquire() is released
        p = heap.malloc(20)
        assert heap.own() is not released
        assert p & -CHUNK != released.malloc(20) & -CHUNK


@every_mode
def test_the_heaps_calls_are_the_own_allocators(mode: str) -> None:
    with MODES[mode]() as heap:
        record = record_of(heap)
        for p, asked in (
            (heap.malloc(20), 20),
            (heap.calloc(3, 9), 27),
            (heap.realloc(0, 50), 50),
            (heap.aligned_alloc(256, 20), 20),
        ):
            record.enter(p, asked, heap.usable_size(p))
        assert [a.number for a in heap.allocators] == [1]
        p = record[0].start
        old = record.leave(p)
        moved = heap.realloc(p, 500)
        assert record.holds(old, moved, old.usable)
        heap.free(moved)
        heap.free(0)
        heap.check()


# Sizes.


@every_mode
def test_no_bytes_are_an_object_too(mode: str) -> None:
    with MODES[mode]() as heap:
        a, record = heap.acquire(), record_of(heap)
        for p in (a.malloc(0), a.malloc(0), a.calloc(0, 9), a.calloc(9, 0), a.realloc(0, 0), a.aligned_alloc(1, 0)):
            assert heap.usable_size(p) == 16
            record.enter(p, 0, 16)
        a.free(0)
        heap.free(0)
        heap.check()
        assert sum(each.live for each in heap.statistics().sizeclasses) == 6


@every_mode
def test_every_small_and_medium_size(mode: str) -> None:
    sizes = Sizes(SLAB, CHUNK)
    with MODES[mode]() as heap:
        a, record = heap.acquire(), record_of(heap)
        for size in [*range(300), *(around + d for around in sizes.classes for d in (-1, 0, 1))]:
            p = a.malloc(size)
            assert heap.usable_size(p) == a.usable_size(p) == sizes.usable(size)
            record.enter(p, size, heap.usable_size(p))
        record.all_intact()
        heap.check()
        while len(record):
            a.free(record.leave(record[len(record) // 2].start).start)
        heap.check()
        assert heap.statistics().superslabs == heap.statistics().medium_slabs == 0


@every_mode
def test_small_classes_look_for_short_slabs_first(mode: str) -> None:
    """Also in a superslab with nothing else left, before one with whole slabs is touched (§2.8)."""
    with MODES[mode]() as heap:
        a = heap.acquire()
        whole = [a.malloc(SLAB) for _ in range(7 + 3)]  # one superslab but for its short slab, and some of the next
        first, second = whole[0] & -CHUNK, whole[-1] & -CHUNK
        assert first != second
        shorts = [a.malloc(16), a.malloc(32), a.malloc(48)]
        assert [p & -SLAB for p in shorts[:2]] == [first, second]
        assert shorts[2] & -CHUNK == second  # no short slab is left, so a whole one
        assert shorts[2] & -SLAB != second
        heap.check()


@every_mode
def test_negative_sizes_are_refused(mode: str) -> None:
    with MODES[mode]() as heap:
        a = heap.acquire()
        objects = [a.malloc(size) for size in (16, 16, 16, 200, 200, 200)]
        a.free(objects[1])  # so that there is a free list to take from, and bump space
        for size in (-1, -16, -1 << 40, -1 << 70):
            with pytest.raises(ValueError, match=rf"malloc\({size}\): the size must be 0 or more"):
                a.malloc(size)
        # Also those that a table indexed from its end would take for sizes.
        assert [size for size in range(-5000, 0) if not refuses(partial(a.malloc, size), ValueError)] == []
        calls: list[Callable[[], int]] = [
            lambda: a.calloc(-1, 10),
            lambda: a.calloc(10, -1),
            lambda: a.calloc(-3, -3),
            lambda: a.realloc(0, -1),
            lambda: a.realloc(objects[0], -1),
            lambda: a.realloc(objects[3], -1),
            lambda: a.aligned_alloc(16, -1),
            lambda: heap.malloc(-1),
        ]
        assert [number for number, call in enumerate(calls) if not refuses(call, ValueError)] == []
        assert sum(each.live for each in heap.statistics().sizeclasses) == 5
        heap.check()


@every_mode
def test_no_space_left_at_once(mode: str) -> None:
    with MODES[mode](reserve=tiny_reserve(20)) as heap:
        a, record = heap.acquire(), record_of(heap)
        for size in (10, 200, 2000, CHUNK, 3 * CHUNK):
            p = a.malloc(size)
            record.enter(p, size, heap.usable_size(p))
        before, chunks = heap.statistics(), len(heap.chunk_map())
        huge: list[tuple[int, Callable[[], int]]] = [
            (16 * CHUNK, lambda: a.malloc(15 * CHUNK)),
            (1 << 40, lambda: a.malloc(1 << 40)),
            (1 << 48, lambda: a.malloc((1 << 48) - 5)),
            (1 << 64, lambda: a.malloc(1 << 64)),
            (1 << 200, lambda: a.malloc(1 << 200)),
            (1 << 80, lambda: a.calloc(1 << 40, 1 << 40)),
            (1 << 40, lambda: a.realloc(record[0].start, 1 << 40)),
            (1 << 40, lambda: a.aligned_alloc(64, 1 << 40)),
            (1 << 40, lambda: a.aligned_alloc(1 << 40, 64)),
            (1 << 40, lambda: heap.malloc(1 << 40)),
        ]
        for asked, call in huge:
            with pytest.raises(MemoryError, match=f"{asked:,} bytes requested.*free some objects") as exhausted:
                call()
            error = exhausted.value
            assert isinstance(error, sn.HeapExhausted)
            assert (error.asked, error.reserved) == (asked, tiny_reserve(20))
            assert error.in_use == chunks * CHUNK
            heap.check()
        record.all_intact()
        after = heap.statistics()
        assert (after.sizeclasses, after.large_objects, after.committed) == (
            before.sizeclasses,
            before.large_objects,
            before.committed,
        )
        p = a.malloc(2 * CHUNK)
        record.enter(p, 2 * CHUNK, heap.usable_size(p))


@every_mode
@every_strategy
@pytest.mark.parametrize("size", [16, 500, SLAB, 2000, 7000, CHUNK, 2 * CHUNK])
def test_no_space_left_in_steps(mode: str, decommit: sn.Decommit, size: int) -> None:
    """Fill a heap of six chunks, empty it in another order, and fill it again: as many fit as before."""
    with MODES[mode](reserve=tiny_reserve(6), decommit=decommit) as heap:
        a, b, record = heap.acquire(), heap.acquire(), record_of(heap)

        def fill() -> int:
            try:
                while True:
                    p = a.malloc(size)
                    record.enter(p, size, heap.usable_size(p))
            except sn.HeapExhausted:
                heap.check()
                return len(record)

        first = fill()
        for _ in range(3):
            with pytest.raises(sn.HeapExhausted) as exhausted:
                a.malloc(size)
            assert exhausted.value.asked == max(CHUNK, size)
        record.all_intact()
        kept = record[first // 2]
        for turn, live in enumerate([record[i] for i in range(first)]):
            if live != kept:
                (b if turn % 5 == 0 else a).free(record.leave(live.start).start)
        b.post()
        for _ in range(first // 64 + 1):
            a.handle_message_queue()
        heap.check()
        left = heap.statistics().in_flight  # the newest message stays in the queue
        assert left <= 1
        assert fill() == first - left
        record.all_intact()


# Bytes.


@every_mode
def test_view(mode: str) -> None:
    with MODES[mode]() as heap:
        for size in (0, 20, 1000, 2000, 7000, CHUNK, 3 * CHUNK):
            p, kept = heap.malloc(size), heap.malloc(size)
            view, other = heap.view(p), heap.view(kept)
            assert len(view) == heap.usable_size(p) == heap.object_end(p) - p
            assert (view.format, view.itemsize, view.readonly) == ("B", 1, False)
            other[:] = b"o" * len(other)
            view[:] = bytes(i & 255 for i in range(len(view)))
            assert heap.memory.u8[p + len(view) - 1] == len(view) - 1 & 255
            assert set(other) == {ord("o")}
            for inside in {1, 16, len(view) - 1}:
                if inside < len(view):
                    with pytest.raises(
                        sn.InvalidPointer,
                        match=rf"view\({p + inside:#x}\): .*starts at {p:#x}, {inside:,} bytes before",
                    ):
                        heap.view(p + inside)
        heap.check()


@every_mode
@every_strategy
@pytest.mark.parametrize("size", [16, 100, 1000, 2000, 7000, CHUNK, 3 * CHUNK])
def test_calloc_zeroes_memory_that_was_used(mode: str, decommit: sn.Decommit, size: int) -> None:
    with MODES[mode](decommit=decommit) as heap:
        a = heap.acquire()
        used = [a.malloc(size) for _ in range(5)]
        for p in used:
            heap.view(p)[:] = b"\xff" * heap.usable_size(p)
        for p in used:
            a.free(p)
        again = [a.calloc(4, size // 4) for _ in range(5)]
        assert len(set(used).intersection(again)) >= 4
        for p in again:
            assert not any(heap.view(p)[:size])
        heap.check()


@every_mode
def test_realloc_in_place(mode: str) -> None:
    with MODES[mode]() as heap:
        a = heap.acquire()
        for low, high in ((0, 16), (97, 112), (897, 1024), (1793, 2048), (CHUNK, CHUNK), (2 * CHUNK + 1, 4 * CHUNK)):
            p = a.malloc(high)
            heap.view(p)[:] = b"x" * high
            for size in (max(low, 1), high, (low + high) // 2, high):
                assert a.realloc(p, size) == p
            assert set(heap.view(p)) == {ord("x")}
            a.free(p)
        heap.check()


@every_mode
def test_realloc_that_moves(mode: str) -> None:
    sizes = (16, 17, 100, 1000, 1025, 2000, 7000, CHUNK, CHUNK + 1, 5 * CHUNK)
    with MODES[mode]() as heap:
        a, b, record = heap.acquire(), heap.acquire(), record_of(heap)
        for old_size in sizes:
            for size in sizes:
                p = a.malloc(old_size)
                old = record.enter(p, old_size, heap.usable_size(p))
                moved = b.realloc(p, size)
                assert record.holds(old, moved, min(old.usable, size))
                record.forget(p)
                new = record.enter(moved, size, heap.usable_size(moved))
                assert (moved == p) == (new.usable == old.usable)
                b.free(record.leave(moved).start)
        heap.check()


@every_mode
def test_realloc_of_null_and_to_nothing(mode: str) -> None:
    with MODES[mode]() as heap:
        a = heap.acquire()
        p = a.realloc(0, 100)
        assert heap.usable_size(p) == 112
        for size in (100, 2000, 2 * CHUNK):
            assert a.realloc(a.malloc(size), 0) == 0
        statistics = heap.statistics()
        assert sum(each.live for each in statistics.sizeclasses) == 1
        assert statistics.large_objects == 0
        heap.check()


@every_mode
@pytest.mark.parametrize("size", [16, 2000, CHUNK])
def test_realloc_that_fails_keeps_the_old_object(mode: str, size: int) -> None:
    with MODES[mode](reserve=tiny_reserve(3)) as heap:
        a, record = heap.acquire(), record_of(heap)
        p = a.malloc(size)
        old = record.enter(p, size, heap.usable_size(p))
        with pytest.raises(sn.HeapExhausted):
            a.realloc(p, 8 * CHUNK)
        record.intact(old)
        heap.check()
        assert a.usable_size(p) == old.usable
        a.free(record.leave(p).start)
        heap.check()


# Alignment.


@every_mode
def test_aligned_alloc(mode: str) -> None:
    with MODES[mode]() as heap:
        a, record = heap.acquire(), record_of(heap)
        for bits in range(18):  # to 16 chunks
            for size in (0, 1, 48, 100, 900, 1500, 5000, CHUNK + 1):
                p = a.aligned_alloc(1 << bits, size)
                record.enter(p, size, heap.usable_size(p), 1 << bits)
        record.all_intact()
        heap.check()
        while len(record):
            a.free(record.leave(record[0].start).start)
        heap.check()
        assert heap.statistics().large_objects == heap.statistics().superslabs == 0


@every_mode
@pytest.mark.parametrize("alignment", [0, -1, -16, 3, 24, 100, (1 << 20) + 1])
def test_alignment_that_is_no_power_of_two(mode: str, alignment: int) -> None:
    with MODES[mode]() as heap:
        with pytest.raises(ValueError, match=rf"aligned_alloc\({alignment}, .*power of two"):
            heap.aligned_alloc(alignment, 16)
        heap.check()


# From an inside pointer to its object.


@every_mode
def test_object_start_and_end(mode: str) -> None:
    with MODES[mode]() as heap:
        a = heap.acquire()
        short = [a.malloc(48) for _ in range(17)]  # all of a short slab: (1024 - 192) // 48
        full = [a.malloc(320) for _ in range(3)]
        assert short[0] & -CHUNK == short[0] & -SLAB
        assert full[0] & -CHUNK != full[0] & -SLAB
        medium = [a.malloc(1280) for _ in range(6)]
        for objects, size in ((short, 48), (full, 320), (medium, 1280)):
            for p in objects:
                for inside in range(size):
                    assert heap.object_start(p + inside) == p
                    assert heap.object_end(p + inside) == p + size
                assert heap.usable_size(p + size // 2) == size
        for header in (short[0] & -CHUNK, short[0] - 1, full[0] - 1, medium[0] & -CHUNK, medium[0] - 1):
            with pytest.raises(sn.InvalidPointer, match=r"no object of this heap is around .* \(§2\.4\)"):
                heap.object_start(header)


class CountedBytes:
    """Bytes that count how often they are read."""

    def __init__(self, u8: memoryview[int]) -> None:
        self._u8 = u8
        self.reads = 0

    def __getitem__(self, index: int) -> int:
        self.reads += 1
        return self._u8[index]


@pytest.mark.parametrize("bits", range(9))
def test_the_start_of_a_large_object_is_found_in_logarithmically_many_jumps(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        heap.malloc(CHUNK)
        p = heap.malloc(CHUNK << bits)
        counted = CountedBytes(heap.memory.u8)
        monkeypatch.setattr(heap._pagemap, "_u8", counted)
        most = 0
        for chunk in range(1 << bits):
            counted.reads = 0
            address = p + chunk * CHUNK + chunk * 31 % CHUNK
            assert heap.object_start(address) == p
            most = max(most, counted.reads)
            assert heap.object_end(address) == p + (CHUNK << bits)
        assert most <= bits + 3  # one for each jump, the start's, and those that ask which kind it is


@every_mode
def test_no_object_around(mode: str) -> None:
    with MODES[mode]() as heap:
        p = heap.malloc(CHUNK)
        heap.free(p)
        behind = heap.layout.end
        for address in (0, 1, heap.own().address, heap.layout.pagemap, p, p + 100, behind, 1 << 70, -1, -p):
            for look in (heap.object_start, heap.object_end, heap.usable_size, heap.view):
                with pytest.raises(sn.InvalidPointer, match=f"around {address:#x}: "):
                    look(address)


# Looking on.


@every_mode
def test_chunk_map(mode: str) -> None:
    with MODES[mode]() as heap:
        assert heap.chunk_map() == ()
        a, b = heap.acquire(), heap.acquire(number=9)
        a.malloc(16)
        a.malloc(1024)
        medium = [b.malloc(2048) for _ in range(2)]
        first = heap.layout.first_chunk
        large = a.malloc(2 * CHUNK)
        skipped = (large - first) // CHUNK - 2
        entries = heap.chunk_map()
        assert [entry.address for entry in entries] == list(range(first, large + 2 * CHUNK, CHUNK))
        kinds = ["superslab", "medium", *["free"] * skipped, "large", "jump"]
        assert [entry.kind for entry in entries] == kinds
        assert entries[0] == sn.ChunkEntry(first, "superslab", 1, 2, 8, None)
        assert entries[1] == sn.ChunkEntry(first + CHUNK, "medium", 9, 2, 3, 23)
        assert (entries[-2].owner, entries[-1].owner) == (0, 0)
        for p in medium:
            b.free(p)
        a.free(large)
        entries = heap.chunk_map()
        assert [entry.kind for entry in entries] == ["superslab", *["free"] * (len(kinds) - 1)]
        assert entries[1] == sn.ChunkEntry(first + CHUNK, "free", 0, 0, 0, None)
        with pytest.raises(dataclasses.FrozenInstanceError):
            entries[0].kind = "free"  # type: ignore[misc]


@every_mode
def test_statistics_of_objects(mode: str) -> None:
    sizes = Sizes(SLAB, CHUNK)
    with MODES[mode]() as heap:
        a, b = heap.acquire(), heap.acquire()
        objects = {size: [a.malloc(size) for _ in range(7)] for size in (16, 100, 1024, 2000)}
        large = [a.malloc(CHUNK), b.malloc(3 * CHUNK)]
        statistics = heap.statistics()
        assert [each.size for each in statistics.sizeclasses] == sizes.classes
        assert [each.sizeclass for each in statistics.sizeclasses] == list(range(len(sizes.classes)))
        live = {each.size: (each.live, each.slabs) for each in statistics.sizeclasses if each.live}
        assert live == {16: (7, 1), 112: (7, 1), 1024: (7, 7), 2048: (7, 3)}
        assert (statistics.superslabs, statistics.medium_slabs, statistics.large_objects) == (2, 3, 2)
        assert statistics.reserved == heap.memory.space.size
        for p in objects[100][:3]:
            b.free(p)
        for p in large:
            b.free(p)  # nobody's: never a message
        after = heap.statistics()
        by_size = {each.size: each for each in after.sizeclasses}
        assert (by_size[112].live, by_size[112].in_flight) == (4, 3)
        assert (after.in_flight, after.sent, after.large_objects) == (3, 3, 0)
        for name in ("superslabs", "sent", "sizeclasses"):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(after, name, 0)
        assert statistics.large_objects == 2  # a record, not a view


@every_mode
def test_statistics_of_messages_add_up(mode: str) -> None:
    with MODES[mode]() as heap:
        a, b, c = (heap.acquire(number=number) for number in (1, 5, 3))  # 1 and 5: the same bucket of 4
        ours, theirs = [a.malloc(48) for _ in range(18)], [b.malloc(48) for _ in range(3)]
        for p in (ours[0], *theirs, *ours[1:]):
            c.free(p)
        three = heap.statistics().allocators[2]
        assert three.number == 3
        # 21 * 48 are 1008 bytes, and at 1024 they would be posted.
        assert (three.sent, three.posts, three.cached_bytes, three.remote_freed_bytes) == (21, 0, 1008, 1008)
        c.free(b.malloc(16))
        three = heap.statistics().allocators[2]
        assert (three.sent, three.posts, three.batches, three.cached_bytes) == (22, 1, 1, 0)
        assert (three.remote_freed_bytes, three.remote_posted_bytes) == (1024, 1024)
        a.handle_message_queue()
        one, five, _ = heap.statistics().allocators
        # The list went to the owner of its first object; its newest message, one for `b`, stays there.
        assert (one.received, one.forwarded, one.cached_bytes) == (18, 3, 144)
        assert (five.received, five.forwarded) == (0, 0)
        for _ in range(3):
            for allocator in (a, b, c):
                allocator.post()
                allocator.handle_message_queue()
        statistics = heap.statistics()
        for name in ("sent", "received", "forwarded", "posts", "batches"):
            assert getattr(statistics, name) == sum(getattr(each, name) for each in statistics.allocators)
        assert statistics.hops == statistics.received + statistics.forwarded
        assert statistics.in_flight == statistics.sent - statistics.received
        assert statistics.in_flight == sum(each.in_flight for each in statistics.sizeclasses)
        assert statistics.received == sum(each.received for each in statistics.allocators) >= 20
        assert statistics.atomics.exchanges == statistics.batches
        for kind in dataclasses.fields(sn.AtomicCounts):
            total = getattr(statistics.atomics, kind.name)
            assert total >= sum(getattr(each.atomics, kind.name) for each in statistics.allocators)
        counts = dataclasses.asdict(statistics.atomics)
        assert statistics.atomics.total == sum(counts.values())
        heap.check()


@every_mode
@every_strategy
def test_committed_is_what_is_in_use(mode: str, decommit: sn.Decommit) -> None:
    """A large object commits the pages it uses, also after it was reallocated within its address space."""
    page = sn.CLASSROOM.page_size
    with MODES[mode](decommit=decommit) as heap:
        assert heap.statistics().committed == 0
        heap.free(heap.malloc(3 * CHUNK))
        before = heap.statistics().committed  # first pages of free blocks, with their links
        p = heap.malloc(2 * CHUNK + 1)
        assert heap.statistics().committed == before + 2 * CHUNK  # a page more, one page of which was kept
        assert heap.realloc(p, 4 * CHUNK) == p
        assert heap.statistics().committed == before + 4 * CHUNK - page
        heap.free(p)
        assert heap.statistics().committed == before
