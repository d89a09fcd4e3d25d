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

    def latest(self) -> bytes:
        """Return the bytes of memory after all writes."""
        image = self.image[:]
        for cell, writes in self.mo.items():
            value = writes[-1].value
            for at, word in enumerate(value if isinstance(value, tuple) else (value,)):
                image[cell + 8 * at : cell + 8 * at + 8] = word.to_bytes(8, "little")
        return bytes(image)

    def canonical(self) -> Hashable:
        """Return a key of this execution's class: rf and mo, by the names of events.

        The key holds numbers and no strings, so that its hash is the same in every process.
        """
        return (
            tuple(
                tuple((ord(e.kind), e.op.cell, e.source.key if e.kind == "R" and e.source else e.value) for e in events)
                for events in self.events
            ),
            tuple((cell, tuple(write.key for write in writes)) for cell, writes in sorted(self.mo.items())),
        )
