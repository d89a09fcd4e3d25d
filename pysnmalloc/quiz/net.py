"""Allocators that send each other's objects home, with every list recorded (§2.2, Figures 1, 2).

    Net(sender, targets) ── post(sender) ──► Post: the lists, their receivers, the rounds

Each target owns one object. A single allocator frees all of them and posts. A
classroom heap has 4 buckets (k = 2) and allocators 1 to 63, so a number has three
digits in base 4, and round r uses digit r from the right.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..allocator import Allocator
from ..config import CLASSROOM
from ..heap import Heap
from ..memory import NULL
from ..messagequeue import NEXT, TARGET

__all__ = ["BUCKETS", "Net", "Post", "SentList", "base4", "digit"]

BUCKETS = CLASSROOM.buckets  #: buckets of a remote cache


@dataclass(frozen=True)
class SentList:
    """A list that was sent: its round, its receiver, and the targets of its messages.

    Attributes:
        round: of the post, from 0; the targets' digit ``round`` from the right selects the bucket.
        receiver: number of the allocator that receives the list: the target of its first message.
        targets: numbers of the allocators that own the objects, in the order of the list.
    """

    round: int
    receiver: int
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Post:
    """What one post did.

    Attributes:
        sender: number of the allocator that posted.
        lists: the lists that were sent, in order.
        rounds: number of rounds until the home bucket was empty, at least 1.
    """

    sender: int
    lists: tuple[SentList, ...]
    rounds: int

    def told(self, one: SentList) -> str:
        """Describe a list that was sent."""
        several = len(one.targets) > 1
        objects = f"the object{'s' if several else ''} of {', '.join(map(str, one.targets))}"
        owner = ", the owner of the first" if several else ""
        return (
            f"{self.sender}.post(), round {one.round}, bucket {digit(one.targets[0], one.round)}: "
            f"{objects} {'are' if several else 'is'} sent to {one.receiver}{owner}."
        )

    def list_of(self, target: int) -> SentList:
        """Return the list that contains a target's message."""
        return next(one for one in self.lists if target in one.targets)


class Net:
    """Allocators that send each other's objects home."""

    def __init__(self, heap: Heap, sender: int, targets: list[int]) -> None:
        self._u64 = heap.memory.u64
        self._allocators: dict[int, Allocator] = {n: heap.acquire(number=n) for n in (sender, *targets)}
        self._sent: dict[int, tuple[int, ...]] = {}
        self._sender = sender
        for target in targets:
            self._allocators[sender].free(self._allocators[target].malloc(16))

    def post(self, sender: int) -> Post:
        """Let an allocator post; record its lists instead of sending them."""
        cache, lists = self._allocators[sender].cache, []

        def send(first: int, last: int) -> None:
            messages = tuple(self._walk(first, last))
            targets = tuple(self._u64[at + TARGET >> 3] >> CLASSROOM.allocator_bits for at in messages)
            same = next(r for r in range(9) if digit(targets[0], r) != digit(sender, r))
            lists.append(SentList(same, targets[0], targets))
            self._sent[targets[0]] = messages

        rounds = cache.post(send)
        return Post(sender, tuple(lists), rounds)

    def hops(self, target: int) -> list[Post]:
        """Follow a message home: each receiver frees its list, which forwards the objects of others, and posts."""
        posts = [self.post(self._sender)]
        while (holder := posts[-1].list_of(target).receiver) != target:
            for message in self._sent[holder]:
                self._allocators[holder].free(message)
            posts.append(self.post(holder))
        return posts

    def _walk(self, first: int, last: int) -> Iterator[int]:
        """Yield the messages of a list."""
        while first != last and first != NULL:
            yield first
            first = self._u64[first + NEXT >> 3]
        yield last


def digit(number: int, round: int) -> int:
    """Return the digit that a round uses."""
    return number >> CLASSROOM.bucket_bits * round & BUCKETS - 1


def base4(number: int) -> str:
    """Write a number with three digits in base 4."""
    return f"{number} is " + "".join(str(digit(number, round)) for round in (2, 1, 0))
