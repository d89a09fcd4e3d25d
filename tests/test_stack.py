"""The stack of free chunks: what each operation does, real threads, and ABA on purpose (§2.5).

The chunks are rows of 16 bytes in one large object: the stack only knows their first word.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysnmalloc as sn
from pysnmalloc import AtomicCounts, Atomics, Order
from pysnmalloc.stack import ChunkStack
from tests.patterns import switching_often, together

THREADS, CHUNKS, ROUNDS = 4, 200, 1000
MOST = (1 << 64) - 1


@dataclass(frozen=True)
class Yard:
    """A place for one stack's two words and many chunks."""

    heap: sn.Heap
    head: int

    def atomics(self) -> Atomics:
        """Another thread's atomics."""
        return Atomics(self.heap.memory.own_views(), self.heap._shared.lock)

    def party(self) -> ChunkStack:
        """The stack as another thread sees it."""
        return ChunkStack(self.heap.memory.own_views(), self.atomics(), self.head)

    def chunk(self, index: int) -> int:
        """The address of a chunk."""
        return self.head + 16 * index + 16

    def state(self) -> tuple[list[int], int]:
        """The chunks by index, top first, and the incarnation number."""
        chunks = [(chunk - self.head) // 16 - 1 for chunk in self.party().walk()]
        return chunks, self.heap.memory.u64[(self.head >> 3) + 1]


@pytest.fixture
def yard() -> Iterator[Yard]:
    with sn.Heap(sn.CLASSROOM) as heap:
        yield Yard(heap, heap.calloc(1, 1 << 14))


def test_zeroed_memory_is_an_empty_stack(yard: Yard) -> None:
    stack = yard.party()
    assert (stack.pop(), stack.pop_all(), list(stack.walk())) == (0, [], [])
    assert yard.state() == ([], 0)


def test_last_in_first_out_and_every_success_adds_one(yard: Yard) -> None:
    stack = yard.party()
    for index in range(3):
        stack.push(yard.chunk(index))
    assert yard.state() == ([2, 1, 0], 3)
    assert stack.pop() == yard.chunk(2)
    assert yard.state() == ([1, 0], 4)
    assert stack.pop_all() == [yard.chunk(1), yard.chunk(0)]
    assert yard.state() == ([], 5)
    assert (stack.pop(), stack.pop_all()) == (0, [])
    assert yard.state() == ([], 5)


def test_the_incarnation_number_wraps(yard: Yard) -> None:
    yard.heap.memory.u64[(yard.head >> 3) + 1] = MOST
    stack = yard.party()
    stack.push(yard.chunk(0))
    assert yard.state() == ([0], 0)
    yard.heap.memory.u64[(yard.head >> 3) + 1] = MOST
    assert stack.pop() == yard.chunk(0)
    assert yard.state() == ([], 0)


def test_costs(yard: Yard) -> None:
    """One compare-exchange of two words each, when nobody else is there."""
    stack = yard.party()
    counts = stack._atomics.counts
    stack.push(yard.chunk(0))
    assert counts == AtomicCounts(loads=2, stores=1, compare_exchanges=1)
    stack.pop()
    assert counts == AtomicCounts(loads=5, stores=1, compare_exchanges=2)
    stack.pop()
    assert counts == AtomicCounts(loads=7, stores=1, compare_exchanges=2)


@settings(derandomize=True, database=None, deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["push", "pop", "all"]), max_size=60))
def test_it_is_a_stack(steps: list[str]) -> None:
    with sn.Heap(sn.CLASSROOM) as heap:
        yard = Yard(heap, heap.calloc(1, 1 << 11))
        stack, model, fresh = yard.party(), list[int](), 0
        for step in steps:
            if step == "push":
                stack.push(yard.chunk(fresh))
                model.append(yard.chunk(fresh))
                fresh += 1
            elif step == "pop":
                assert stack.pop() == (model.pop() if model else 0)
            else:
                assert stack.pop_all() == model[::-1]
                model.clear()
            assert list(stack.walk()) == model[::-1]


@pytest.mark.parametrize("everything", [False, True], ids=["pop", "pop and pop_all"])
def test_threads_lose_and_double_nothing(yard: Yard, everything: bool) -> None:
    """Who pops a chunk signs it; nobody's signature may be there already."""
    start, u64 = yard.party(), yard.heap.memory.u64
    for index in range(CHUNKS):
        start.push(yard.chunk(index))
    doubled: list[int] = []

    def work(name: int) -> Callable[[], None]:
        def body() -> None:
            stack, atomics, rng = yard.party(), yard.atomics(), random.Random(name)
            for _ in range(ROUNDS):
                if everything and rng.random() < 0.02:
                    mine = stack.pop_all()
                else:
                    mine = [chunk for _ in range(rng.randint(1, 4)) if (chunk := stack.pop())]
                for chunk in mine:
                    if atomics.exchange(chunk + 8, name, Order.RELAXED):
                        doubled.append(chunk)
                rng.shuffle(mine)
                for chunk in mine:
                    atomics.store(chunk + 8, 0, Order.RELAXED)
                    stack.push(chunk)

        return body

    with switching_often():
        together(*map(work, range(1, THREADS + 1)))
    assert doubled == []
    chunks, incarnation = yard.state()
    assert sorted(chunks) == list(range(CHUNKS))
    assert incarnation >= CHUNKS + THREADS * ROUNDS
    assert not any(u64[(yard.chunk(index) >> 3) + 1] for index in range(CHUNKS))


# ABA.


class Interrupted(Atomics):
    """Atomics whose load of one word is followed, once, by what others do in the meantime."""

    __slots__ = ("meanwhile", "word")

    word: int
    meanwhile: list[Callable[[], object]]

    def load(self, address: int, order: Order) -> int:
        return self._interrupted(address, super().load(address, order))

    def speculate(self, address: int) -> int:
        return self._interrupted(address, super().speculate(address))

    def _interrupted(self, address: int, value: int) -> int:
        if address == self.word and self.meanwhile:
            self.meanwhile.pop()()
        return value


class Careless(ChunkStack):
    """A stack that compares the pointer and forgets the incarnation number."""

    __slots__ = ()

    def pop(self) -> int:
        while top := self._atomics.load(self._head, Order.ACQUIRE):
            below = self._atomics.load(top, Order.RELAXED)
            if self._atomics.compare_exchange(self._head, top, below, Order.ACQ_REL)[0]:
                return top
        return 0


def aba(yard: Yard, kind: type[ChunkStack], word: int) -> int:
    """Pop from 2, 1, 0; after the load of a word, others pop 2, pop 1 and push 2 back. Return the chunk."""
    others = yard.party()
    for index in range(3):
        others.push(yard.chunk(index))

    def meanwhile() -> None:
        assert (others.pop(), others.pop()) == (yard.chunk(2), yard.chunk(1))
        others.push(yard.chunk(2))

    atomics = Interrupted(yard.heap.memory, threading.Lock())
    atomics.word, atomics.meanwhile = word, [meanwhile]
    popped = kind(yard.heap.memory, atomics, yard.head).pop()
    assert atomics.meanwhile == []  # it did happen
    return popped


@pytest.mark.parametrize("where", ["head", "incarnation", "link"])
def test_aba_is_seen_by_the_incarnation_number(yard: Yard, where: str) -> None:
    word = {"head": yard.head, "incarnation": yard.head + 8, "link": yard.chunk(2)}[where]
    assert aba(yard, ChunkStack, word) == yard.chunk(2)
    assert yard.state()[0] == [0]  # 1 is in use by the others, and 0 is still there


def test_without_the_number_a_chunk_in_use_comes_back(yard: Yard) -> None:
    """The same scenario breaks a stack that does not look at it, so the test above can fail."""
    assert aba(yard, Careless, yard.chunk(2)) == yard.chunk(2)
    assert yard.state()[0][0] == 1  # which the others hold


def test_a_failed_pop_starts_again_with_what_it_saw(yard: Yard) -> None:
    """Others took everything in the meantime: the pop finds nothing, and changes nothing."""
    others = yard.party()
    others.push(yard.chunk(0))
    atomics = Interrupted(yard.heap.memory, threading.Lock())
    atomics.word, atomics.meanwhile = yard.chunk(0), [others.pop_all]
    assert ChunkStack(yard.heap.memory, atomics, yard.head).pop() == 0
    assert yard.state() == ([], 2)


def test_a_failed_push_links_to_the_new_top(yard: Yard) -> None:
    others = yard.party()
    others.push(yard.chunk(0))
    atomics = Interrupted(yard.heap.memory, threading.Lock())
    atomics.word, atomics.meanwhile = yard.head + 8, [lambda: others.push(yard.chunk(1))]
    ChunkStack(yard.heap.memory, atomics, yard.head).push(yard.chunk(2))
    assert yard.state() == ([2, 1, 0], 3)
