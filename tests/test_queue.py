"""The queue of messages: what each operation does, and many real producers at once (§2.2, Figure 3).

The messages are rows of 16 bytes in one large object, so that the queue is judged
without an allocator. ``test_figures`` has the states of Figure 3.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysnmalloc as sn
from pysnmalloc import AtomicCounts, Atomics, Order
from pysnmalloc.messagequeue import MessageQueue
from tests.patterns import switching_often, together

PRODUCERS = 4


@dataclass(frozen=True)
class Yard:
    """A place for one queue's block and many messages."""

    heap: sn.Heap
    base: int

    def party(self) -> MessageQueue:
        """The queue as another thread sees it."""
        memory = self.heap.memory.own_views()
        return MessageQueue(memory, Atomics(memory, self.heap._shared.lock), self.base)

    def message(self, index: int) -> int:
        """The address of a message."""
        return self.base + 256 + 16 * index

    def messages(self, *indices: int) -> tuple[int, int]:
        """Link messages into a list; return the first and the last."""
        for before, after in pairwise(indices):
            self.heap.memory.u64[self.message(before) >> 3] = self.message(after)
        return self.message(indices[0]), self.message(indices[-1])

    def indices(self, addresses: list[int]) -> list[int]:
        """Name messages by their index; the stub is -1."""
        return [-1 if a == self.base + 64 else (a - self.base - 256) // 16 for a in addresses]


@pytest.fixture
def yard() -> Iterator[Yard]:
    with sn.Heap(sn.CLASSROOM) as heap:
        yield Yard(heap, heap.calloc(1, 1 << 20))


@pytest.fixture
def queue(yard: Yard) -> MessageQueue:
    queue = yard.party()
    queue.init()
    return queue


def test_a_stub_starts_the_queue_which_is_never_empty_of_messages(yard: Yard, queue: MessageQueue) -> None:
    assert queue.is_empty()
    assert (queue.dequeue(), queue.dequeue_batch(10)) == (0, [])
    assert list(queue.walk()) == [queue.stub] == [queue.back()] == [yard.base + 64]


def test_the_newest_stays_behind_until_another_arrives(yard: Yard, queue: MessageQueue) -> None:
    queue.enqueue(*yard.messages(0))
    assert not queue.is_empty()
    assert queue.dequeue() == queue.stub  # comes out one day, and is to be skipped
    assert (queue.is_empty(), queue.dequeue()) == (True, 0)
    assert list(queue.walk()) == [yard.message(0)] == [queue.back()]
    queue.enqueue(*yard.messages(1))
    assert (queue.dequeue(), queue.dequeue()) == (yard.message(0), 0)


def test_a_list_is_sent_whole_and_cut_off_behind_its_last(yard: Yard, queue: MessageQueue) -> None:
    first, _ = yard.messages(0, 1, 2, 3)
    queue.enqueue(first, yard.message(2))  # 3 is linked behind, and must not come along
    queue.enqueue(*yard.messages(4, 5))
    assert yard.indices(list(queue.walk())) == [-1, 0, 1, 2, 4, 5]
    assert queue.back() == yard.message(5)


@pytest.mark.usefixtures("queue")
def test_sending_costs_one_exchange_and_receiving_none(yard: Yard) -> None:
    sender, receiver = yard.party(), yard.party()
    sender.enqueue(*yard.messages(*range(50)))
    assert sender._atomics.counts == AtomicCounts(stores=2, exchanges=1)
    assert len(receiver.dequeue_batch(64)) == 50
    assert receiver.dequeue() == 0
    # One load for each message, and one more that found nothing, all under the lock once; then one load.
    assert receiver._atomics.counts == AtomicCounts(loads=52)
    assert receiver.is_empty()
    assert receiver._atomics.counts.total == 52  # asking is not counted


class Recorder(Atomics):
    """Atomics that write down what is asked of them."""

    __slots__ = ("log",)

    log: list[tuple[object, ...]]

    def load(self, address: int, order: Order) -> int:
        value = super().load(address, order)
        self.log.append(("load", address, value, order))
        return value

    def load_links(self, first: int, offset: int, most: int) -> list[int]:
        passed = super().load_links(first, offset, most)
        self.log.append(("load_links", first, offset, passed[:]))
        return passed

    def store(self, address: int, value: int, order: Order) -> None:
        super().store(address, value, order)
        self.log.append(("store", address, value, order))

    def exchange(self, address: int, value: int, order: Order) -> int:
        before = super().exchange(address, value, order)
        self.log.append(("exchange", address, value, order))
        return before

    def fence(self, order: Order) -> None:
        super().fence(order)
        self.log.append(("fence", order))


def test_the_steps_and_their_orders_are_the_paper_s(yard: Yard, queue: MessageQueue) -> None:
    """Null, exchange, link: in this order, all of them atomic; and a fence behind what was received."""
    atomics = Recorder(yard.heap.memory, threading.Lock())
    atomics.log = []
    recorded = MessageQueue(yard.heap.memory, atomics, yard.base)
    first, last = yard.messages(0, 1)
    recorded.enqueue(first, last)
    assert atomics.log == [
        ("store", last, 0, Order.RELAXED),
        ("exchange", yard.base, last, Order.ACQ_REL),
        ("store", queue.stub, first, Order.RELEASE),
    ]
    atomics.log.clear()
    assert recorded.dequeue() == queue.stub
    assert atomics.log == [("load", queue.stub, first, Order.RELAXED), ("fence", Order.ACQUIRE)]
    atomics.log.clear()
    assert recorded.dequeue_batch(9) == [first]
    assert atomics.log == [("load_links", first, 0, [first, last])]  # every one of them acquires


def test_a_queue_that_is_cut_ends_at_what_truncate_says(yard: Yard, queue: MessageQueue) -> None:
    """As after a fork in which a producer was between its exchange and its link."""
    queue.enqueue(*yard.messages(0))
    yard.heap.memory.u64[yard.base >> 3] = yard.message(9)  # somebody's exchange, and no link
    queue.enqueue(*yard.messages(1))
    assert yard.indices(list(queue.walk())) == [-1, 0]
    queue.truncate(yard.message(0))
    queue.enqueue(*yard.messages(2))
    assert yard.indices(list(queue.walk())) == [-1, 0, 2]


@settings(derandomize=True, database=None, deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.integers(-5, -1), st.integers(1, 8)), max_size=40))
def test_it_is_a_first_in_first_out_list_less_the_newest(steps: list[int]) -> None:
    """Positive: send so many in one list. Negative: receive up to so many, one by one in one queue."""
    with sn.Heap(sn.CLASSROOM) as heap:
        yards = [Yard(heap, heap.calloc(1, 1 << 13)) for _ in range(2)]
        queues = [yard.party() for yard in yards]
        model, sent = [-1], 0
        for queue in queues:
            queue.init()
        for step in steps:
            if step > 0:
                new = list(range(sent, sent + step))
                sent += step
                model += new
                for yard, queue in zip(yards, queues, strict=True):
                    queue.enqueue(*yard.messages(*new))
                continue
            expected = model[: min(-step, len(model) - 1)]
            del model[: len(expected)]
            one_by_one = [message for _ in range(-step) if (message := queues[0].dequeue())]
            assert yards[0].indices(one_by_one) == expected
            assert yards[1].indices(queues[1].dequeue_batch(-step)) == expected
        for yard, queue in zip(yards, queues, strict=True):
            assert yard.indices(list(queue.walk())) == model


@pytest.mark.parametrize("most", [0, 1, 64], ids=["dequeue", "batches of 1", "batches of 64"])
def test_many_producers_one_consumer(yard: Yard, queue: MessageQueue, most: int) -> None:
    """Every message exactly once, each producer's in its order, each list in one piece."""
    rng = random.Random(most)
    lists = [[rng.randint(1, 6) for _ in range(800)] for _ in range(PRODUCERS)]
    share = 1 << 13
    producing = [True] * PRODUCERS
    received: list[int] = []

    def produce(number: int) -> Callable[[], None]:
        def body() -> None:
            mine, next_message = yard.party(), number * share
            try:
                for length in lists[number]:
                    mine.enqueue(*yard.messages(*range(next_message, next_message + length)))
                    next_message += length
            finally:
                producing[number] = False

        return body

    def consume() -> None:
        mine, more = yard.party(), True
        while more:
            more = any(producing)  # asked first: what was sent before they ended is found below
            batch = mine.dequeue_batch(most) if most else [mine.dequeue()]
            while batch and batch[0]:
                received.extend(batch)
                batch = mine.dequeue_batch(most) if most else [mine.dequeue()]

    with switching_often():
        together(consume, *map(produce, range(PRODUCERS)))
    order = yard.indices([*received, queue.back()])
    assert order[0] == -1
    assert yard.indices(list(queue.walk())) == order[-1:]
    for number in range(PRODUCERS):
        mine = [message for message in order if message // share == number]
        assert mine == list(range(number * share, number * share + sum(lists[number])))
        at = {message: place for place, message in enumerate(order)}
        first = number * share
        for length in lists[number]:
            assert [at[first + i] - at[first] for i in range(length)] == list(range(length))
            first += length
    assert len(order) == 1 + sum(map(sum, lists))


def test_a_wrong_order_of_steps_loses_messages(yard: Yard, queue: MessageQueue) -> None:
    """Setting last.next to null only after the exchange cuts off who linked in between: why it comes first."""

    class Late(MessageQueue):
        def enqueue(self, first: int, last: int) -> None:
            before = self._atomics.exchange(self._back, last, Order.ACQ_REL)
            queue.enqueue(*yard.messages(1))  # another producer, whole, at this moment
            self._atomics.store(last, 0, Order.RELAXED)
            self._atomics.store(before, first, Order.RELEASE)

    memory = yard.heap.memory
    Late(memory, Atomics(memory, threading.Lock()), yard.base).enqueue(*yard.messages(0))
    assert yard.indices(list(queue.walk())) == [-1, 0]
    assert queue.back() == yard.message(1)
