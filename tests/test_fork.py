"""Fork: the child has a copy of the heap and one thread; it can go on, and the parent notices nothing.

What other threads were doing at that moment is reached on purpose: they stand at gates.
The child says what went wrong through a pipe, and never returns to pytest.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import pysnmalloc as sn
from pysnmalloc import Allocator
from tests.child import in_child
from tests.patterns import Gate, conserved, cut, intact, locks, settle, stamp, standing

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


MODES = pytest.mark.parametrize("mode", ["fast", "plain", "checked"])


@contextmanager
def heap_of(mode: str) -> Iterator[sn.Heap]:
    record = sn.Recording() if mode == "recorded" else None
    heap = sn.Heap(sn.CLASSROOM, fast=mode == "fast", checked=mode == "checked", record=record)
    try:
        yield heap
    finally:
        for allocator in heap.allocators:
            allocator.close()
        heap.closed = True  # without the report on leaks


@MODES
def test_the_child_goes_on_and_the_parent_is_not_touched(mode: str) -> None:
    with heap_of(mode) as heap:
        held = heap.acquire()
        objects = [(heap.malloc if tag % 2 else held.malloc)(40 * tag) for tag in range(1, 30)]
        for tag, address in enumerate(objects):
            stamp(heap, address, tag)
        large = heap.malloc(3 * heap.config.chunk_size)
        stamp(heap, large, 99)

        def child() -> None:
            assert all(intact(heap, address, tag) for tag, address in enumerate(objects))
            assert intact(heap, large, 99)
            heap.free(large)
            for address in objects:
                heap.view(address)[:] = bytes(len(heap.view(address)))
                held.free(address)
            for allocator in (heap.own(), held):
                assert not allocator.lost
                stamp(heap, allocator.malloc(100), 1)
            settle(heap, (heap.own(), held))
            heap.check()

        in_child(child)
        assert all(intact(heap, address, tag) for tag, address in enumerate(objects))
        assert intact(heap, large, 99)
        assert heap.statistics().large_objects == 1
        assert heap.statistics().sent == 0
        heap.check()
        for address in [large, *objects]:
            heap.free(address)
        settle(heap, (heap.own(), held))
        conserved(heap)


@MODES
def test_allocators_of_other_threads_are_lost_in_the_child_only(mode: str) -> None:
    with heap_of(mode) as heap:
        mine, objects = heap.acquire(), list[int]()

        def other(gate: Gate) -> None:
            allocator = heap.acquire(7)
            for tag in range(20):
                objects.append(allocator.malloc(100))
                stamp(heap, objects[-1], tag)
            gate.stop()
            for address in objects:
                allocator.free(address)

        def child() -> None:
            lost = next(allocator for allocator in heap.allocators if allocator.number == 7)
            assert (lost.lost, mine.lost) == (True, False)
            with pytest.raises(ValueError, match="already held"):
                heap.acquire(7)
            assert heap.acquire().number not in (7, mine.number)
            assert all(intact(heap, address, tag) for tag, address in enumerate(objects))
            for address in objects:
                mine.free(address)  # a message to nobody
            mine.post()
            assert not lost.queue.is_empty()
            mine.free(mine.malloc(100))
            heap.cleanup_unused()
            assert not lost.queue.is_empty()  # nobody ever drives it
            heap.check()
            assert len(heap.statistics().allocators) == 3

        with standing(other):
            in_child(child)
            assert not any(allocator.lost for allocator in heap.allocators)
            heap.check()
        settle(heap, heap.allocators)
        conserved(heap)


def test_a_thread_s_own_allocator_is_lost_too_and_not_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python drops the locals of threads that are not in the child; that must not end their leases.

    The thread has objects of others in its cache: giving its allocator back would post them, while the
    heap's locks are held over the fork.
    """
    with heap_of("fast") as heap:
        address, parent = heap.malloc(100), os.getpid()
        posted: list[int] = []

        def other(gate: Gate) -> None:
            heap.free(address)
            gate.stop()

        with standing(other):
            lost = heap.allocators[1]
            post = lost.post

            def watched() -> None:
                if os.getpid() != parent:
                    posted.append(lost.number)
                else:
                    post()

            monkeypatch.setattr(lost, "post", watched)

            def child() -> None:
                assert posted == []
                assert (lost.lost, lost.holder is None, lost in heap._pool) == (True, False, False)
                assert heap.acquire() is not lost
                heap.check()

            in_child(child)
        assert (lost.lost, lost.holder) == (False, None)
        settle(heap, [heap.own()])
        conserved(heap)


def test_allocators_in_the_pool_can_be_taken_up() -> None:
    with heap_of("fast") as heap:
        ended = heap.acquire(9)
        address = ended.malloc(100)
        stamp(heap, address, 9)
        heap.release(ended)

        def child() -> None:
            assert not ended.lost
            assert heap.acquire(9) is ended
            assert intact(heap, address, 9)
            ended.free(address)
            heap.check()

        in_child(child)
        assert intact(heap, address, 9)


@pytest.mark.parametrize("mode", ["fast", "plain"])
def test_a_queue_that_a_producer_had_cut_is_mended_in_the_child(mode: str) -> None:
    """The producer stands between exchange and link: in the child its messages are given up, later ones come."""
    with heap_of(mode) as heap:
        receiver, later = heap.acquire(1), heap.acquire(2)
        objects = [receiver.malloc(100) for _ in range(12)]
        later.free(objects[0])
        later.post()

        def producer(gate: Gate) -> None:
            allocator = heap.acquire(3)
            link = cut(allocator)
            for address in objects[1:4]:
                allocator.free(address)
            sending = threading.Thread(target=allocator.post)
            sending.start()
            link.reached()
            gate.stop()
            link.open()
            sending.join()
            heap.release(allocator)

        def child() -> None:
            assert receiver.queue.back() == objects[0]
            heap.check()
            for address in objects[4:8]:
                later.free(address)
            later.post()
            receiver.handle_message_queue()
            assert sum(receiver.messages.arrived) == 4
            assert list(receiver.queue.walk()) == [objects[7]]
            assert objects[1] not in [receiver.malloc(100) for _ in range(20)]  # given up, not handed out twice
            heap.check()

        with standing(producer):
            assert receiver.queue.back() == objects[3]
            assert list(receiver.queue.walk()) == [receiver.queue.stub, objects[0]]
            in_child(child)
            assert receiver.queue.back() == objects[3]
        assert list(receiver.queue.walk()) == [receiver.queue.stub, *objects[:4]]
        for address in objects[4:]:
            receiver.free(address)
        settle(heap, (receiver, later))
        conserved(heap)


# Locks.


_begun = [threading.Event()]


def _begin() -> None:
    _begun[-1].set()


@contextmanager
def forking(begun: threading.Event) -> Iterator[None]:
    """Set an event when a fork begins. Functions for that cannot be taken back, so there is one for all."""
    if len(_begun) == 1:
        os.register_at_fork(before=_begin)
    _begun.append(begun)
    yield
    _begun.append(threading.Event())


@pytest.mark.parametrize("name", ["atomics", "commitment", "pool", "checks", "recording"])
def test_no_lock_of_a_heap_is_held_in_the_child(name: str) -> None:
    """A thread that holds one makes the fork wait: here it lets go when the fork has begun, and not before."""
    with heap_of({"checks": "checked", "recording": "recorded"}.get(name, "fast")) as heap:
        heap.malloc(1)
        lock = locks(heap)[name]
        begun = threading.Event()

        def holder(gate: Gate) -> None:
            lock.acquire()
            gate.stop()
            begun.wait()
            lock.release()

        def child() -> None:
            for each, there in locks(heap).items():
                assert there.acquire(blocking=False), f"the lock of {each} is held by a thread that is not here"
                there.release()
            heap.free(heap.malloc(5 * heap.config.chunk_size))
            heap.check()

        with standing(holder) as gate:
            gate.open()
            with forking(begun):
                in_child(child)
        heap.free(heap.malloc(5 * heap.config.chunk_size))
        heap.check()


def test_a_chunk_in_the_hands_of_a_lost_thread_is_lost_and_breaks_no_law() -> None:
    """It was taken from the stacks and not yet entered in the page map."""
    with heap_of("fast") as heap:
        address = heap.malloc(100)
        allocator = heap.acquire(7)

        def other(gate: Gate) -> None:
            allocator.held_by(threading.get_ident())
            init = allocator.superslab.init

            def slow(superslab: int, owner: int) -> None:
                gate.stop()
                init(superslab, owner)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(type(allocator.superslab), "init", lambda _, superslab, owner: slow(superslab, owner))
                allocator.malloc(100)

        def child() -> None:
            assert allocator.lost
            heap.check()
            heap.free(address)
            heap.free(heap.malloc(3 * heap.config.chunk_size))

        with standing(other):
            in_child(child)
        heap.check()


def test_heaps_made_and_dropped_before_do_not_matter() -> None:
    """A closed heap and one that is garbage are in nobody's way."""
    closed = sn.Heap(sn.CLASSROOM)
    closed.close()
    node: list[object] = [sn.Heap(sn.CLASSROOM)]
    node.append(node)
    del node

    def child() -> None:
        with sn.Heap(sn.CLASSROOM) as heap:
            heap.free(heap.malloc(100))
            conserved(heap)
        with pytest.raises(sn.HeapClosed):
            closed.malloc(1)

    in_child(child)


def test_a_child_of_a_child() -> None:
    with heap_of("fast") as heap:
        address = heap.malloc(100)
        stamp(heap, address, 1)

        def grandchild() -> None:
            assert intact(heap, address, 1)
            assert isinstance(heap.own(), Allocator)
            heap.free(address)
            heap.check()

        def child() -> None:
            in_child(grandchild)
            assert intact(heap, address, 1)

        in_child(child)
