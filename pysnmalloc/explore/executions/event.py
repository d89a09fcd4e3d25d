"""Events of an execution, and what each event knows of the others (§2.2).

    clock   (2, 0, 5)      two events of thread 0 are known, none of thread 1, five of thread 2

An event knows which events precede it by program order and reads-from (``porf``), and
which happen before it (``hb``). Each set holds the first events of each thread, so one
count per thread describes it: a vector clock.
"""

from __future__ import annotations

from ..threads.ops import Op, Value

__all__ = ["Clock", "Event", "join", "tick"]

Clock = tuple[int, ...]  #: for each thread, how many of its events are known


class Event:
    """An event: a read, a write or a fence. A read-modify-write is a read and, right after it, a write.

    Attributes:
        thread, index: its place; ``index`` counts from 0 along the thread.
        op: the operation to which it belongs.
        kind: ``R``, ``W`` or ``F``.
        value: the value of the cell that it read or wrote.
        source: for a read, the write it reads from; for the write of a read-modify-write, its read.
        stamp: when it was added, as the search counts.
        number: its place in the graph's insertion order.
        porf: the events that precede it by po and rf, and itself.
        hb: the events that happen before it, and itself.
        message: for a write, the clock that a read of it acquires.
    """

    __slots__ = ("hb", "index", "kind", "message", "number", "op", "porf", "source", "stamp", "thread", "value")

    def __init__(
        self, thread: int, index: int, op: Op, kind: str, value: Value, source: Event | None, stamp: int, number: int
    ) -> None:
        self.thread = thread
        self.index = index
        self.op = op
        self.kind = kind
        self.value = value
        self.source = source
        self.stamp = stamp
        self.number = number
        self.porf: Clock = ()
        self.hb: Clock = ()
        self.message: Clock = ()

    def __repr__(self) -> str:
        return f"<{self.thread}.{self.index} {self.kind} {self.op.cell:#x} = {self.value}>"

    @property
    def key(self) -> tuple[int, int]:
        """Its name, the same in every graph that holds it."""
        return self.thread, self.index

    @property
    def changes(self) -> bool:
        """Whether it is the write of a read-modify-write."""
        return self.kind == "W" and self.source is not None

    @property
    def idle(self) -> bool:
        """Whether it is the write of a read-modify-write that writes the value that it read."""
        return self.kind == "W" and self.source is not None and self.source.value == self.value

    @property
    def effect(self) -> Event:
        """The write that brought about this write's value: this one, or that before the idle ones."""
        write = self
        while write.idle:
            assert write.source is not None
            assert write.source.source is not None
            write = write.source.source
        return write


def join(one: Clock, other: Clock) -> Clock:
    """Return a clock of all that either clock knows."""
    return tuple(map(max, one, other))


def tick(clock: Clock, thread: int) -> Clock:
    """Return the clock with one more event of a thread."""
    return (*clock[:thread], clock[thread] + 1, *clock[thread + 1 :])
