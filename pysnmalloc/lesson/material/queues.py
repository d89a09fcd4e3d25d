"""Queues that judges explore: senders that send by an answer, and the project's receiver (§2.2, Figure 3).

    A ──► m1 ──► m3 ──► old        enqueue(m1, m3)
    B ──► m2 ──► old               enqueue(m2, m2)        old: what each link holds at the start

The law: each message arrives once, and no old object does.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import pairwise

from ...allocator import Parts
from ...atomics import Order
from ...explore import Place, ThreadCode, Wrong
from ...explore.scenarios.queue import PAYLOAD, QueueScenario
from ...messagequeue import NEXT, MessageQueue
from ..exploring import answered

__all__ = ["ListScenario"]

OLD = 0x700


class ListScenario(QueueScenario):
    """A sends a list of two messages, B sends one message, and C tries to receive five times.

    The links of the messages hold the address of an old object, which no receiver may get.
    """

    def __init__(self, answer: Callable[..., object]) -> None:
        super().__init__("your enqueue", "", messages=2, tries=5, parts=Parts(messagequeue=with_enqueue(answer)))
        self.sent["B"].pop()
        self.words = {**self.words, OLD: "an old object"}
        self.fields = {**self.fields, OLD: "an old object's link"}

    def setup(self, place: Place) -> None:
        """Make the queue, and fill the links of the messages with an old value."""
        super().setup(place)
        for message in (*self.sent["A"], *self.sent["B"]):
            place.memory.u64[message + NEXT >> 3] = OLD
        place.memory.u64[OLD + PAYLOAD >> 3] = OLD

    def produce(self, name: str) -> ThreadCode:
        """Return a producer that sends all its messages as one list."""

        def run(place: Place) -> Hashable:
            messages = self.sent[name]
            for message in messages:
                place.memory.u64[message + PAYLOAD >> 3] = message
            for message, after in pairwise(messages):
                place.atomics.store(message + NEXT, after, Order.RELAXED)
            self.queue(place).enqueue(messages[0], messages[-1])
            return None

        return run

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        """Raise unless each message arrives once, and nothing else does."""
        received = results[2]
        assert isinstance(received, tuple)
        if OLD in self._reachable(place) or self.words[OLD] in received:
            raise Wrong("old link", "a receiver follows the link that a last message had before")
        return super().judge(place, results)


def with_enqueue(answer: Callable[..., object]) -> type[MessageQueue]:
    """Return the project's queue with the given enqueue."""

    class Answered(MessageQueue):
        """A queue that sends as the answer does."""

        __slots__ = ()

        def enqueue(self, first: int, last: int) -> None:
            """Send a list of messages."""
            answered(answer, self._atomics, self._back, first, last)

    return Answered
