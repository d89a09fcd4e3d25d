"""Judges of tutorial 6, the message queue (§2.2, Figure 3)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator

from ...allocator import Parts
from ...atomics import Atomics, Order
from ...explore import explore
from ...explore.scenarios.queue import PublishedQueue, QueueScenario
from ...explore.threads.scenario import Place, ThreadCode
from ...messagequeue import NEXT, MessageQueue
from ..exploring import answered, explored, story
from ..judging import Trouble, call, exercise, shown

__all__: list[str] = []

SITE = "PublishedQueue.enqueue exchange"
WEAKER = {
    Order.RELAXED: (),
    Order.ACQUIRE: (Order.RELAXED,),
    Order.RELEASE: (Order.RELAXED,),
    Order.ACQ_REL: (Order.ACQUIRE, Order.RELEASE),
    Order.SEQ_CST: (Order.ACQ_REL,),
}
"""The next weaker orders of a read-modify-write."""


@exercise("6.1")
def _receivable(answer: object) -> Iterator[Trouble | str]:
    """Try queues as lists of runs, with a link missing between runs; all but the last of the first run come out."""
    for runs in ([[40, 16, 72]], [[8]], [[40, 16], [72, 24]], [[40], [16, 72]], [[96, 40, 8, 16, 72]]):
        links = {message: after for run in runs for message, after in zip(run, [*run[1:], 0], strict=True)}
        yield from call(answer, "receivable", runs[0][0], links, wanted=runs[0][:-1])


class ListScenario(QueueScenario):
    """A sends a list of two messages, B sends one message, and C tries to receive five times."""

    def __init__(self, queue: type[MessageQueue]) -> None:
        super().__init__("your enqueue", "", messages=2, tries=5, parts=Parts(messagequeue=queue))
        self.sent["B"].pop()

    def produce(self, name: str) -> ThreadCode:
        """Return a producer that sends all its messages as one list."""

        def run(place: Place) -> Hashable:
            messages = self.sent[name]
            for message, after in zip(messages, [*messages[1:], 0], strict=True):
                place.memory.u64[message + 16 >> 3] = message  # its payload
                if after:
                    place.atomics.store(message + NEXT, after, Order.RELAXED)
            self.queue(place).enqueue(messages[0], messages[-1])
            return None

        return run


@exercise("6.2")
def _enqueue(answer: object) -> Iterator[Trouble | str]:
    """Run the project's receiver with senders that use the answer, in every execution."""
    if callable(answer):
        yield from explored(answer, "enqueue", ListScenario(_with_enqueue(answer)))
    else:
        yield from call(answer, "enqueue", wanted=None)


def _with_enqueue(answer: Callable[[Atomics, int, int, int], object]) -> type[MessageQueue]:
    """Return the project's queue with the given enqueue."""

    class Answered(MessageQueue):
        """A queue that sends as the answer does."""

        __slots__ = ()

        def enqueue(self, first: int, last: int) -> None:
            """Send a list of messages."""
            answered(answer(self._atomics, self._back, first, last))

    return Answered


@exercise("6.3")
def _repaired(answer: object) -> Iterator[Trouble | str]:
    """Explore the published queue with the given order, and with the next weaker ones."""
    if not isinstance(answer, Order):
        yield f"the answer must be an `Order`, as in `sn.Order.RELAXED`, but this is {shown(answer)}."
        return
    scenario = QueueScenario("queue-published", "", parts=Parts(messagequeue=PublishedQueue))
    lost = explore(scenario, "cpp20", weaken={SITE: answer})
    if lost.findings:
        yield f"with {answer.value} there is still a {lost.verdict.removeprefix('wrong: ')}.\n{story(lost.findings[0])}"
    for weaker in WEAKER[answer]:
        if explore(scenario, "cpp20", weaken={SITE: weaker}).ok:
            yield f"no message is lost, but {weaker.value} is weaker, and it loses no message either."
