"""The relations of an execution as sets of bits, for the orders of SEQ_CST (§2.2).

    hb     the events that happen before an event
    eco    the events that lead to it by rf, mo and fr: those of its cell that come before it

A set of events is an int, with a bit for each event's number. An event knows the first events of each
thread (``event``), so the events that lead to it by po and hb are a union of such prefixes.
"""

from __future__ import annotations

from collections.abc import Callable

from ...atomics import Order
from .event import Event
from .execution import Execution

__all__ = ["Relations", "union"]


class Relations:
    """The relations of a graph. ``hb`` and ``eco`` return the events that lead to an event, as bits.

    Attributes:
        accesses, fences: the SEQ_CST ones, as bits.
        events: all events, by number.
        first: by thread and count, the set of that many first events.
        overtaken: by write, the events that lead to it by mo or fr.
    """

    def __init__(self, graph: Execution) -> None:
        self.accesses = self.fences = 0
        self.events = sorted((e for thread in graph.events for e in thread), key=lambda event: event.number)
        self.first: list[list[int]] = []
        for thread in graph.events:
            self._follow(thread)
        self.overtaken: dict[Event, int] = {}
        for cell, writes in graph.mo.items():
            self._line_up(writes, graph.reads.get(cell, ()))

    def _follow(self, thread: list[Event]) -> None:
        """Record the prefixes of a thread's events, and those of its events that are SEQ_CST."""
        first = [0]
        for event in thread:
            bit = 1 << event.number
            first.append(first[-1] | bit)
            if event.op.order is Order.SEQ_CST:
                self.accesses |= bit if event.kind != "F" else 0
                self.fences |= bit if event.kind == "F" else 0
        self.first.append(first)

    def _line_up(self, writes: tuple[Event, ...], reads: tuple[Event, ...]) -> None:
        """Record what each write of a cell overtakes: the writes before it and their readers."""
        readers: dict[Event | None, int] = {}
        for read in reads:
            readers[read.source] = readers.get(read.source, 0) | 1 << read.number
        before = readers.get(writes[0], 0)  # the first value has no number, since no cycle passes through it
        for write in writes[1:]:
            self.overtaken[write] = before
            before |= readers.get(write, 0) | 1 << write.number

    def hb(self, number: int) -> int:
        """Return the events that happen before an event."""
        found = 0
        for first, count in zip(self.first, self.events[number].hb, strict=True):
            found |= first[count]
        return found ^ 1 << number

    def eco(self, number: int) -> int:
        """Return the events that lead to an event by mo, fr and rf in any number of steps."""
        event = self.events[number]
        if event.kind != "R":
            return self.overtaken.get(event, 0)
        assert event.source is not None
        return self.overtaken.get(event.source, 0) | (1 << event.source.number if event.source.thread >= 0 else 0)


def union(relation: Callable[[int], int], events: int) -> int:
    """Return all events that lead to any of these by a relation."""
    found = 0
    while events:
        low = events & -events
        found |= relation(low.bit_length() - 1)
        events ^= low
    return found
