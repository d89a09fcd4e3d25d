"""Figures 1, 2 and 3 of the paper, frame by frame, and the bound on hops (§2.2).

As in the paper k = 2, so there are four buckets, and the numbers are small. The
paper's allocator 0 is 16 here, since 0 is null; in both, the lowest four bits are 0.

Figure 3's states need no timing: a producer is held up at its link, by a gate.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

import pysnmalloc as sn
from pysnmalloc import Allocator
from tests.patterns import Gate, conserved, cut, settle, stamp

K = 2
NUMBER_BITS = 6
MODES = pytest.mark.parametrize("fast", [True, False], ids=["fast", "plain"])


class Post:
    """A heap whose messages are told by name, and followed."""

    def __init__(self, heap: sn.Heap, numbers: list[int]) -> None:
        self.heap = heap
        self.of = {number: heap.acquire(number) for number in numbers}
        self.size = heap.config.chunk_size

    def send(self, sender: int, *owners: int) -> list[int]:
        """Let one allocator free an object of each of the others, in order."""
        objects = [self.of[owner].malloc(16) for owner in owners]
        for address in objects:
            self.of[sender].free(address)
        return objects

    def owner(self, message: int) -> int:
        """The number of the allocator that an object came from, by its superslab's header."""
        return self.heap.memory.u64[message // self.size * self.size >> 3] >> self.heap.config.allocator_bits

    def buckets(self, number: int) -> dict[int, list[int]]:
        """The targets in an allocator's buckets, the empty ones left out."""
        cache = self.of[number].cache
        each = {index: [self.owner(m) for m in cache.walk(index)] for index in range(1 << K)}
        return {index: targets for index, targets in each.items() if targets}

    def queue(self, number: int) -> list[int]:
        """The targets in an allocator's queue, oldest first; the stub is 0."""
        queue = self.of[number].queue
        return [0 if message == queue.stub else self.owner(message) for message in queue.walk()]


def heap_of(*, fast: bool = True) -> sn.Heap:
    config = sn.CLASSROOM
    assert (config.bucket_bits, config.number_bits) == (K, NUMBER_BITS)
    return sn.Heap(config, fast=fast)


# Figures 1 and 2.


@MODES
def test_figures_1_and_2(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with heap_of(fast=fast) as heap:
        post = Post(heap, [16, 1, 2, 5, 7, 9])
        objects = post.send(16, 9, 5, 1, 5, 2)
        objects += post.send(9, 7)
        # Figure 1: 1, 5 and 9 share their lowest two bits.
        assert post.buckets(16) == {1: [9, 5, 1, 5], 2: [2]}
        assert post.buckets(9) == {3: [7]}

        # 16 posts: each list to the owner of its first object.
        post.of[16].post()
        assert post.buckets(16) == {}
        assert (post.queue(2), post.queue(9)) == ([0, 2], [0, 9, 5, 1, 5])
        assert [post.queue(number) for number in (1, 5, 7)] == [[0], [0], [0]]
        assert post.of[16].messages.batches == 2

        # 9 frees its own object and keeps the rest, by round 0. The newest stays in the queue until one more comes.
        post.of[9].handle_message_queue()
        assert post.buckets(9) == {1: [5, 1], 3: [7]}
        assert post.queue(9) == [5]
        objects += post.send(16, 9)
        post.of[16].post()
        post.of[9].handle_message_queue()
        assert post.buckets(9) == {1: [5, 1, 5], 3: [7]}  # Figure 2a; 1 is the home bucket
        assert post.of[9].messages.forwarded == 3

        # 9 posts: first 7's. Then the home bucket is spread by the next two bits: 1 is 00 01, 5 is 01 01, 9 is 10 01.
        frames, send = list[dict[int, list[int]]](), post.of[9]._send

        def watched(first: int, last: int) -> None:
            frames.append(post.buckets(9))
            send(first, last)

        monkeypatch.setattr(post.of[9], "_send", watched)
        post.of[9].post()
        assert frames == [
            {1: [5, 1, 5], 3: [7]},
            {0: [1], 1: [5, 5]},  # Figure 2b; 2 is the home bucket now, and empty
            {1: [5, 5]},
        ]
        assert post.buckets(9) == {}
        assert [post.queue(number) for number in (1, 5, 7)] == [[0, 1], [0, 5, 5], [0, 7]]

        settle(heap, post.of.values())
        assert {number: post.of[number].messages.forwarded for number in post.of} == dict.fromkeys(post.of, 0) | {9: 3}
        conserved(heap)


@MODES
def test_the_home_bucket_of_a_later_round_waits_for_the_next(fast: bool) -> None:
    """53 is 11 01 01, 5 is 00 01 01: to 5, 53 is at home in rounds 0 and 1, and sent alone in round 2."""
    with heap_of(fast=fast) as heap:
        post = Post(heap, [5, 53, 9])
        post.send(5, 53, 9)
        assert post.buckets(5) == {1: [53, 9]}
        post.of[5].post()
        assert (post.queue(9), post.queue(53)) == ([0, 9], [0, 53])
        assert post.of[5].messages.batches == 2


# Hops.


@dataclass
class Hops:
    """Every message's way, read off the queues before and after each call: no count of the library is asked."""

    post: Post
    target: dict[int, int] = field(default_factory=dict)
    way: dict[int, list[int]] = field(default_factory=dict)

    def free(self, number: int, address: int) -> None:
        """Let an allocator free an object, whose owner is written down while it is sure."""
        owner = self.post.owner(address)
        if owner != number:
            assert self.target.setdefault(address, owner) == owner
        self.do(number, lambda allocator: allocator.free(address))

    def do(self, number: int, call: Callable[[Allocator], object]) -> None:
        """Let an allocator make a call, and write down what left its queue."""
        allocator = self.post.of[number]
        before = list(allocator.queue.walk())
        call(allocator)
        for message in before[: before.index(next(allocator.queue.walk()))]:
            if message != allocator.queue.stub:
                self.way.setdefault(message, []).append(number)

    def settle(self) -> None:
        """Let everything come home."""
        everybody = self.post.of.items()
        while any(not allocator.queue.is_empty() or allocator.cache.cached() for _, allocator in everybody):
            for number, _ in everybody:
                self.do(number, Allocator.handle_message_queue)
                self.do(number, Allocator.post)

    def judge(self) -> Counter[int]:
        """Assert of each way that it is short, and that each hop matches k more bits; return its lengths."""
        for message, way in self.way.items():
            target = self.target[message]
            assert len(way) <= -(-NUMBER_BITS // K) <= self.post.heap.config.hop_bound
            assert target not in way[:-1]
            for hop, receiver in enumerate(way, start=1):
                assert (receiver ^ target) % (1 << K * hop) == 0, f"{message:#x} to {target} came by {way}"
        return Counter(len(way) for way in self.way.values())


@MODES
def test_a_message_with_the_most_hops(fast: bool) -> None:
    """53 = 11 01 01 by 1 = 00 00 01 and 5 = 00 01 01: as many hops as numbers have pairs of bits."""
    with heap_of(fast=fast) as heap:
        post = Post(heap, [2, 1, 5, 53])
        hops = Hops(post)
        _, _, followed, _ = post.send(2, 1, 5, 53, 1)  # one more behind it, for the newest stays in the queue
        post.of[2].post()
        assert post.queue(1) == [0, 1, 5, 53, 1]
        hops.do(1, Allocator.handle_message_queue)
        post.send(1, 5)
        post.of[1].post()
        assert post.queue(5) == [0, 5, 53, 5]
        hops.do(5, Allocator.handle_message_queue)
        post.send(5, 53)
        post.of[5].post()
        assert post.queue(53) == [0, 53, 53]
        hops.do(53, Allocator.handle_message_queue)
        assert hops.way[followed] == [1, 5, 53]
        assert len(hops.way[followed]) * K == NUMBER_BITS


@MODES
@pytest.mark.parametrize("seed", range(3))
def test_no_message_takes_more_hops_than_the_bound(fast: bool, seed: int) -> None:
    """Many allocators with random numbers free each other's objects; all of them come home, in few hops."""
    rng = random.Random(seed)
    with heap_of(fast=fast) as heap:
        numbers = rng.sample(range(1, 1 << NUMBER_BITS), 40)
        post = Post(heap, numbers)
        hops = Hops(post)
        live = [post.of[rng.choice(numbers)].malloc(rng.choice((16, 200, 1500))) for _ in range(1200)]
        rng.shuffle(live)
        for tag, address in enumerate(live):
            stamp(heap, address, tag)  # whatever objects contain
            hops.free(rng.choice(numbers), address)
        hops.settle()
        assert set(hops.judge()) == {1, 2, 3}  # some take as many as they may
        stay = {message for a in post.of.values() if (message := next(a.queue.walk())) != a.queue.stub}
        assert set(hops.way) | stay == set(hops.target)
        assert {message for message, way in hops.way.items() if way[-1] != hops.target[message]} <= stay
        conserved(heap)


def test_few_allocators_with_consecutive_numbers_send_directly() -> None:
    """As many as there are buckets: every bucket has one target, so every message takes one hop."""
    rng, numbers = random.Random(0), [20, 21, 22, 23]
    with heap_of() as heap:
        post = Post(heap, numbers)
        hops = Hops(post)
        for address in [post.of[rng.choice(numbers)].malloc(16) for _ in range(300)]:
            hops.free(rng.choice(numbers), address)
        hops.settle()
        assert set(hops.judge()) == {1}


# Figure 3.


@dataclass
class Producer:
    """A thread that posts its cache and is held up at the link."""

    allocator: Allocator
    gate: Gate
    thread: threading.Thread

    def start(self) -> None:
        """Let it go as far as the link: back is exchanged."""
        self.thread.start()
        self.gate.reached()

    def finish(self) -> None:
        """Let it link, and return."""
        self.gate.open()
        self.thread.join()


@dataclass
class Scene:
    """A receiver and two producers, A and B, each with three messages for it in the cache."""

    heap: sn.Heap
    receiver: Allocator
    a: Producer
    b: Producer
    of_a: list[int]
    of_b: list[int]

    def visible(self) -> list[int]:
        """What the front reaches, without the stub that it starts with."""
        first, *rest = self.receiver.queue.walk()
        assert first == self.receiver.queue.stub
        return rest

    def next(self, message: int) -> int:
        return self.heap.memory.u64[message >> 3]


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    def producer(objects: list[int]) -> Producer:
        allocator = heap.acquire()
        for address in objects:
            allocator.free(address)
        return Producer(allocator, cut(allocator), threading.Thread(target=allocator.post))

    with heap_of(fast=request.param) as heap:
        receiver = heap.acquire()
        objects = [receiver.malloc(48) for _ in range(6)]
        a, b = producer(objects[:3]), producer(objects[3:])
        try:
            yield Scene(heap, receiver, a, b, objects[:3], objects[3:])
        finally:
            for each in (a, b):
                each.gate.open()
                if each.thread.is_alive():
                    each.thread.join()


def test_figure_3(scene: Scene) -> None:
    receiver, queue = scene.receiver, scene.receiver.queue
    first_of_a, *_, last_of_a = scene.of_a
    first_of_b, *_, last_of_b = scene.of_b

    # (a) The stub alone: front and back.
    assert list(queue.walk()) == [queue.stub] == [queue.back()]

    # (b) A has exchanged: back is its last message, which ends the list. The front reaches nothing new.
    scene.a.start()
    assert queue.back() == last_of_a
    assert (scene.next(queue.stub), scene.next(last_of_a)) == (0, 0)

    # (c) B has exchanged, behind A.
    scene.b.start()
    assert queue.back() == last_of_b
    assert (scene.next(last_of_a), scene.next(last_of_b)) == (0, 0)

    # (d) B has linked: its call has returned, and yet the receiver sees nothing. Not linearizable.
    scene.b.finish()
    assert scene.next(last_of_a) == first_of_b
    assert scene.visible() == []
    assert queue.is_empty()
    assert (queue.dequeue(), queue.dequeue_batch(64)) == (0, [])
    before = receiver.malloc(48)  # a call that would receive
    assert before not in {*scene.of_a, *scene.of_b}
    assert sum(receiver.messages.arrived) == 0

    # (e) A has linked: all are visible, in the order of the exchanges.
    scene.a.finish()
    assert scene.next(queue.stub) == first_of_a
    assert scene.visible() == [*scene.of_a, *scene.of_b]
    assert queue.back() == last_of_b
    receiver.handle_message_queue()
    assert sum(receiver.messages.arrived) == 5  # the newest stays behind
    receiver.free(before)
    settle(scene.heap, (receiver, scene.a.allocator, scene.b.allocator))
    conserved(scene.heap)


def test_what_was_visible_before_the_cut_is_received(scene: Scene) -> None:
    """A list that was linked before is not held up by a producer behind it."""
    scene.b.gate.open()
    scene.b.thread.start()
    scene.b.thread.join()
    scene.a.start()
    assert scene.visible() == scene.of_b
    scene.receiver.handle_message_queue()
    assert sum(scene.receiver.messages.arrived) == 2
    assert list(scene.receiver.queue.walk()) == scene.of_b[-1:]
    scene.a.finish()
    assert list(scene.receiver.queue.walk()) == [scene.of_b[-1], *scene.of_a]
    settle(scene.heap, (scene.receiver, scene.a.allocator, scene.b.allocator))
    conserved(scene.heap)


def test_a_broken_queue_is_a_broken_law(scene: Scene) -> None:
    """Heap.check, called while a producer is in a call, says so: it wants them to be out."""
    scene.a.start()
    with pytest.raises(sn.LawBroken, match="front to back"):
        scene.heap.check()
    scene.a.finish()
    scene.heap.check()
