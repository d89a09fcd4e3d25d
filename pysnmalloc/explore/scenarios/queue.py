"""The message queue explored: proved as it is shipped, and broken in three ways (§2.2, Figure 3).

    A ──┐ enqueue(m1), enqueue(m3)
    B ──┤ enqueue(m2), enqueue(m4)        who comes out, in which executions?
    C ◄─┘ dequeue, dequeue, ...

What the consumer did not take must still be reachable from the front when all have
ended: then nothing is lost. Each message carries a payload, written plainly before
it is sent: seeing the message must mean seeing that.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from ...allocator import PAPER_PARTS, Parts
from ...atomics import Order
from ...memory import NULL
from ...messagequeue import BACK, FRONT, NEXT, STUB, MessageQueue
from ..threads.scenario import Place, Scenario, ThreadCode, Wrong

__all__ = ["EagerQueue", "Figure3d", "PublishedQueue", "QueueScenario", "SplitQueue"]

BLOCK, MESSAGES, APART, PAYLOAD = 256, 1024, 64, 16
DONE = 512  # where B says that its enqueue has returned


class PublishedQueue(MessageQueue):
    """The queue with the orders that the paper and its code publish: all on the shared words is relaxed."""

    def enqueue(self, first: int, last: int) -> None:
        """Send a list of messages."""
        atomics = self._atomics
        atomics.store(last + NEXT, NULL, Order.RELAXED)
        atomics.fence(Order.RELEASE)
        before = atomics.exchange(self._back, last, Order.RELAXED)
        atomics.store(before + NEXT, first, Order.RELAXED)


class SplitQueue(MessageQueue):
    """A queue whose exchange is a load and a store: another producer may come between."""

    def enqueue(self, first: int, last: int) -> None:
        """Send a list of messages."""
        atomics = self._atomics
        atomics.store(last + NEXT, NULL, Order.RELAXED)
        before = atomics.load(self._back, Order.ACQUIRE)
        atomics.store(self._back, last, Order.RELEASE)
        atomics.store(before + NEXT, first, Order.RELEASE)


class EagerQueue(MessageQueue):
    """A queue that gives out the newest message at once; since it cannot take it off the list, it comes again."""

    def dequeue(self) -> int:
        """Receive the message behind the front, the newest too; move the front only where it can be."""
        message = self._atomics.load(self._u64[self._front] + NEXT, Order.ACQUIRE)
        if message != NULL and self._atomics.load(message + NEXT, Order.ACQUIRE) != NULL:
            self._u64[self._front] = message
        return message


class QueueScenario(Scenario):
    """Two producers and a consumer.

    Args:
        name, about: as on the command line.
        messages: of each producer.
        tries: how often the consumer tries.
        parts: the classes that the threads use.
        note: for those who see something go wrong.
        plain: whether payloads are written and read plainly; else by relaxed atomic operations, which never
            race, and so show what a reader would see.
    """

    section = "§2.2"
    size = 2048
    concepts = ("messagequeue",)  #: what its threads use

    def __init__(
        self,
        name: str,
        about: str,
        messages: int = 1,
        tries: int = 4,
        parts: Parts = PAPER_PARTS,
        note: str = "",
        *,
        plain: bool = True,
    ) -> None:
        self.name = name
        self.about = about
        self.note = note
        self._plain = plain
        self.tries = tries
        self.parts = parts
        self.sent = {"A": [*self._addresses(1, messages)], "B": [*self._addresses(2, messages)]}
        names = {MESSAGES + APART * n: f"m{n}" for n in range(1, 2 * messages + 1)}
        self.words = {BLOCK + STUB: "stub", **names}
        self.fields = {
            BLOCK + BACK: "back",
            BLOCK + FRONT: "front",
            **{address: f"{name}.next" for address, name in self.words.items()},
            **{address + PAYLOAD: f"{name}'s payload" for address, name in names.items()},
        }

    def _addresses(self, first: int, messages: int) -> Iterator[int]:
        """The messages of a producer: every second one."""
        return (MESSAGES + APART * (first + 2 * at) for at in range(messages))

    def queue(self, place: Place) -> MessageQueue:
        """Return the queue, as a thread sees it."""
        return place.parts.messagequeue(place.memory, place.atomics, BLOCK)

    def setup(self, place: Place) -> None:
        """Make the queue: a stub alone."""
        self.queue(place).init()

    def threads(self) -> Mapping[str, ThreadCode]:
        """Two producers and a consumer."""
        return {"A": self.produce("A"), "B": self.produce("B"), "C": self.consume}

    def produce(self, name: str) -> ThreadCode:
        """Return a producer."""

        def run(place: Place) -> Hashable:
            for message in self.sent[name]:
                self._write(place, message)
                self.queue(place).enqueue(message, message)
            return None

        return run

    def consume(self, place: Place) -> Hashable:
        """Try to receive, and look at what comes."""
        received = []
        for _ in range(self.tries):
            message = self.queue(place).dequeue()
            if message >= MESSAGES:
                if self._read(place, message) != message:
                    raise Wrong("stale payload", f"{self.word(message)} came without its payload")
                received.append(message)
        return tuple(map(self.word, received))

    def _write(self, place: Place, message: int) -> None:
        """Write a message's payload."""
        if self._plain:
            place.memory.u64[message + PAYLOAD >> 3] = message
        else:
            place.atomics.store(message + PAYLOAD, message, Order.RELAXED)

    def _read(self, place: Place, message: int) -> int:
        """Read a message's payload."""
        if self._plain:
            return place.memory.u64[message + PAYLOAD >> 3]
        return place.atomics.load(message + PAYLOAD, Order.RELAXED)

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        """See that each message was received or can be reached from the front, once."""
        received = results[2]
        assert isinstance(received, tuple)
        reachable = [self.word(message) for message in self._reachable(place) if message >= MESSAGES]
        arrived = [*received, *reachable]
        lost = {self.word(message) for sent in self.sent.values() for message in sent} - set(arrived)
        if lost:
            raise Wrong("lost message", f"{' and '.join(sorted(lost))} cannot be reached from the front any more")
        if len(arrived) > len(set(arrived)):
            raise Wrong("duplicated message", f"came and can be reached: {' '.join(arrived)}")
        return None

    def _reachable(self, place: Place) -> Iterator[int]:
        """What can be reached from the front, at most as many as there are messages, and one more."""
        most = sum(map(len, self.sent.values())) + 2
        for _, message in zip(range(most), self.queue(place).walk(), strict=False):
            yield message

    def draw(self, place: Place) -> list[str]:
        """Draw the list, and what is cut off from it."""
        reachable = list(self._reachable(place))
        back = self.queue(place).back()
        lines = ["front → " + " → ".join(map(self.word, reachable)) + f"    back = {self.word(back)}"]
        if back not in reachable:
            lines[0] += ", not reachable: a link is missing"
        return lines


class Figure3d(QueueScenario):
    """The state of Figure 3(d): an enqueue has returned, and its message is not visible yet."""

    def __init__(self) -> None:
        super().__init__("figure-3d", "Can an enqueue return before any consumer can receive its message?")
        self.fields = {**self.fields, DONE: "B has returned"}

    def threads(self) -> Mapping[str, ThreadCode]:
        """A is slow, B says when it has returned, C looks."""
        return {"A": self.produce("A"), "B": self.produce_and_say, "C": self.look}

    def produce_and_say(self, place: Place) -> Hashable:
        """Send, and say that the call has returned."""
        self.produce("B")(place)
        place.atomics.store(DONE, 1, Order.RELEASE)
        return None

    def look(self, place: Place) -> Hashable:
        """Where B has returned, see whether anything can be received: the stub, at least."""
        returned = place.atomics.load(DONE, Order.ACQUIRE)
        if returned and self.queue(place).dequeue() == NULL:
            raise Wrong("Figure 3(d)", "B's enqueue has returned, and C can receive nothing: A has not linked yet")
        return ()
