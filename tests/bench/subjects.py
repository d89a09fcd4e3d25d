"""What is measured: calls of the allocator, and what they are held against."""

from __future__ import annotations

import ctypes
import gc
import random
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.heap import Heap as MultiprocessingHeap
from queue import SimpleQueue
from typing import Any

import pysnmalloc as sn
from pysnmalloc.replay import loop as replay_loop
from pysnmalloc.replay import read_shipped

from .harness import Figure, Slice, interleave, interpreter, ratio, spin, steady, timed

Malloc = Callable[[int], Any]  # what malloc returns is each subject's own: an address, a block
Free = Callable[[Any], object]

PAIRS = 3_000
LIVE = 10_000
CHURN = 2 * LIVE  # replacements in a slice


class ListHeap:
    """A list used as a free list, through two methods: the least that an allocator in Python can do."""

    def __init__(self) -> None:
        self._free = list(range(100))

    def malloc(self, size: int) -> int:  # noqa: ARG002
        return self._free.pop()

    def free(self, address: int) -> None:
        self._free.append(address)


def libc() -> tuple[Malloc, Free]:
    """The C library's malloc and free through ctypes."""
    library = ctypes.CDLL(None)
    library.malloc.restype = ctypes.c_void_p
    library.malloc.argtypes = [ctypes.c_size_t]
    library.free.restype = None
    library.free.argtypes = [ctypes.c_void_p]
    return library.malloc, library.free


def keep_some_live(allocator: sn.Allocator) -> None:
    """Let 250 objects live and 250 be free, as in a program; in an empty heap each pair takes a superslab."""
    some = [allocator.malloc(48) for _ in range(500)]
    for address in some[::2]:
        allocator.free(address)


def pairs(malloc: Malloc, free: Free, count: int = PAIRS) -> Slice:
    """malloc(48), free, again and again."""

    def work(count: int = count) -> None:
        for _ in range(count):
            address = malloc(48)
            free(address)

    return timed(work, count, lead=lambda: work(count // 10))


def figures_of_pairs() -> list[Figure]:
    """One pair of calls against the C library, ``multiprocessing.heap`` and a list."""
    heap = sn.Heap(sn.PAPER)
    allocator = heap.acquire()
    keep_some_live(allocator)
    other, floor = MultiprocessingHeap(), ListHeap()
    times = interleave(
        {
            "pysnmalloc": pairs(allocator.malloc, allocator.free),
            "libc": pairs(*libc()),
            "multiprocessing": pairs(other.malloc, other.free, 300),
            "list": pairs(floor.malloc, floor.free),
        },
        rounds=150,
    )
    version = interpreter()
    against_libc = {"3.11": 1.05, "3.13": 0.90, "3.13t": 1.20, "3.14": 1.05, "3.15": 1.05}.get(version)
    return [
        Figure("malloc(48)+free / libc by ctypes", *_of(times, "libc"), against_libc),
        Figure("malloc(48)+free / multiprocessing.heap", *_of(times, "multiprocessing"), 0.13),
        Figure("malloc(48)+free / list as free list", *_of(times, "list"), 6.0 if version == "3.11" else None),
    ]


def churn(malloc: Malloc, free: Free) -> Slice:
    """Replace objects of random sizes, 16 to 1024 bytes, 10,000 of them live, in random order."""
    generator = random.Random(20190623)
    live = [malloc(generator.randint(16, 1024)) for _ in range(LIVE)]

    def run() -> float:
        sizes = [generator.randint(16, 1024) for _ in range(CHURN)]
        places = [generator.randrange(LIVE) for _ in range(CHURN)]
        start = time.perf_counter_ns()
        for size, place in zip(sizes, places, strict=True):
            free(live[place])
            live[place] = malloc(size)
        return (time.perf_counter_ns() - start) / (2 * CHURN)

    return run


def figures_of_churn() -> list[Figure]:
    """Random sizes against ``multiprocessing.heap``, per call."""
    heap = sn.Heap(sn.PAPER)
    allocator, other = heap.acquire(), MultiprocessingHeap()
    times = interleave(
        {
            "pysnmalloc": churn(allocator.malloc, allocator.free),
            "multiprocessing": churn(other.malloc, other.free),
        },
        rounds=25,
        warm_up=3,  # until every object was replaced six times: heaps are slower when they are not fresh
    )
    return [Figure("random sizes, 10,000 live / multiprocessing.heap", *_of(times, "multiprocessing"), 0.15)]


def grow_and_shrink(malloc: Malloc, free: Free, live: int) -> Slice:
    """Allocate so many objects of 48 bytes, then free them, oldest first."""
    total = max(live, 20_000)

    def work() -> None:
        for _ in range(total // live):
            objects = [malloc(48) for _ in range(live)]
            for address in objects:
                free(address)

    return timed(work, 2 * total)


def figures_of_scale() -> list[Figure]:
    """A million live objects against a thousand, per call: first all are allocated, then all are freed."""
    heap = sn.Heap(sn.PAPER)
    allocator = heap.acquire()
    times = interleave(
        {
            "pysnmalloc": grow_and_shrink(allocator.malloc, allocator.free, 1_000_000),
            "thousand": grow_and_shrink(allocator.malloc, allocator.free, 1_000),
        },
        rounds=5,
        warm_up=1,
    )
    pair = interleave({"thousand": _pairs_among(1_000), "pysnmalloc": _pairs_among(1_000_000)}, rounds=60)
    return [
        Figure("1,000,000 live / 1,000 live, all allocated then all freed", *_of(times, "thousand"), 1.3),
        Figure("1,000,000 live / 1,000 live, malloc(48)+free among them", *_of(pair, "thousand"), 1.3),
    ]


def _pairs_among(live: int) -> Slice:
    """Pairs of calls in a heap of so many live objects."""
    allocator = sn.Heap(sn.PAPER).acquire()
    for _ in range(live):
        allocator.malloc(48)
    return pairs(allocator.malloc, allocator.free)


def figures_of_replay() -> list[Figure]:
    """The shipped Redis trace in recorded order, not verified, against the same loop calling empty functions."""
    trace = read_shipped("redis-lazyfree")
    threads = sorted({op.thread for op in trace.ops})
    ops = replay_loop.compact(trace.ops, threads)

    def real() -> float:
        heap = sn.Heap(sn.PAPER)
        addresses = replay_loop.address_table(trace.objects)
        tables = replay_loop.tables(trace.ops, {thread: heap.acquire() for thread in threads}, addresses)
        taken = timed(lambda: replay_loop.run(ops, *tables, addresses), len(ops))()
        heap.close()
        return taken

    def empty() -> float:
        mallocs, frees = [lambda size: size] * (3 * len(threads)), [lambda _: None] * len(threads)
        addresses = replay_loop.address_table(trace.objects)
        return timed(lambda: replay_loop.run(ops, mallocs, frees, addresses), len(ops))()

    times = interleave({"pysnmalloc": real, "empty": empty}, rounds=9, warm_up=1)
    return [Figure("replay of the Redis trace / the loop with empty functions", *_of(times, "empty"), 6.0)]


def figures_of_threads() -> list[Figure]:
    """Two threads against one, own objects; and producer and consumer against ``multiprocessing.heap``."""
    return [_scaling(), _producer_consumer()]


Checked = tuple[float, list[int]]  # a slice's time, and the spins before and after it, of each of its threads


def _scaling() -> Figure:
    """Throughput of two threads with an allocator each, over that of one."""
    heap = sn.Heap(sn.PAPER)

    def turns() -> Iterator[tuple[Checked, Checked]]:
        for one, (first, first_spins), (second, second_spins) in _scaling_turns(heap, 200):
            yield one, (max(first, second) / 2, first_spins + second_spins)

    return _of_steady("two threads / one thread, throughput", turns, 200, 4_000, 1.9)


def _of_steady(
    name: str, turns: Callable[[], Iterable[tuple[Checked, Checked]]], enough: int, most: int, target: float
) -> Figure:
    """Make a figure, theirs over ours, of enough steady turns; of all, if after ``most`` there are hardly any."""
    everything: list[tuple[Checked, Checked]] = []
    kept: list[tuple[Checked, Checked]] = []
    while len(kept) < enough and len(everything) < most:
        for theirs, ours in turns():
            everything.append((theirs, ours))
            if steady(theirs[1] + ours[1]):
                kept.append((theirs, ours))
    note = f"{len(kept)} of {len(everything)} turns steady"
    if len(kept) < enough // 4:
        kept, note = everything, f"{note}, so all are counted"
    times = {"theirs": [theirs[0] for theirs, _ in kept], "ours": [ours[0] for _, ours in kept]}
    return Figure(name, *ratio(times, "theirs", "ours"), target, True, note)


def _scaling_turns(heap: sn.Heap, turns: int) -> list[tuple[Checked, Checked, Checked]]:
    """Run two threads: in each turn first one alone, then both."""
    gate = threading.Barrier(2)
    alone: list[Checked] = []
    together: tuple[list[Checked], list[Checked]] = [], []

    def work(place: int) -> None:
        with heap.allocator() as allocator:
            keep_some_live(allocator)
            run = pairs(allocator.malloc, allocator.free, 1_000)
            run()
            for _ in range(turns):
                gate.wait()
                if place == 0:
                    alone.append(_checked(run))
                gate.wait()
                together[place].append(_checked(run))

    gc.disable()
    try:
        _run_all([threading.Thread(target=work, args=(place,)) for place in range(2)])
    finally:
        gc.enable()
    return list(zip(alone, *together, strict=True))


def _checked(run: Slice) -> Checked:
    """Run a slice between two spins."""
    before, taken = spin(), run()
    return taken, [before, spin()]


def _run_all(workers: list[threading.Thread]) -> None:
    """Start all, and wait for all."""
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _producer_consumer() -> Figure:
    """One thread allocates, the other frees: throughput over that of ``multiprocessing.heap``."""
    heap, other = sn.Heap(sn.PAPER), MultiprocessingHeap()

    def ours() -> Checked:
        with heap.allocator() as producer, heap.allocator() as consumer:
            keep_some_live(producer)
        producer_number, consumer_number = producer.number, consumer.number

        def malloc_side() -> tuple[Malloc, Callable[[], object]]:
            allocator = heap.acquire(producer_number)
            return allocator.malloc, lambda: heap.release(allocator)

        def free_side() -> tuple[Free, Callable[[], object]]:
            allocator = heap.acquire(consumer_number)
            return allocator.free, lambda: heap.release(allocator)

        # Addresses travel as an array: an int made by one thread costs another twice as much to use.
        return _pass_on(malloc_side, free_side, 30_000, lambda addresses: array("Q", addresses))

    def theirs() -> Checked:
        return _pass_on(lambda: (other.malloc, int), lambda: (other.free, int), 6_000, list)

    theirs(), ours()
    return _of_steady(
        "producer and consumer / multiprocessing.heap, throughput", lambda: [(theirs(), ours())], 20, 150, 10.0
    )


def _pass_on(
    malloc_side: Callable[[], tuple[Malloc, Callable[[], object]]],
    free_side: Callable[[], tuple[Free, Callable[[], object]]],
    count: int,
    pack: Callable[[list[Any]], Iterable[Any]],
) -> Checked:
    """Pass objects of 48 bytes from one thread to another, 200 at a time; return nanoseconds per object."""
    belt: SimpleQueue[Iterable[Any]] = SimpleQueue()
    gate, spins = threading.Barrier(3), list[int]()

    def produce() -> None:
        malloc, done = malloc_side()

        def work() -> None:
            for _ in range(count // 200):
                belt.put(pack([malloc(48) for _ in range(200)]))

        between_spins(work)
        done()

    def consume() -> None:
        free, done = free_side()

        def work() -> None:
            for _ in range(count // 200):
                for item in belt.get():
                    free(item)

        between_spins(work)
        done()

    def between_spins(work: Callable[[], None]) -> None:
        gate.wait()
        spins.append(spin())
        gate.wait()
        work()
        gate.wait()
        spins.append(spin())

    workers = [threading.Thread(target=produce), threading.Thread(target=consume)]
    gc.disable()
    for worker in workers:
        worker.start()
    gate.wait()
    gate.wait()
    start = time.perf_counter_ns()
    gate.wait()
    taken = time.perf_counter_ns() - start
    for worker in workers:
        worker.join()
    gc.enable()
    return taken / count, spins


def _of(times: dict[str, list[float]], theirs: str) -> tuple[float, tuple[float, float]]:
    """Our ratio against another subject."""
    return ratio(times, "pysnmalloc", theirs)
