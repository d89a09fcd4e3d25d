"""Calls from inside a call: finalizers, callbacks of weak references and of the collector, handlers of signals.

free      is kept and done when the outer call ends: no object is lost, none is free twice
malloc    works where it can, and is refused in words elsewhere
"""

from __future__ import annotations

import gc
import signal
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

import pysnmalloc as sn
from tests.injector import at_point

MODES = ["fast", "plain", "checked", "recorded"]
SIZES = (16, 40, 240, 900, 3000, 20_000)


def heap_of(mode: str) -> sn.Heap:
    record = sn.Recording(limit=10) if mode == "recorded" else None
    return sn.Heap(sn.CLASSROOM, fast=mode == "fast", checked=mode == "checked", record=record)


@contextmanager
def eager_collector() -> Iterator[None]:
    """Let the collector run after every few new objects, also in the middle of calls."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()  # so that it looks at new objects only
    gc.set_threshold(3, 0, 3)  # without the GIL, 0 lets it run although few objects are new
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.collect()
        gc.unfreeze()


@contextmanager
def rare_collector() -> Iterator[None]:
    """Let the collector run only when it is called, and look at new objects only."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.collect()
        gc.unfreeze()


class Owner:
    """Owns an object, and frees it when the collector finds it, since it refers to itself."""

    def __init__(self, heap: sn.Heap, size: int) -> None:
        self.heap = heap
        self.address = heap.malloc(size)
        self.itself = self

    def __del__(self) -> None:
        self.heap.free(self.address)


def nothing_is_left(heap: sn.Heap) -> None:
    """Every object came home, and every law holds."""
    for _ in range(4):  # a message takes at most one step for each digit of an allocator's number
        for allocator in heap.allocators:
            while not allocator.queue.is_empty():
                allocator.receive()
            allocator.post()
    heap.check()
    statistics = heap.statistics()
    assert [each.live for each in statistics.sizeclasses if each.live] == []
    assert statistics.large_objects == 0
    assert statistics.in_flight <= len(statistics.allocators)  # the newest message of a queue stays in it


@pytest.mark.parametrize("mode", MODES)
def test_finalizers_free_in_the_middle_of_calls(mode: str) -> None:
    """The collector runs where Python lets it."""
    with heap_of(mode) as heap:
        with eager_collector():
            for turn in range(1500):
                Owner(heap, SIZES[turn % len(SIZES)])
                heap.free(heap.malloc(SIZES[turn % 5]))
        nothing_is_left(heap)


@pytest.mark.parametrize("mode", MODES)
def test_the_collector_runs_at_a_point_of_each_call(mode: str) -> None:
    with heap_of(mode) as heap:
        with rare_collector():
            for turn in range(300):
                Owner(heap, SIZES[turn % len(SIZES)])
                with at_point(turn % 150 + 1, gc.collect):
                    heap.free(heap.malloc(SIZES[turn % 5]))
        nothing_is_left(heap)
        assert heap.statistics().kept_frees > 10


@pytest.mark.parametrize("mode", MODES)
def test_finalizers_free_what_other_threads_allocated(mode: str) -> None:
    """The collector runs in any thread, so a finalizer frees objects of all of them."""
    errors: list[BaseException] = []

    def work(heap: sn.Heap) -> None:
        try:
            for turn in range(300):
                Owner(heap, SIZES[turn % len(SIZES)])
                heap.free(heap.malloc(SIZES[turn % 5]))
        except BaseException as error:
            errors.append(error)

    with heap_of(mode) as heap:
        with eager_collector():
            threads = [threading.Thread(target=work, args=(heap,)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert errors == []
        nothing_is_left(heap)


@pytest.mark.parametrize("mode", MODES)
def test_callbacks_of_weak_references_free(mode: str) -> None:
    class Node:
        itself: Node

    def owner(heap: sn.Heap) -> weakref.ref[Node]:
        node, address = Node(), heap.malloc(40)
        node.itself = node
        return weakref.ref(node, lambda _: heap.free(address))

    with heap_of(mode) as heap:
        with eager_collector():
            held = [owner(heap) for _ in range(500)]
        assert all(each() is None for each in held)
        nothing_is_left(heap)


@pytest.mark.parametrize("mode", MODES)
def test_the_collectors_callbacks_allocate_where_they_can(mode: str) -> None:
    mine: list[int] = []
    refused: list[str] = []

    with heap_of(mode) as heap:

        def collected(phase: str, _: dict[str, int]) -> None:
            if phase == "start" and len(mine) < 1000:
                try:
                    mine.append(heap.malloc(100))
                except sn.Reentered as error:
                    refused.append(str(error))

        heap.own()
        gc.callbacks.append(collected)
        try:
            with eager_collector():
                for turn in range(1500):
                    heap.free(heap.calloc(1, SIZES[turn % len(SIZES)]))
        finally:
            gc.callbacks.remove(collected)
        assert mine
        assert all("was called from inside" in each and "only free may be called there" in each for each in refused)
        assert len(mine) == len(set(mine))
        for address in mine:
            heap.free(address)
        nothing_is_left(heap)


@pytest.mark.parametrize("mode", MODES)
def test_a_handler_of_a_signal_frees(mode: str) -> None:
    """A timer of the processor's time, whose handler frees, as a program may cache objects and drop them."""
    with heap_of(mode) as heap:
        own = heap.own()
        spare = [own.malloc(100) for _ in range(50)]

        def handler(*_: object) -> None:
            if spare:
                own.free(spare.pop())

        before = signal.signal(signal.SIGVTALRM, handler)
        signal.setitimer(signal.ITIMER_VIRTUAL, 1e-4, 1e-4)
        try:
            while spare:
                for size in SIZES:
                    own.free(own.malloc(size))
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)
        nothing_is_left(heap)


def test_a_free_while_a_thread_acquires_its_allocator_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """``heap.free`` from inside ``acquire``: there is no allocator yet to do it."""
    with sn.Heap(sn.CLASSROOM) as heap, heap.allocator() as other:
        address = other.malloc(100)
        make, seen = heap._make, list[str]()

        def interrupted(number: int) -> sn.Allocator:
            assert not seen
            heap.free(address)
            try:
                heap.malloc(1)
            except sn.Reentered as error:
                seen.append(str(error))
            return make(number)

        monkeypatch.setattr(heap, "_make", interrupted)
        heap.free(heap.malloc(40))
        assert "from inside acquire" in seen[0]
        assert heap.statistics().kept_frees == 1
        nothing_is_left(heap)
