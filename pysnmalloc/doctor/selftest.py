"""Checks of the allocator: random operations, two threads, a recorded program.

    random operations    three allocators free each other's objects; all laws are checked regularly
    two threads          one allocates and writes, the other verifies and frees
    replays              a recorded program of six threads

The law: every object keeps its contents, and at the end no object is live and none
is in flight.
"""

from __future__ import annotations

import queue
import random
import threading

from ..allocator import Allocator
from ..config import CLASSROOM, PAPER_1MIB, Config
from ..heap import Heap
from ..replay import Order, read_shipped, replay
from ..replay.contents import Contents, Difference
from .check import More, demand

__all__ = ["classroom", "classroom_checked", "one_mib", "producer_consumer", "real", "recorded"]

MIB = 1 << 20
OPERATIONS = 60_000  # random operations on each configuration
BETWEEN_CHECKS = 1_000
MOST_LIVE = 400
HANDED_OVER = 60_000  # objects passed from producer to consumer
REPLAYS = 10


class _Churn:
    """Random operations of a few allocators, with verified contents."""

    def __init__(self, heap: Heap, seed: int) -> None:
        self._random = random.Random(seed)
        self._allocators = [heap.acquire() for _ in range(3)]
        self._contents = Contents(heap.memory.u8)
        self._live: dict[int, tuple[int, int]] = {}
        self._made = 0
        self._largest = heap.config.chunk_size

    def step(self) -> None:
        """Allocate, reallocate or free one object, by any allocator."""
        allocator = self._random.choice(self._allocators)
        draw = self._random.random()
        if not self._live or (draw < 0.55 and len(self._live) < MOST_LIVE):
            self._keep(*self._allocate(allocator, zeroed=draw > 0.4))
            return
        thing = self._random.choice(list(self._live))
        address, size = self._live.pop(thing)
        self._demand_same(self._contents.verify(thing, address, size), address)
        if draw < 0.95:
            allocator.free(address)
        else:
            self._keep(allocator.realloc(address, size + 1), size + 1)

    def _allocate(self, allocator: Allocator, *, zeroed: bool) -> tuple[int, int]:
        """Return the address and size of a new object."""
        size = self._size()
        if not zeroed:
            return allocator.malloc(size), size
        address = allocator.calloc(1, size)
        self._demand_same(self._contents.verify_zero(address, size), address)
        return address, size

    def _size(self) -> int:
        """Return a size: usually small, sometimes large."""
        most = self._random.choice((64, 64, 512, 512, 2048, self._largest // 2, 2 * self._largest))
        return self._random.randint(1, min(most, 2 * MIB))

    def _keep(self, address: int, size: int) -> None:
        """Write an object's pattern, and record the object as live."""
        self._made += 1
        self._contents.fill(self._made, address, size)
        self._live[self._made] = address, size

    def _demand_same(self, wrong: Difference | None, address: int) -> None:
        """Fail if contents differ."""
        demand(wrong is None, f"object at {address:#x}: offset, expected and found byte are {wrong}")

    def finish(self) -> None:
        """Free all live objects."""
        for thing, (address, size) in self._live.items():
            self._demand_same(self._contents.verify(thing, address, size), address)
            self._allocators[0].free(address)
        self._live.clear()


def _random_operations(config: Config, more: More, *, checked: bool) -> str:
    """Random operations by three allocators preserve contents and laws."""
    done = 0
    with Heap(config, checked=checked) as heap:
        churn = _Churn(heap, seed=2019)
        while done == 0 or (done < OPERATIONS and more()):
            for _ in range(BETWEEN_CHECKS):
                churn.step()
            done += BETWEEN_CHECKS
            heap.check()
        churn.finish()
        heap.check()
    return f"{done:,} operations, all laws checked {done // BETWEEN_CHECKS + 1} times"


def classroom(more: More) -> str:
    """Run random operations with the smallest configuration."""
    return _random_operations(CLASSROOM, more, checked=False)


def classroom_checked(more: More) -> str:
    """Run random operations in checked mode."""
    return _random_operations(CLASSROOM, more, checked=True)


def one_mib(more: More) -> str:
    """Run random operations with the paper's second configuration."""
    return _random_operations(PAPER_1MIB, more, checked=False)


Belt = queue.SimpleQueue[tuple[int, int, int] | None]
"""From producer to consumer: object, address, size; None at the end."""


def producer_consumer(more: More) -> str:
    """One thread allocates, another frees; contents survive, and all objects come home."""
    with Heap(PAPER_1MIB.replace(remote_cache=8192)) as heap:
        belt: Belt = queue.SimpleQueue()
        wrong: list[str] = []
        consumer = threading.Thread(target=_consume, args=(heap, belt, wrong), name="consumer")
        consumer.start()
        allocator = heap.acquire()
        try:
            made = _produce(heap, allocator, belt, more)
        finally:
            belt.put(None)
            consumer.join()
        demand(not wrong, "; ".join(wrong[:1]))
        while not allocator.queue.is_empty():
            allocator.handle_message_queue()
        heap.check()
        statistics = heap.statistics()
        live = sum(each.live for each in statistics.sizeclasses)
        demand(live == 0, f"{live:,} objects are still live after all were freed")
        demand(statistics.in_flight <= 1, f"{statistics.in_flight:,} objects did not come home")
    return f"{made:,} objects written by one thread, verified and freed by another"


def _produce(heap: Heap, allocator: Allocator, belt: Belt, more: More) -> int:
    """Allocate, write and pass on objects; return their number."""
    contents, sizes = Contents(heap.memory.own_views().u8), random.Random(1)
    made = 0
    while made == 0 or (made < HANDED_OVER and more()):
        for _ in range(BETWEEN_CHECKS):
            made += 1
            size = sizes.randint(1, 600)
            address = allocator.malloc(size)
            contents.fill(made, address, size)
            belt.put((made, address, size))
    return made


def _consume(heap: Heap, belt: Belt, wrong: list[str]) -> None:
    """Verify and free the objects that arrive; record faults."""
    try:
        contents = Contents(heap.memory.own_views().u8)
        with heap.allocator() as allocator:
            while (item := belt.get()) is not None:
                thing, address, size = item
                difference = contents.verify(thing, address, size)
                if difference is not None:
                    wrong.append(f"object {thing}: offset, expected, found are {difference}")
                allocator.free(address)
    except Exception as error:
        wrong.append(f"{type(error).__name__}: {error}")


def _replays(order: Order, more: More) -> str:
    """A recorded program runs with verified contents, and all its objects come home."""
    trace = read_shipped("pbzip2")
    done = 0
    while done == 0 or (done < REPLAYS and more()):
        replay(trace, threads=order)
        done += 1
    return f"{len(trace.ops):,} calls of pbzip2 by {trace.threads} threads, replayed {done} time{'s' * (done > 1)}"


def recorded(more: More) -> str:
    """Replay in recorded order."""
    return _replays("recorded", more)


def real(more: More) -> str:
    """Replay with real threads."""
    return _replays("real", more)
