"""Atomic operations: results, counts, and that each is one step and as strong as it says.

That a read-modify-write is one step is shown twice: by a lock that looks at the
word, or changes it, whenever it is entered or left; and by threads that are
switched as often as Python can.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from types import TracebackType

import pytest

import pysnmalloc as sn
from pysnmalloc import AtomicCounts, Atomics, Order
from tests.patterns import switching_often, together

MOST = (1 << 64) - 1
THREADS, ROUNDS = 4, 600


@pytest.fixture
def heap() -> Iterator[sn.Heap]:
    with sn.Heap(sn.CLASSROOM) as heap:
        yield heap


@pytest.fixture
def word(heap: sn.Heap) -> int:
    """Two words side by side, at a multiple of 16, that nobody else uses."""
    return heap.calloc(1, 16)


@pytest.fixture
def often() -> Iterator[None]:
    with switching_often():
        yield


class Watcher:
    """A lock that tells when it is entered and left; it may see and change the words then."""

    def __init__(self) -> None:
        self.entered: Callable[[], None] = lambda: None
        self.left: Callable[[], None] = lambda: None
        self.times = 0

    def __enter__(self) -> bool:
        self.times += 1
        self.entered()
        return True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.left()


# Results.


@pytest.mark.parametrize("order", Order)
def test_every_operation_with_every_order(heap: sn.Heap, word: int, order: Order) -> None:
    atomics, u64 = Atomics(heap.memory, threading.Lock()), heap.memory.u64
    atomics.store(word, 7, order)
    assert u64[word >> 3] == 7
    assert atomics.load(word, order) == 7
    assert (atomics.exchange(word, MOST, order), u64[word >> 3]) == (7, MOST)
    assert (atomics.fetch_add(word, 3, order), u64[word >> 3]) == (MOST, 2)
    assert (atomics.compare_exchange(word, 1, 9, order), u64[word >> 3]) == ((False, 2), 2)
    assert (atomics.compare_exchange(word, 2, 9, order), u64[word >> 3]) == ((True, 2), 9)
    atomics.fence(order)
    assert u64[(word >> 3) + 1] == 0


@pytest.mark.parametrize("order", Order)
@pytest.mark.parametrize("expected", [(1, 2), (1, 0), (0, 2), (2, 1)])
def test_compare_exchange_of_two_words_compares_both(
    heap: sn.Heap, word: int, order: Order, expected: tuple[int, int]
) -> None:
    atomics, u64 = Atomics(heap.memory, threading.Lock()), heap.memory.u64
    u64[word >> 3], u64[(word >> 3) + 1] = 1, 2
    done, before = atomics.compare_exchange_2(word, expected, (MOST, 5), order)
    assert before == (1, 2)
    assert done == (expected == (1, 2))
    assert (u64[word >> 3], u64[(word >> 3) + 1]) == ((MOST, 5) if done else (1, 2))


def test_each_operation_is_counted_as_what_it_is(heap: sn.Heap, word: int) -> None:
    atomics = Atomics(heap.memory, threading.Lock())
    operations: list[Callable[[], object]] = [
        lambda: atomics.load(word, Order.ACQUIRE),
        lambda: atomics.store(word, 1, Order.RELEASE),
        lambda: atomics.exchange(word, 1, Order.RELAXED),
        lambda: atomics.compare_exchange(word, 0, 1, Order.RELAXED),  # failures count
        lambda: atomics.fetch_add(word, 1, Order.RELAXED),
        lambda: atomics.fence(Order.SEQ_CST),
    ]
    for times, operation in enumerate(operations, start=1):
        for _ in range(times):
            operation()
    atomics.compare_exchange_2(word, (0, 0), (0, 0), Order.RELAXED)
    assert atomics.counts == AtomicCounts(1, 2, 3, 5, 5, 6)
    assert atomics.counts.total == 22
    assert atomics.counts + AtomicCounts(loads=1) == AtomicCounts(2, 2, 3, 5, 5, 6)


# Orders: where the fence is. The lock's entry and exit stand for the fence.


@pytest.mark.parametrize(
    ("order", "times", "returned"),
    [
        (Order.RELAXED, 0, 1),
        (Order.ACQUIRE, 1, 1),  # the load is before the fence
        (Order.RELEASE, 1, 1),
        (Order.ACQ_REL, 1, 1),
        (Order.SEQ_CST, 1, 2),  # the load is inside
    ],
)
def test_a_load_is_before_its_fence(heap: sn.Heap, word: int, order: Order, times: int, returned: int) -> None:
    lock, u64 = Watcher(), heap.memory.u64
    u64[word >> 3] = 1

    def change() -> None:
        u64[word >> 3] = 2

    lock.entered = change
    assert Atomics(heap.memory, lock).load(word, order) == returned
    assert lock.times == times


@pytest.mark.parametrize(
    ("order", "times", "at_exit"),
    [
        (Order.RELAXED, 0, None),
        (Order.ACQUIRE, 1, 1),
        (Order.RELEASE, 1, 1),  # the store is behind the fence
        (Order.ACQ_REL, 1, 1),
        (Order.SEQ_CST, 1, 2),  # the store is inside
    ],
)
def test_a_store_is_behind_its_fence(heap: sn.Heap, word: int, order: Order, times: int, at_exit: int | None) -> None:
    lock, u64, seen = Watcher(), heap.memory.u64, list[int]()
    u64[word >> 3] = 1
    lock.left = lambda: seen.append(u64[word >> 3])
    Atomics(heap.memory, lock).store(word, 2, order)
    assert seen == ([] if at_exit is None else [at_exit])
    assert (lock.times, u64[word >> 3]) == (times, 2)


@pytest.mark.parametrize("order", Order)
def test_a_fence_passes_the_lock_unless_relaxed(heap: sn.Heap, order: Order) -> None:
    lock = Watcher()
    Atomics(heap.memory, lock).fence(order)
    assert lock.times == (order is not Order.RELAXED)


@pytest.mark.parametrize("name", ["exchange", "fetch_add", "compare_exchange", "compare_exchange_2"])
def test_a_read_modify_write_reads_and_writes_inside_the_lock(heap: sn.Heap, word: int, name: str) -> None:
    """The value that another thread leaves just before the lock is taken is the one read; and none is lost."""
    lock, u64, at_exit = Watcher(), heap.memory.u64, list[int]()

    def other() -> None:
        u64[word >> 3] = 40

    lock.entered = other
    lock.left = lambda: at_exit.append(u64[word >> 3])
    atomics = Atomics(heap.memory, lock)
    operations: dict[str, Callable[[], object]] = {
        "exchange": lambda: atomics.exchange(word, 42, Order.RELAXED),
        "fetch_add": lambda: atomics.fetch_add(word, 2, Order.RELAXED),
        "compare_exchange": lambda: atomics.compare_exchange(word, 40, 42, Order.RELAXED)[1],
        "compare_exchange_2": lambda: atomics.compare_exchange_2(word, (40, 0), (42, 0), Order.RELAXED)[1][0],
    }
    assert operations[name]() == 40
    assert at_exit == [42]


# Threads.


def parties(heap: sn.Heap) -> list[Atomics]:
    """Atomics for each of some threads, with one lock."""
    lock = threading.Lock()
    return [Atomics(heap.memory.own_views(), lock) for _ in range(THREADS)]


@pytest.mark.usefixtures("often")
def test_no_fetch_add_is_lost(heap: sn.Heap, word: int) -> None:
    def add(atomics: Atomics) -> Callable[[], None]:
        def body() -> None:
            for _ in range(ROUNDS):
                atomics.fetch_add(word, 3, Order.RELAXED)

        return body

    all_atomics = parties(heap)
    together(*map(add, all_atomics))
    assert heap.memory.u64[word >> 3] == 3 * THREADS * ROUNDS
    assert sum((a.counts for a in all_atomics), AtomicCounts()).fetch_adds == THREADS * ROUNDS


@pytest.mark.usefixtures("often")
def test_exchange_returns_each_value_to_exactly_one(heap: sn.Heap, word: int) -> None:
    got: list[list[int]] = [[] for _ in range(THREADS)]

    def swap(thread: int, atomics: Atomics) -> Callable[[], None]:
        def body() -> None:
            for i in range(ROUNDS):
                got[thread].append(atomics.exchange(word, 1 + i * THREADS + thread, Order.ACQ_REL))

        return body

    together(*(swap(thread, atomics) for thread, atomics in enumerate(parties(heap))))
    returned = sorted([*(value for values in got for value in values), heap.memory.u64[word >> 3]])
    assert returned == list(range(THREADS * ROUNDS + 1))


@pytest.mark.usefixtures("often")
def test_compare_exchange_succeeds_for_one_of_those_who_saw_the_same(heap: sn.Heap, word: int) -> None:
    won: list[list[int]] = [[] for _ in range(THREADS)]

    def count(thread: int, atomics: Atomics) -> Callable[[], None]:
        def body() -> None:
            seen = atomics.load(word, Order.RELAXED)
            while len(won[thread]) < ROUNDS // 2:
                done, seen = atomics.compare_exchange(word, seen, seen + 1, Order.RELAXED)
                if done:
                    won[thread].append(seen)
                    seen += 1

        return body

    together(*(count(thread, atomics) for thread, atomics in enumerate(parties(heap))))
    assert sorted(value for values in won for value in values) == list(range(THREADS * (ROUNDS // 2)))


@pytest.mark.usefixtures("often")
def test_two_words_never_tear(heap: sn.Heap, word: int) -> None:
    """The second word is always the complement of the first, whoever looks."""
    heap.memory.u64[(word >> 3) + 1] = MOST
    torn: list[tuple[int, int]] = []

    def count(atomics: Atomics) -> Callable[[], None]:
        def body() -> None:
            seen, mine = (0, MOST), 0
            while mine < ROUNDS // 2:
                done, seen = atomics.compare_exchange_2(word, seen, (seen[0] + 1, seen[1] - 1), Order.ACQ_REL)
                if sum(seen) != MOST:
                    torn.append(seen)
                if done:
                    mine += 1
                    seen = seen[0] + 1, seen[1] - 1

        return body

    together(*map(count, parties(heap)))
    assert torn == []
    assert heap.memory.u64[word >> 3] == THREADS * (ROUNDS // 2)
