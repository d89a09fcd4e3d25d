"""A scene: a small heap with objects of all kinds, and all calls that tests interrupt, on heaps in such a state.

Tests make a call on many scenes, each time with something else in the middle: a signal, an exception, a call, a fork.
"""

from __future__ import annotations

import signal
import sys
from bisect import bisect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest import mock

import pysnmalloc as sn
from pysnmalloc import Allocator
from pysnmalloc.atomics import AtomicCounts
from pysnmalloc.hotpath import allocator as hotpath
from pysnmalloc.inspection.statistics import heap_statistics

CONFIG = sn.CLASSROOM.replace(remote_cache=256, remote_batch=2)
RESERVE = (1 << CONFIG.number_bits + CONFIG.allocator_bits) + 24 * CONFIG.chunk_size
MODES = ["fast", "plain", "checked", "recorded"]


@dataclass
class Scene:
    """A small heap before a call.

    Attributes:
        one, two: its allocators, the first of which is called.
        mine, theirs: their objects.
        spare: another object, which a call from inside frees.
        made: what the call returned, if it allocates.
        gone: what is freed, by the preparation and by the call.
        inside: what a call from inside has allocated.
        waited: whether SIGINT came, and nothing was raised at that point.
    """

    heap: sn.Heap
    one: Allocator
    two: Allocator
    mine: list[int]
    theirs: list[int]
    spare: int
    made: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    inside: list[int] = field(default_factory=list)
    waited: bool = False

    def make(self, address: int) -> None:
        self.made.append(address)

    def drop(self, address: int) -> None:
        self.gone.append(address)
        self.one.free(address)


@contextmanager
def scene(mode: str) -> Iterator[Scene]:
    """A heap with objects of all kinds, among them a full slab.

    A fast allocator's tables end at 256 bytes, since each of their entries is a point, too.
    """
    with mock.patch.object(hotpath, "FAST_SIZES", 256):
        hotpath._sizeclasses.cache_clear()
        try:
            with _scene(mode) as s:
                yield s
        finally:
            hotpath._sizeclasses.cache_clear()


@contextmanager
def _scene(mode: str) -> Iterator[Scene]:
    record = sn.Recording(limit=100) if mode == "recorded" else None
    if record is not None:
        record.on = False
    heap = sn.Heap(CONFIG, reserve=RESERVE, fast=mode == "fast", checked=mode == "checked", record=record)
    one, two = heap.acquire(1), heap.acquire(2)
    size = CONFIG.slab_size // 4 - 16
    mine = [one.malloc(size) for _ in range(4)]  # the last one fills a slab
    mine += [one.malloc(40), one.malloc(2000), one.malloc(CONFIG.chunk_size + 1)]
    theirs = [two.malloc(24) for _ in range(12)]
    yield Scene(heap, one, two, mine, theirs, one.malloc(200))
    for allocator in heap.allocators:
        allocator.close()
    heap.closed = True  # without the report on leaks
    heap.memory.space.close()


def twice(s: Scene) -> None:
    """An object that comes and goes alone."""
    address = s.one.malloc(700)
    s.one.free(address)


def before_the_third(s: Scene) -> None:
    twice(s)
    twice(s)


def alone(s: Scene, size: int) -> None:
    """An object that comes and goes alone in its chunk, which becomes the lone chunk."""
    for address in (*s.mine, s.spare):
        s.one.free(address)
    s.mine.clear()
    s.spare = s.theirs[-1]
    for _ in range(3):
        s.one.free(s.one.malloc(size))


def pair(s: Scene, size: int) -> None:
    s.one.free(s.one.malloc(size))


def remote(s: Scene, count: int) -> None:
    for address in s.theirs[:count]:
        s.drop(address)


def posted(s: Scene) -> None:
    """Messages wait in the queue of the first allocator, two batches of them."""
    for address in [*s.mine[:5]]:
        s.two.free(address)
        s.gone.append(address)
    s.two.post()


def received(s: Scene) -> None:
    s.one.receive()
    s.one.receive()


def moved(s: Scene) -> None:
    s.gone.append(s.mine[4])
    s.make(s.one.realloc(s.mine[4], 500))


def given_back(s: Scene) -> None:
    s.heap.release(s.one)
    assert s.heap.acquire(1) is s.one


Step = Callable[[Scene], object]
NOTHING: Step = lambda _: None  # noqa: E731
CALLS: dict[str, tuple[Step, Step]] = {
    "malloc, bump pointer": (NOTHING, lambda s: s.make(s.one.malloc(40))),
    "malloc, free list": (lambda s: s.one.free(s.one.malloc(40)), lambda s: s.make(s.one.malloc(40))),
    "malloc, last object": (
        lambda s: s.one.free(s.mine.pop(1)),
        lambda s: s.make(s.one.malloc(CONFIG.slab_size // 4 - 16)),
    ),
    "malloc, new slab": (NOTHING, lambda s: s.make(s.one.malloc(500))),
    "malloc, new superslab": (
        lambda s: s.mine.extend(s.one.malloc(900) for _ in range(8)),
        lambda s: s.make(s.one.malloc(700)),
    ),
    "malloc, medium": (NOTHING, lambda s: s.make(s.one.malloc(1800))),
    "malloc, large": (NOTHING, lambda s: s.make(s.one.malloc(2 * CONFIG.chunk_size))),
    "malloc, with messages": (posted, lambda s: s.make(s.one.malloc(40))),
    "calloc": (NOTHING, lambda s: s.make(s.one.calloc(4, 10))),
    "calloc, large": (NOTHING, lambda s: s.make(s.one.calloc(3, CONFIG.chunk_size))),
    "aligned_alloc": (NOTHING, lambda s: s.make(s.one.aligned_alloc(64, 100))),
    "realloc": (NOTHING, moved),
    "free": (NOTHING, lambda s: s.drop(s.mine[4])),
    "free, full slab": (NOTHING, lambda s: s.drop(s.mine[1])),
    "free, last of its slab": (lambda s: s.theirs.append(s.two.malloc(500)), lambda s: s.drop(s.mine[4])),
    "free, medium": (NOTHING, lambda s: s.drop(s.mine[5])),
    "free, large": (NOTHING, lambda s: s.drop(s.mine[6])),
    "free, another's": (NOTHING, lambda s: remote(s, 2)),
    "free, until it is posted": (lambda s: remote(s, 7), lambda s: s.drop(s.theirs[8])),
    "alone, the third time": (before_the_third, twice),
    "alone in a superslab": (lambda s: alone(s, 40), lambda s: pair(s, 40)),
    "alone in a medium slab": (lambda s: alone(s, 1800), lambda s: pair(s, 1800)),
    "receive": (posted, received),
    "post": (lambda s: remote(s, 5), lambda s: s.one.post()),
    "release and acquire": (lambda s: remote(s, 3), given_back),
    "heap.malloc": (NOTHING, lambda s: s.make(s.heap.malloc(40))),
}


def live(s: Scene) -> int:
    """How many objects are live, as the bytes say."""
    statistics = heap_statistics(s.heap.shared, s.heap.allocators, AtomicCounts(), None)
    return sum(each.live for each in statistics.sizeclasses) + statistics.large_objects


def goes_on(heap: sn.Heap, allocator: Allocator, taken: dict[int, int]) -> None:
    """A hundred further calls: no two objects overlap, as a sorted list of ranges says that asks nobody."""
    ranges = sorted(taken.items())
    mine: list[tuple[int, int]] = []
    for turn in range(50):
        size = (16, 40, 240, 700, 3000)[turn % 5]
        address = allocator.malloc(size)
        new = address, address + size
        place = bisect(ranges, new)
        assert not place or ranges[place - 1][1] <= address, f"{address:#x} is in use"
        assert place == len(ranges) or new[1] <= ranges[place][0], f"{address:#x} is in use"
        ranges.insert(place, new)
        mine.append(new)
        if turn % 2:
            gone = mine.pop(turn * 7 % len(mine))
            allocator.free(gone[0])
            ranges.remove(gone)
    for address, _ in mine:
        allocator.free(address)
    heap.check()


def ranges_of(s: Scene, *, without: list[int]) -> dict[int, int]:
    """Where objects are that were allocated before the call and that it does not free."""
    return {
        address: address + s.heap.usable_size(address)
        for address in [*s.mine, *s.theirs]
        if address not in without and address not in s.gone
    }


# What comes in the middle.


class Outside(BaseException):
    """An exception that is none of ours, as a time limit raises."""


def interrupt(s: Scene | None = None) -> None:
    signal.raise_signal(signal.SIGINT)
    if s is not None:
        s.waited = True


def fail(_: object = None) -> None:
    raise Outside


@contextmanager
def lost_into(raised: list[BaseException]) -> Iterator[None]:
    """Note what Python cannot raise: an exception while a generator is closed."""
    before = sys.unraisablehook

    def note(lost: sys.UnraisableHookArgs) -> None:
        if isinstance(lost.exc_value, Outside):
            raised.append(lost.exc_value)
        else:
            before(lost)

    sys.unraisablehook = note
    try:
        yield
    finally:
        sys.unraisablehook = before
