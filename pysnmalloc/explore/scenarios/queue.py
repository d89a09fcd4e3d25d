"""Scenarios of the message queue, as shipped and in three broken versions (§2.2, Figure 3).

    A ──┐ enqueue(m1), enqueue(m3)
    B ──┤ enqueue(m2), enqueue(m4)        which messages arrive, in which executions?
    C ◄─┘ dequeue, dequeue, ...

When all threads have ended, a message that the consumer did not receive must still
be reachable from the front; otherwise it is lost. A producer writes a payload into
each message before it sends the message. A consumer that receives the message must
also see its payload.
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
DONE = 512  # the word that B sets when its enqueue has returned


class PublishedQueue(MessageQueue):
    """The queue with the orders that the paper and its code publish: all operations on shared words are relaxed."""

    def enqueue(self, first: int, last: int) -> None:
        """Send a list of messages, linked from ``first`` to ``last``."""
        atomics = self._atomics
        atomics.store(last + NEXT, NULL, Order.RELAXED)
        atomics.fence(Order.RELEASE)
        before = atomics.exchange(self._back, last, Order.RELAXED)
        atomics.store(before + NEXT, first, Order.RELAXED)


class SplitQueue(MessageQueue):
    """A queue whose exchange is split into a load and a store, so another producer may come between them."""

    def enqueue(self, first: int, last: int) -> None:
        """Send a list of messages, linked from ``first`` to ``last``."""
        atomics = self._atomics
        atomics.store(last + NEXT, NULL, Order.RELAXED)
        before = atomics.load(self._back, Order.ACQUIRE)
        atomics.store(self._back, last, Order.RELEASE)
        atomics.store(before + NEXT, first, Order.RELEASE)


class EagerQueue(MessageQueue):
    """A queue that returns even the newest message, which must stay in the list and is therefore received again."""

    def dequeue(self) -> int:
        """Receive the message after the front, or return 0. Move the front to the message unless it is the newest."""
        message = self._atomics.load(self._u64[self._front] + NEXT, Order.ACQUIRE)
        if message != NULL and self._atomics.load(message + NEXT, Order.ACQUIRE) != NULL:
            self._u64[self._front] = message
        return message


class QueueScenario(Scenario):
    """Two producers and a consumer.

    Args:
        name, about: the scenario's name, and the question that its exploration answers.
        messages: the number of messages that each producer sends.
        tries: the number of times that the consumer calls ``dequeue``.
        parts: the classes that the threads use.
        note: a remark, which is shown with findings.
        plain: whether the accesses to payloads are plain. Otherwise they are relaxed atomic operations, which never
            race, so the exploration shows which payloads a reader can see.
    """

    section = "§2.2"
    size = 2048
    concepts = ("messagequeue",)  #: the parts that its threads use

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
        """Return the addresses of a producer's messages, which are every second one."""
        return (MESSAGES + APART * (first + 2 * at) for at in range(messages))

    def queue(self, place: Place) -> MessageQueue:
        """Return a thread's view of the queue."""
        return place.parts.messagequeue(place.memory, place.atomics, BLOCK)

    def setup(self, place: Place) -> None:
        """Make the queue, which consists of the stub."""
        self.queue(place).init()

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return two producers and a consumer."""
        return {"A": self.produce("A"), "B": self.produce("B"), "C": self.consume}

    def produce(self, name: str) -> ThreadCode:
        """Return the code of a producer."""

        def run(place: Place) -> Hashable:
            for message in self.sent[name]:
                self._write(place, message)
                self.queue(place).enqueue(message, message)
            return None

        return run

    def consume(self, place: Place) -> Hashable:
        """Try to receive, check the payloads, and return the messages received."""
        received = []
        for _ in range(self.tries):
            message = self.queue(place).dequeue()
            if message >= MESSAGES:
                if self._read(place, message) != message:
                    raise Wrong("stale payload", f"{self.word(message)} was received without its payload")
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
        """Raise unless each message was received once or can be reached from the front once."""
        received = results[2]
        assert isinstance(received, tuple)
        reachable = [self.word(message) for message in self._reachable(place) if message >= MESSAGES]
        arrived = [*received, *reachable]
        lost = {self.word(message) for sent in self.sent.values() for message in sent} - set(arrived)
        if lost:
            raise Wrong("lost message", f"{' and '.join(sorted(lost))} can no longer be reached from the front")
        if len(arrived) > len(set(arrived)):
            raise Wrong("duplicated message", f"received and reachable messages: {' '.join(arrived)}")
        return None

    def _reachable(self, place: Place) -> Iterator[int]:
        """Yield what can be reached from the front. In a cycle, stop after one more than the stub and all messages."""
        most = sum(map(len, self.sent.values())) + 2
        for _, message in zip(range(most), self.queue(place).walk(), strict=False):
            yield message

    def draw(self, place: Place) -> list[str]:
        """Draw the list, and say if the back cannot be reached from the front."""
        reachable = list(self._reachable(place))
        back = self.queue(place).back()
        lines = ["front → " + " → ".join(map(self.word, reachable)) + f"    back = {self.word(back)}"]
        if back not in reachable:
            lines[0] += ", not reachable: a link is missing"
        return lines


class Figure3d(QueueScenario):
    """The state of Figure 3(d): an enqueue has returned, but its message is not visible yet."""

    def __init__(self) -> None:
        super().__init__("figure-3d", "Can an enqueue return before any consumer can receive its message?")
        self.fields = {**self.fields, DONE: "B has returned"}

    def threads(self) -> Mapping[str, ThreadCode]:
        """Return two producers, of which B signals that its enqueue has returned, and a consumer."""
        return {"A": self.produce("A"), "B": self.produce_and_say, "C": self.look}

    def produce_and_say(self, place: Place) -> Hashable:
        """Send B's message, and then signal that the call has returned."""
        self.produce("B")(place)
        place.atomics.store(DONE, 1, Order.RELEASE)
        return None

    def look(self, place: Place) -> Hashable:
        """Raise if B's enqueue has returned, but nothing can be received, not even the stub."""
        returned = place.atomics.load(DONE, Order.ACQUIRE)
        if returned and self.queue(place).dequeue() == NULL:
            raise Wrong("Figure 3(d)", "B's enqueue has returned, but C can receive nothing: A has not linked yet")
        return ()
