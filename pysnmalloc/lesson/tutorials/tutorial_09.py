"""Judges of tutorial 9, producers and consumers (§1, §2.2)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

from ...config import CLASSROOM, PAPER
from ...heap import Heap
from ..judging import Trouble, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

CASES = (  # objects, bytes per object, limit of the remote cache
    (20_000, 64, 1 << 20),
    (16_384, 64, 1 << 20),
    (16_385, 64, 1 << 20),
    (100, 48, 1024),
    (3, 2048, 1024),
    (7, 1024, 1024),
    (5, 16, 0),
    (1, 16, 1 << 20),
    (0, 16, 1 << 20),
)

NO_THREADS = "this Python cannot start threads; a browser cannot either. Do this exercise in Jupyter or VS Code."


@exercise("9.1")
def _exchanges(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by putting one object after another into a cache."""
    for objects, size, limit in CASES:
        posts = cached = 0
        for _ in range(objects):
            cached += size
            if cached >= limit:
                posts, cached = posts + 1, 0
        yield from call(answer, "exchanges", objects, size, limit, wanted=posts + (cached > 0))


class _Slow:
    """A channel whose producer is slow: it sometimes looks empty although more items will come."""

    def __init__(self, items: list[int | None]) -> None:
        self._items = items
        self._asked = 0

    def get(self) -> int | None:
        """Return the next item, as a queue does, but raise after the end instead of waiting forever."""
        if not self._items:
            raise EOFError("get() after the None: nothing more will come, so this would wait forever")
        return self._items.pop(0)

    def empty(self) -> bool:
        """Claim to be empty every third time."""
        self._asked += 1
        return not self._items or self._asked % 3 == 0


@exercise("9.2")
def _consume(answer: object) -> Iterator[Trouble | str]:
    """Run a heap with an owner and a consumer; its statistics tell whether every object was sent."""
    for count in (10, 0, 1):
        with Heap(PAPER) as heap:
            owner, consumer = heap.acquire(1), heap.acquire(2)
            objects = [owner.malloc(48) for _ in range(count)]
            channel = _Slow([*objects, None])
            tried = partial(answer, consumer, channel) if callable(answer) else answer
            yield from call(tried, "consume", wanted=None)
            statistics = heap.statistics()
            if statistics.sent != count:
                yield (
                    f"the channel carried {count} objects and then None, but {statistics.sent} objects were freed. A "
                    "channel that is empty now need not be at its end: the producer may be slow. Only None is the end."
                )
            if statistics.allocators[1].cached_bytes:
                yield (
                    f"all {count} objects were freed, but the consumer's remote cache still holds "
                    f"{statistics.allocators[1].cached_bytes} bytes that the owner will never see. What must a "
                    "consumer do when it has nothing more to free?"
                )


@exercise("9.3")
def _ring(answer: object) -> Iterator[Trouble | str]:
    """Run a heap with the answer's real threads; its statistics tell who freed what."""
    errors: list[str] = []
    before, threading.excepthook = threading.excepthook, lambda told: errors.append(repr(told.exc_value))
    try:
        with Heap(CLASSROOM) as heap:
            tried = partial(answer, heap, 3, 100) if callable(answer) else answer
            for trouble in call(tried, "ring", wanted=None):
                yield NO_THREADS if "can't start new thread" in trouble.words else trouble
            if errors:
                yield f"a thread ended with {errors[0]}."
            heap.cleanup_unused()
            yield from _ring_troubles(heap)
    finally:
        threading.excepthook = before


def _ring_troubles(heap: Heap) -> Iterator[Trouble | str]:
    """Yield the errors in a heap after three threads have each passed 100 objects to a neighbour."""
    statistics = heap.statistics()
    live = sum(each.live for each in statistics.sizeclasses)
    held = [allocator.number for allocator in heap.allocators if allocator.holder is not None]
    if live:
        yield (
            f"{live} of 300 objects were never freed. Does a thread look into its neighbour's box before the box is "
            "full? If so, it must wait. Threads that wait for each other must run at the same time."
        )
    if statistics.sent != 300:
        yield (
            f"{statistics.sent} of 300 objects were freed by an allocator that does not own them. Each thread must "
            "have an allocator of its own and free the objects that its neighbour allocated."
        )
    if held:
        yield f"a thread still holds allocator {held[0]}; wait for all threads to end before you return."
