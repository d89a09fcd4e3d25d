"""Forks while other threads use the heap: ``python -m tests.fork_load MODE``.

The collector is off, and this runs in an interpreter in which nothing was traced. Without the GIL, both stop all
threads, under a lock of CPython (3.13) that no fork holds: if a thread is waiting for it just then, the child waits
for ever as soon as it collects, or executes code that was traced. No heap can do anything about that.
"""

from __future__ import annotations

import gc
import random
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue

import pysnmalloc as sn
from tests.child import in_child
from tests.patterns import switching_often
from tests.scene import CONFIG

CHUNK = CONFIG.chunk_size
RESERVE = (1 << CONFIG.number_bits + CONFIG.allocator_bits) + 1000 * CHUNK
SIZES = (16, 40, 240, 700, 3000, CHUNK, 3 * CHUNK, 4 * CHUNK)
FORKS = 75  # in each mode


class Worker:
    """A thread that allocates, frees, and hands objects to others, which free them.

    Attributes:
        mine: the objects that it has and is not freeing. Only this thread changes the list, so a child can read it.
        given: objects that others have handed to it.
        turns: how many turns it has made.
    """

    def __init__(self, seed: int, heap: sn.Heap, go_on: threading.Event) -> None:
        self.mine: list[int] = []
        self.given: SimpleQueue[int] = SimpleQueue()
        self.turns = 0
        self.errors: list[BaseException] = []
        self._heap, self._go_on, self._random = heap, go_on, random.Random(seed)

    def turn(self, others: list[Worker]) -> None:
        """Allocate an object, hand one over, free one that was handed over; now and then, something else."""
        heap, chance = self._heap, self._random
        self.mine.append(heap.malloc(chance.choice(SIZES)))
        if len(self.mine) > 6:
            gone, other = self.mine.pop(chance.randrange(6)), chance.choice(others)
            if other.given.qsize() < 3:
                other.given.put(gone)
            else:
                heap.free(gone)
        with suppress(Empty):
            heap.free(self.given.get_nowait())
        self.turns += 1
        if self.turns % 16 == 0:
            with heap.allocator() as allocator:
                allocator.free(allocator.malloc(40))
            heap.notify_low_memory()
            with sn.Heap(CONFIG, reserve=heap.memory.space.size) as another:
                another.free(another.malloc(40))

    def run(self, others: list[Worker], stop: threading.Event) -> None:
        """Make turns until told to stop, and stand still while told so."""
        try:
            while not stop.is_set():
                self._go_on.wait()
                self.turn(others)
        except BaseException as error:
            self.errors.append(error)


@contextmanager
def working(heap: sn.Heap) -> Iterator[tuple[list[Worker], threading.Event]]:
    """Three threads that work, and a worker for the calling thread; the event is cleared to make them stand still."""
    stop, go_on = threading.Event(), threading.Event()
    workers = [Worker(seed, heap, go_on) for seed in range(4)]
    threads = [threading.Thread(target=worker.run, args=(workers, stop)) for worker in workers[1:]]
    for thread in threads:
        thread.start()
    go_on.set()
    try:
        yield workers, go_on
    finally:
        stop.set()
        go_on.set()
        for thread in threads:
            thread.join()
    for worker in workers:
        if worker.errors:
            raise worker.errors[0]


def load(mode: str) -> None:
    """Fork under load, many times. Every child must end, and find a heap with which it can go on."""
    record = sn.Recording(limit=0) if mode == "recorded" else None
    heap = sn.Heap(CONFIG, fast=mode == "fast", checked=mode == "checked", record=record, reserve=RESERVE)
    with switching_often(), working(heap) as (workers, go_on):
        others = workers[1:]
        for _ in range(FORKS):
            enough = sum(worker.turns for worker in others) + len(others)
            while sum(worker.turns for worker in others) < enough and not any(worker.errors for worker in others):
                workers[0].turn(workers)
            in_child(lambda: survive(heap, workers), forked=go_on.clear)
            go_on.set()
    heap.check()
    for allocator in heap.allocators:
        allocator.close()
    heap.closed = True  # without the report on leaks


def survive(heap: sn.Heap, workers: list[Worker]) -> None:
    """What the child does: it frees all objects that nobody was moving, and allocates others."""
    heap.check()
    own = heap.own()
    assert [each.lost for each in heap.allocators].count(False) >= 1
    assert not own.lost
    for worker in workers:
        for address in worker.mine:
            heap.free(address)
    for address in [heap.malloc(size) for size in SIZES]:
        heap.free(address)
    own.post()
    own.handle_message_queue()
    heap.cleanup_unused()
    heap.check()


if __name__ == "__main__":
    gc.disable()
    load(sys.argv[1])
    print(FORKS, "forks")
