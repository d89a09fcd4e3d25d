"""An execution as data: the events of each thread, what reads from what, and the order of writes (§2.2).

    A:  store next, 0 ─► exchange back ─► store link        po   along a thread
                              │     ▲          │            rf   from a write to its readers
    B:  ...           ─► exchange back         │            mo   the order of writes to a cell
                                               ▼            fr   from a read to each write after its source
    C:                                    load link

Weak memory has no time, only these four orders. ``graph`` adds events to an execution.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NoReturn

from ..threads.ops import Value
from ..threads.segment import Node, Segment, Views
from .event import Clock, Event
from .start import Start

__all__ = ["Execution"]


class Execution:
    """An execution so far.

    Attributes:
        nodes: for each thread, the operation that it makes next.
        events: for each thread, its events in program order.
        mo: for each cell, its writes in modification order, starting with the first value.
        reads: for each cell, its reads.
        plain: for each cell, the plain accesses to it.
        parts: for each cell, the plain writes to some of its bytes, in the order of happens-before where they overlap.
            They have no place in ``mo``.
        clock: for each thread, the events that happen before its next event.
        made: the bytes of ``start.fresh`` that have been written.
        stuck: the threads whose wait has read the old value.
        pending: for each thread in the middle of a read-modify-write, its read.
    """

    def __init__(self, start: Start) -> None:
        self.start = start
        threads = len(start.trees)
        self._look_at(bytearray(start.image))
        self.nodes: list[Node] = []
        self.events: list[list[Event]] = [[] for _ in range(threads)]
        self.segments: list[list[Segment]] = [[] for _ in range(threads)]
        self.mo: dict[int, tuple[Event, ...]] = {}
        self.reads: dict[int, tuple[Event, ...]] = {}
        self.plain: dict[int, tuple[Event, ...]] = {}
        self.parts: dict[int, tuple[Event, ...]] = {}
        self.porf: list[Clock] = [start.nothing] * threads
        self.clock: list[Clock] = [start.nothing] * threads
        self.stuck: frozenset[int] = frozenset()
        self.pending: dict[int, Event] = {}
        self.made: frozenset[int] = frozenset()
        self.stamp = 0
        self.count = 0

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied by ``copy``, since an execution refers to threads that the explorer runs."""
        raise TypeError(
            "an execution cannot be pickled or copied, since it refers to threads that run in this process; "
            "pickle the finding or the schedule, and tell the schedule again"
        )

    def _look_at(self, image: bytearray) -> None:
        """Use these bytes as the plain memory."""
        self.image = image
        u8 = memoryview(image)
        self.views: Views = (u8, u8.cast("H"), u8.cast("I"), u8.cast("Q"))

    def writes(self, cell: int) -> tuple[Event, ...]:
        """Return the writes to a cell in modification order."""
        writes = self.mo.get(cell)
        return writes if writes is not None else (self.start.init(cell),)

    def parts_after(self, write: Event, cell: int) -> list[Event]:
        """Return the plain writes to some bytes of a cell that a write of modification order does not replace.

        Each of them happens after that write, or before it, where they access the same byte; else they race.
        """
        parts = self.parts.get(cell)
        if parts is None:
            return []
        return [part for part in parts if not _knows(self._writer(write, part), part)]

    def content(self, write: Event, cell: int) -> Value:
        """Return what a cell holds after a write of its modification order and the plain writes that follow it."""
        held = write.value
        for part in self.parts_after(write, cell):
            _, after = part.op.apply(held)
            assert after is not None
            held = after
        return held

    def _writer(self, write: Event, part: Event) -> Event:
        """Return the last write, up to one in modification order, of the bytes that a plain write accesses."""
        writes = self.writes(part.op.cell)
        place = writes.index(write)
        while place and not writes[place].op.overlaps(part.op):
            place -= 1
        return writes[place]

    def latest(self) -> bytes:
        """Return the bytes of memory after all writes."""
        image = self.image[:]
        for cell in self.mo.keys() | self.parts.keys():
            value = self.content(self.writes(cell)[-1], cell)
            for at, word in enumerate(value if isinstance(value, tuple) else (value,)):
                image[cell + 8 * at : cell + 8 * at + 8] = word.to_bytes(8, "little")
        return bytes(image)

    def canonical(self) -> Hashable:
        """Return a key of this execution's class: rf and mo, by the names of events.

        The key holds numbers and no strings, so that its hash is the same in every process.
        """
        return (
            tuple(tuple((ord(e.kind), e.op.cell, _came_of(e)) for e in events) for events in self.events),
            tuple((cell, tuple(write.key for write in writes)) for cell, writes in sorted(self.mo.items())),
        )


def _knows(write: Event, part: Event) -> bool:
    """Return whether a write happens after another, which accesses the same byte and so is ordered with it."""
    return write.thread >= 0 and part.index < write.hb[part.thread]


def _came_of(event: Event) -> Hashable:
    """Return what a class of executions says of an event: the write that it read, or the value that it wrote."""
    if event.op.partial:
        return event.op.values  # what else the cell holds says nothing of the event
    return event.source.key if event.kind == "R" and event.source else event.value
