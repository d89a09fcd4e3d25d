"""Judges of tutorial 6, the message queue (§2.2, Figure 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from ...allocator import Parts
from ...atomics import Order
from ...explore import Result, explore
from ...explore.scenarios.queue import PublishedQueue, QueueScenario
from ..exploring import explored
from ..judging import Trouble, Wanted, call, exercise, shown
from ..material.queues import ListScenario
from ..material.watched import Watched, old
from ..source import forbidden
from ..verdict import Case

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


QUEUES = (  # the messages, in runs: the link between two runs has not been written yet
    ((40, 16, 72),),
    ((8,),),
    ((40, 16), (72, 24)),
    ((40,), (16, 72)),
    ((96, 40, 8, 16, 72),),
)


@exercise("6.1")
def _receivable(answer: object) -> Iterator[Trouble]:
    """Try queues as runs of messages; all but the last of the first run come out. The keys come in every order."""
    for runs in QUEUES:
        links = {message: after for run in runs for message, after in zip(run, (*run[1:], 0), strict=True)}
        newest = runs[0][-1]
        why = f"The link of {newest} is 0: nothing has been linked behind it, so it stays as the front."
        for keys in (links, sorted(links)):
            asked = runs[0][0], {key: links[key] for key in keys}
            yield from call(answer, "receivable", *asked, wanted=[*runs[0][:-1]], why=why)


# 6.2


class Sending(NamedTuple):
    """A call of ``enqueue``.

    Attributes:
        back: where the back of the queue is.
        newest: the newest message in the queue.
        messages: those to send, in order.
    """

    back: int
    newest: int
    messages: tuple[int, ...]

    @property
    def called(self) -> str:
        """The call in words."""
        return f"enqueue(atomics, {self.back:#x}, {self.messages[0]:#x}, {self.messages[-1]:#x})"


ALONE = (
    Sending(0xC0, 0x140, (0x240, 0x300, 0x1C0)),
    Sending(0xC0, 0x200, (0x2C0,)),
    Sending(0x80, 0x180, (0x340, 0x240)),
)
NULL_IS = " Null is the address 0, which no object has."
OWN = "Write the steps of `enqueue` yourself."


@exercise("6.2", once=True)
def _enqueue(answer: object) -> Iterator[Trouble]:
    """Let the answer send alone, and then with another sender and the project's receiver, in every execution."""
    yield from forbidden(answer, names={"MessageQueue": OWN, "PublishedQueue": OWN, "SplitQueue": OWN})
    for case in (*ALONE, ALONE[0]):
        yield from _sent(answer, case)
    assert callable(answer), "it has been called"
    yield from explored(answer, "enqueue", ListScenario(answer))


def _sent(answer: object, case: Sending) -> Iterator[Trouble]:
    """Call ``enqueue``, and look at what it leaves in memory."""
    back, newest, first, last = case.back, case.newest, case.messages[0], case.messages[-1]
    atomics = Watched({back: newest, newest: 0, **dict(pairwise(case.messages))})
    asked = atomics, back, first, last
    for trouble in call(answer, "enqueue", *asked, wanted=Wanted(None, "nothing"), addresses=(1, 2, 3)):
        null = NULL_IS if "the value None" in trouble.words else ""
        yield replace(trouble, words=trouble.words + null)
    ran, after = atomics.ran, {back: last, newest: first, last: 0}
    words = [_changed(case, address, ran.word(address)) for address in ran.changed(after)]
    changes = sum(done.changes and done.address == back for done in ran.done)
    if not words and changes != 1:
        words = [f"the back has changed {changes} times. One exchange puts all messages into the queue."]
    for each in words:
        called = Case(answer, "enqueue", asked)  # type: ignore[arg-type]  # a function: it has been called
        yield Trouble(f"after `{case.called}`, {each}", called)


def _changed(case: Sending, address: int, value: int) -> str:
    """Return words about a word that is not as it should be after a send."""
    first, last = case.messages[0], case.messages[-1]
    if address == case.back:
        return f"the back is {value:#x}. It should be {last:#x}, the last of your messages."
    if address == last:
        stale = ", a value from before" if value == old(last) else ""
        return f"the link of {last:#x}, your last message, is {value:#x}{stale}. What must a receiver find there?"
    if address == case.newest:
        should = f"It should lead to {first:#x}, the first of your messages."
        return f"the link of {address:#x}, the newest message before, is {value:#x}. {should}"
    return f"the word at {address:#x} is {value:#x}, which `enqueue` does not have to change."


# 6.3


@exercise("6.3", once=True)
def _repaired(answer: object) -> Iterator[Trouble]:
    """Explore the published queue with the given order, and with the next weaker ones."""
    if not isinstance(answer, Order):
        meant = MEMBER.format(answer.upper()) if isinstance(answer, str) and answer.upper() in Order.__members__ else ""
        yield Trouble(f"the answer must be an `Order`, as in `sn.Order.RELAXED`, but this is {shown(answer)}.{meant}")
        return
    result = _published(answer)
    for finding in result.findings:
        yield Trouble(f"with {answer.value} there is still a {finding.kind}.", finding=finding)
    for weaker in WEAKER[answer]:
        if _published(weaker).ok:
            yield Trouble(f"no message is lost, but {weaker.value} is weaker, and it loses no message either.")


MEMBER = " Write `sn.Order.{}`, without quotes."


def _published(order: Order) -> Result:
    """Explore the published queue with an order of its exchange."""
    scenario = QueueScenario("queue-published", "", parts=Parts(messagequeue=PublishedQueue))
    return explore(scenario, "cpp20", weaken={SITE: order})
