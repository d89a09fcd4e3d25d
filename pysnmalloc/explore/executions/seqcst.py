"""SEQ_CST in C++20: whether all such accesses and fences fit into one total order S (§2.2).

    scb       po, (po; hb; po), hb to the same cell, mo, or fr
    base      ([E_sc] or [F_sc]; hb?); scb; ([E_sc] or hb?; [F_sc])
    fences    [F_sc]; (hb or hb; eco; hb); [F_sc]

The rule is that the steps base and fences together have no cycle. It follows [intro.races] and
[atomics.order]: po; hb; po "strongly happens before", eco is "coherence-ordered before", and a fence
is in S for all that it happens before, or that happens before it. A read-modify-write is one operation
there, but two events here, so no po; hb; po begins or ends with a step from its read to its write.

The text has more: all of eco belongs to S between accesses too, so mo; rf and fr; rf from a store that
is not SEQ_CST. This forbids what x86 does (``SB+rfis``). Its authors call it a mistake (issue LWG 3941)
of writing down the paper that it follows, which has the rule as it is here (``psc``).

The rule is checked each time an event is added, and most checks cost almost nothing. The new event
is the last of its thread, and nothing happens after it. So each step that it adds leads to it or
passes through it. Paths leave it by mo, fr and eco only, to later writes of its cell and their readers:
there is no new cycle if it is the last write, or reads it. Otherwise, there is one if a walk back along
the steps returns to the new event. A walk visits each event a few times at most, so the cost of an
execution is quadratic at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...atomics import Order
from .event import Event
from .execution import Execution

__all__ = ["Steps", "closes_cycle"]


def closes_cycle(graph: Execution, event: Event, kind: type[Steps] | None = None) -> bool:
    """Tell whether the steps of S, or of another kind, have a cycle through the event that was just added.

    Cost: a comparison for a fence or if its cell has no later write; otherwise a few steps per event of the graph.
    """
    if event.kind == "F" or graph.writes(event.op.cell)[-1] in (event, event.source):
        return False
    steps, itself = (kind or Steps)(graph), 1 << event.number
    fences = steps.hb(event.number) & steps.fences
    by_scb, _ = steps.walk_back(fences | itself & steps.accesses)
    _, by_eco = steps.walk_back(fences)  # eco belongs to S between fences only
    return bool((by_scb | by_eco) & itself)


class Steps:
    """The steps of a graph's S. ``hb``, ``scb`` and ``eco`` return the events that lead to an event.

    A set of events is an int, with a bit for each event's number. An event knows the first events of each thread
    (``event``), so the events that lead to it by po and hb are a union of such prefixes.

    Attributes:
        accesses, fences: the SEQ_CST ones, as bits.
    """

    def __init__(self, graph: Execution) -> None:
        self.accesses = self.fences = 0
        self._events = sorted((e for thread in graph.events for e in thread), key=lambda event: event.number)
        self._cells: dict[int, int] = {}  # by cell: its reads and writes
        self._parts: list[Event] = []  # the plain accesses to some bytes of a cell
        self._first: list[list[int]] = []  # by thread and count: the set of that many first events
        self._away: list[list[int]] = []  # the same without the events at which a step by hb cannot begin or end
        for thread in graph.events:
            self._follow(thread)
        self._overtaken: dict[Event, int] = {}  # by write: the events that lead to it by mo or fr
        for cell, writes in graph.mo.items():
            self._line_up(writes, graph.reads.get(cell, ()))

    def _follow(self, thread: list[Event]) -> None:
        """Record the prefixes, cells and orders of a thread's events."""
        first = [0]
        for event in thread:
            bit = 1 << event.number
            first.append(first[-1] | bit)
            if event.kind != "F":
                self._cells[event.op.cell] = self._cells.get(event.op.cell, 0) | bit
            if event.op.partial:
                self._parts.append(event)
            if event.op.order is Order.SEQ_CST:
                self.accesses |= bit if event.kind != "F" else 0
                self.fences |= bit if event.kind == "F" else 0
        self._first.append(first)
        self._away.append([0, *(first[count] for count in self._ends(thread))])

    def _ends(self, thread: list[Event]) -> Iterator[int]:
        """Yield, for each event of a thread, how many events are before it from which a step by po; hb; po may begin.

        From the last of them, a step of po leads to the event: to another operation than its own.
        """
        return (event.index - event.changes for event in thread)

    def _line_up(self, writes: tuple[Event, ...], reads: tuple[Event, ...]) -> None:
        """Record what each write of a cell overtakes: the writes before it and their readers."""
        readers: dict[Event | None, int] = {}
        for read in reads:
            readers[read.source] = readers.get(read.source, 0) | 1 << read.number
        before = readers.get(writes[0], 0)  # the first value has no number, since no step passes through it
        for write in writes[1:]:
            self._overtaken[write] = before
            before |= readers.get(write, 0) | 1 << write.number

    def walk_back(self, events: int) -> tuple[int, int]:
        """Walk back along S from SEQ_CST events; return the events where its steps by scb and by eco start."""
        found = known = by_scb = by_eco = 0
        while events:
            found |= events
            new = _union(self.hb, events & self.fences) & ~known
            scb, eco = _union(self.scb, events | new), _union(self.eco, new)
            starts = (scb | eco) & ~(by_scb | by_eco)
            known, by_scb, by_eco = known | new, by_scb | scb, by_eco | eco
            events = scb & self.accesses
            if self.fences:
                events |= (new | starts | _union(self.hb, starts)) & self.fences
            events &= ~found
        return by_scb, by_eco

    def hb(self, number: int) -> int:
        """Return the events that happen before an event."""
        found = 0
        for first, count in zip(self._first, self._events[number].hb, strict=True):
            found |= first[count]
        return found ^ 1 << number

    def scb(self, number: int) -> int:
        """Return the events that lead to an event by scb."""
        event = self._events[number]
        found = self._first[event.thread][event.index] | self._strongly(event)
        if event.kind != "F":
            found |= self.hb(number) & self._same_bytes(event)
        return found | self._overtaken.get(event, 0)

    def _same_bytes(self, event: Event) -> int:
        """Return the events of the event's cell, except plain accesses to other bytes of it."""
        found = self._cells[event.op.cell]
        for part in self._parts:
            if not part.op.overlaps(event.op):
                found &= ~(1 << part.number)
        return found

    def _strongly(self, event: Event) -> int:
        """Return the events that lead to an event by po; hb; po."""
        before = self._away[event.thread][event.index + 1]
        if not before:
            return 0
        found, last = 0, self._events[before.bit_length() - 1]  # the last event of a thread knows the most
        for away, count in zip(self._away, last.hb, strict=True):
            found |= away[count]
        return found

    def eco(self, number: int) -> int:
        """Return the events that lead to an event by mo, fr and rf in any number of steps."""
        event = self._events[number]
        if event.kind != "R" or event.op.partial:
            return self._overtaken.get(event, 0)
        assert event.source is not None
        return self._overtaken.get(event.source, 0) | (1 << event.source.number if event.source.thread >= 0 else 0)


def _union(relation: Callable[[int], int], events: int) -> int:
    """Return all events that lead to any of these by a relation."""
    found = 0
    while events:
        low = events & -events
        found |= relation(low.bit_length() - 1)
        events ^= low
    return found
