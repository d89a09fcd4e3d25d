"""A message queue: bob and carol free alice's objects, and every call is recorded (§2.2, Figure 3).

    bob.free(p) ──► bob's bucket ──► bob.post() ──► alice's queue ──► alice.malloc() ──► alice's free list
                    a list           one exchange    front ... back    all but the newest   a stack

alice owns all objects; they lie in one slab, so an offset identifies each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...config import CLASSROOM
from ...freelist import FreeList
from ...heap import Heap
from ..question import Dice
from ..slabs import RESERVE, entry_text, listed

__all__ = ["STUB", "QueueBench", "QueueState", "QueueStep"]

STUB = -1  #: stands for the stub, which has no offset
BATCHES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 3}  # number of batches posted, by level


@dataclass(frozen=True)
class QueueState:
    """Queue, free list and buckets at one moment, as offsets in alice's slab.

    Attributes:
        queue: messages in alice's queue from front to back, ``STUB`` for the stub.
        entries: of alice's free list, the next to be allocated first, then its end: the bump pointer plus 1, or all
            ones.
        buckets: by name, the messages that bob and carol freed but have not posted, oldest first.
    """

    queue: tuple[int, ...]
    entries: tuple[int, ...]
    buckets: dict[str, tuple[int, ...]]

    def lines(self) -> tuple[str, ...]:
        """Draw the state."""
        return (
            f"alice's free list   {' -> '.join(map(entry_text, self.entries))}",
            f"alice's queue       front -> {_chain(self.queue)} <- back",
        )


@dataclass(frozen=True)
class QueueStep:
    """One call.

    Attributes:
        call: its text, as shown: ``bob.free(0x240)``.
        who: the name of the caller: ``alice``, ``bob`` or ``carol``.
        before, after: queue, free list and buckets before and after the call.
        taken: the object that a malloc returned, as an offset in alice's slab; None for other calls.
    """

    call: str
    who: str
    before: QueueState
    after: QueueState
    taken: int | None = None

    @property
    def received(self) -> tuple[int, ...]:
        """The messages that a malloc dequeued, including the stub."""
        return self.before.queue[: len(self.before.queue) - len(self.after.queue)]

    def told(self) -> str:
        """Describe what the call did."""
        queue = self.before.queue
        if self.taken is not None:
            return f"{self.call}: {self._receiving()} malloc takes the first free object, {self.taken:#05x}."
        bucket, sent = self.after.buckets[self.who], self.before.buckets[self.who]
        if bucket:
            return f"{self.call}: {{next, alice}} is written into the object. {self.who}'s bucket: {_chain(bucket)}."
        before = "the stub" if queue[-1] == STUB else f"{queue[-1]:#05x}"
        return (
            f"{self.call}: one exchange sets back = {sent[-1]:#05x}; then {before} links to {sent[0]:#05x}. "
            f"The queue: {_chain(self.after.queue)}."
        )

    def _receiving(self) -> str:
        """Describe the messages that a malloc receives."""
        newest = self.after.queue[0]
        stays = "the stub is alone in the queue" if newest == STUB else f"{newest:#05x}, the newest, stays in the queue"
        if not self.received:
            return f"{stays}, so nothing is received."
        got = [message for message in self.received if message != STUB]
        skipped = "the stub is skipped; " if STUB in self.received else ""
        if not got:
            return f"{skipped}{stays}."
        which = ", ".join(f"{message:#05x}" for message in got)
        freed = f"{which} are dequeued and freed in this order" if len(got) > 1 else f"{which} is dequeued and freed"
        return f"{skipped}{freed}; {stays}. The free list is then {' -> '.join(map(entry_text, self._listed()))}."

    def _listed(self) -> tuple[int, ...]:
        """Return the free list after receiving; malloc then takes its first object."""
        return (self.taken or 0, *self.after.entries)


class QueueBench:
    """alice, who owns a slab, and bob and carol, who free her objects; every call is recorded."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.heap = Heap(CLASSROOM, reserve=RESERVE, fast=False)
        self._alice = self.heap.acquire(number=1)
        self._others = {"bob": self.heap.acquire(number=2), "carol": self.heap.acquire(number=3)}
        first = self._alice.malloc(size)
        self._slab = self._alice.metaslab.slab_of(first)
        self._list = FreeList(self.heap.memory, self._alice.metaslab)
        self.live = [first - self._slab]
        self.steps: list[QueueStep] = []

    def state(self) -> QueueState:
        """Return the current state, read from the bytes."""
        buckets = {
            name: tuple(message - self._slab for index in range(CLASSROOM.buckets) for message in who.cache.walk(index))
            for name, who in self._others.items()
        }
        stub = self._alice.queue.stub
        queue = tuple(STUB if at == stub else at - self._slab for at in self._alice.queue.walk())
        return QueueState(queue, listed(self._list, self._slab), buckets)

    def malloc(self) -> QueueStep:
        """Let alice allocate; she receives first."""
        before, name = self.state(), "pqrstuvw"[sum(step.taken is not None for step in self.steps)]
        taken = self._alice.malloc(self.size) - self._slab
        call = f"{name} = alice.malloc({self.size})"
        self.steps.append(QueueStep(call, "alice", before, self.state(), taken))
        return self.steps[-1]

    def own_free(self, offset: int) -> None:
        """Let alice free an object before the calls that are shown."""
        self.live.remove(offset)
        self._alice.free(self._slab + offset)

    def free(self, who: str, offset: int) -> None:
        """Let bob or carol free one of alice's objects."""
        before = self.state()
        self.live.remove(offset)
        self._others[who].free(self._slab + offset)
        self.steps.append(QueueStep(f"{who}.free({offset:#05x})", who, before, self.state()))

    def post(self, who: str) -> None:
        """Let bob or carol post the messages in the buckets."""
        before = self.state()
        self._others[who].post()
        self.steps.append(QueueStep(f"{who}.post()", who, before, self.state()))

    def prepare(self, dice: Dice, level: int) -> None:
        """Allocate and free some objects; from level 2 on, the queue has usually been used before."""
        self.live += [self._alice.malloc(self.size) - self._slab for _ in range(11)]
        if level > 1 and dice.below(4):
            for offset in dice.some(self.live, dice.between(1, 2)):
                self.free("bob", offset)
            self.post("bob")
            self.own_free(dice.pick(self.live))  # receives all but the newest
            if level > 2 and dice.below(2):
                self.free("bob", dice.pick(self.live))
                self.post("bob")
        elif dice.below(2):
            self.own_free(dice.pick(self.live))
        self.steps.clear()

    def play(self, dice: Dice, level: int) -> None:
        """Let bob and carol free and post; from level 4 on, alice receives in between."""
        names = ["bob", "carol"] if level > 2 else ["bob"]
        for batch in range(BATCHES[level]):
            for _ in range(dice.between(2 if batch == 0 else 1, 3 if level < 5 else 2)):
                self.free(dice.pick(names), dice.pick(self.live))
            ready = [name for name in names if self.state().buckets[name]]
            self.post(dice.pick(ready))
            if level > 3 and batch == 0:
                self.malloc()


def _chain(messages: tuple[int, ...]) -> str:
    """Format a list of messages."""
    return " -> ".join("stub" if at == STUB else f"{at:#05x}" for at in messages) or "empty"
