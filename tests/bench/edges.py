"""What a loop costs that is not the usual one: an object alone, a million objects in random order, messages."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pysnmalloc as sn
from pysnmalloc.allocator import Allocator

from .harness import Figure, Slice, interleave, interpreter, ratio, timed
from .subjects import Free, Malloc, keep_some_live, libc

__all__ = ["figures_of_edges"]

PAIRS = 300
FEW, MANY = 1_000, 1_000_000
REPLACED = 20_000
RANDOM_SIZES, ONE_CLASS = (16, 516), (225, 256)
MESSAGES = 20_000


def figures_of_edges() -> list[Figure]:
    """Each row against the same without what makes it special; bounds are those of the default Python."""
    bounds = (12.0, 10.0, 1.4, None, 2.0) if interpreter() == "3.11" else (None,) * 5
    return [
        _alone("free(malloc(64)) on an empty heap / with another object live", sn.PAPER, 64, bounds[0]),
        _alone("free(malloc(3000)) alone, classroom / a small pair with another live", sn.CLASSROOM, 3000, bounds[1]),
        _replaced("random replacements, 1,000,000 / 1,000 live, over libc's", RANDOM_SIZES, bounds[2]),
        _replaced("the same with sizes of one size class, over libc's", ONE_CLASS, bounds[3]),
        _messages(bounds[4]),
    ]


def _pairs(malloc: Malloc, free: Free, size: int) -> Slice:
    """free(malloc(size)), again and again."""

    def work() -> None:
        for _ in range(PAIRS):
            free(malloc(size))

    return timed(work, PAIRS, lead=work)


def _alone(name: str, config: sn.Config, size: int, bound: float | None) -> Figure:
    """An object that comes and goes alone takes a chunk and gives it back each time."""
    alone, among = sn.Heap(config).acquire(), sn.Heap(config).acquire()
    among.malloc(64)
    subjects = {
        "pysnmalloc": _pairs(alone.malloc, alone.free, size),
        "among": _pairs(among.malloc, among.free, 64),
    }
    return Figure(name, *ratio(interleave(subjects, rounds=60), "pysnmalloc", "among"), bound)


def _replacing(functions: tuple[Malloc, Free], sizes_between: tuple[int, int], live: int) -> Slice:
    """Replace random ones of so many objects by others."""
    malloc, free = functions
    dice = random.Random(20190623)
    objects = [malloc(dice.randint(*sizes_between)) for _ in range(live)]

    def run(count: int = REPLACED) -> float:
        sizes = [dice.randint(*sizes_between) for _ in range(count)]
        places = [dice.randrange(live) for _ in range(count)]
        start = time.perf_counter_ns()
        for size, place in zip(sizes, places, strict=True):
            free(objects[place])
            objects[place] = malloc(size)
        return (time.perf_counter_ns() - start) / count

    run(2 * live)  # no longer fresh
    return run


def _replaced(name: str, sizes: tuple[int, int], bound: float | None) -> Figure:
    """A million live objects against a thousand, divided by what that ratio is for libc.

    Among a thousand objects of random sizes hardly a slab gets full. Among a million, nine of ten frees find a full
    slab and take more steps. Within one class most frees do so in both heaps, and it is the caches that differ.
    """
    few, many = sn.Heap(sn.PAPER).acquire(), sn.Heap(sn.PAPER).acquire()
    times = interleave(
        {
            "few": _replacing((few.malloc, few.free), sizes, FEW),
            "libc few": _replacing(libc(), sizes, FEW),
            "many": _replacing((many.malloc, many.free), sizes, MANY),
            "libc many": _replacing(libc(), sizes, MANY),
        },
        rounds=15,
        warm_up=2,
    )
    ours = [many / few for many, few in zip(times["many"], times["few"], strict=True)]
    theirs = [many / few for many, few in zip(times["libc many"], times["libc few"], strict=True)]
    value, (one, other) = ratio({"pysnmalloc": ours, "libc": theirs}, "pysnmalloc", "libc")
    note = f"times more than with 1,000 live: {one:.2f}, libc {other:.2f}"
    _, pair = ratio(times, "many", "few")
    return Figure(name, value, pair, bound, note=note)


def _messages(bound: float | None) -> Figure:
    """A free that becomes a message, with posting, receiving and freeing at home, against an own free."""
    heap, other = sn.Heap(sn.PAPER), sn.Heap(sn.PAPER)
    owner, sender, own = heap.acquire(), heap.acquire(), other.acquire()
    for allocator in (owner, own):
        keep_some_live(allocator)

    def come_home() -> None:
        sender.post()
        while not owner.queue.is_empty():
            owner.receive()

    subjects = {
        "pysnmalloc": _freeing(owner, sender.free, come_home),
        "own": _freeing(own, own.free, lambda: None),
    }
    times = interleave(subjects, rounds=40)
    return Figure("a free by message, with its way home / an own free", *ratio(times, "pysnmalloc", "own"), bound)


def _freeing(owner: Allocator, free: Free, finish: Callable[[], None]) -> Slice:
    """Free objects of an allocator, which are allocated before the clock runs."""

    def run() -> float:
        objects = [owner.malloc(48) for _ in range(MESSAGES)]
        start = time.perf_counter_ns()
        for address in objects:
            free(address)
        finish()
        return (time.perf_counter_ns() - start) / MESSAGES

    return run
