"""SEQ_CST in RC11: whether all accesses and fences of that order fit into one line (§2.2).

    scb       po, or po to another cell; hb; po from another cell, or hb to the same cell, or mo, or fr
    psc_base  ([E_sc] or [F_sc]; hb?); scb; ([E_sc] or hb?; [F_sc])
    psc_F     [F_sc]; (hb or hb; eco; hb); [F_sc]

The law: psc_base and psc_F together have no cycle (Lahav, Vafeiadis, Kang, Hur and Dreyer,
"Repairing Sequential Consistency in C/C++11", PLDI 2017).

The relation is kept while the graph grows. A new event is the last of its thread, and nothing
that is there happens after it. So between older events nothing changes, and the new one leads to
older ones by mo, fr and eco alone: it leads nowhere unless it writes or reads something that is
not the newest. A cycle must go through the new event; only then is one looked for.

Sets of events are the bits of an int, by the events' numbers. For each event:

    known[e]     what happens before it             apart[e]   what is po-before it, and po-before
    entered[e]   who leads to it by scb                        something of another cell up to it
    through[e]   which fences lead to it by hb; eco     behind[e]  of a SEQ_CST event: psc
"""

from __future__ import annotations

from typing import Self

from ...atomics import Order
from .event import Event
from .execution import Execution

__all__ = ["SeqCst"]


class SeqCst:
    """The relation psc of a growing execution.

    Attributes:
        steps: how many sets were joined since the beginning; the cost, for tests to count.
    """

    __slots__ = ("accesses", "apart", "behind", "cells", "entered", "fences", "known", "mine", "steps", "through")

    def __init__(self) -> None:
        self.accesses = self.fences = self.steps = 0
        self.mine: list[int] = []  # by event: what is po-before it
        self.known: list[int] = []
        self.apart: list[int] = []
        self.entered: list[int] = []
        self.through: list[int] = []
        self.behind: dict[int, int] = {}
        self.cells: dict[int, int] = {}  # by cell: its reads and writes

    def copy(self) -> Self:
        """Return a copy that can grow by itself. Cost: the number of events."""
        twin = object.__new__(type(self))
        twin.accesses, twin.fences, twin.steps = self.accesses, self.fences, self.steps
        twin.mine, twin.known, twin.apart = self.mine[:], self.known[:], self.apart[:]
        twin.entered, twin.through = self.entered[:], self.through[:]
        twin.behind, twin.cells = self.behind.copy(), self.cells.copy()
        return twin

    def add(self, graph: Execution, event: Event) -> bool:
        """Take in the event that was just added to a graph, its ``hb`` known; return whether psc has no cycle.

        Cost: one step for each event that happens before it; if it leads to older events, one more for
        each event of the graph.
        """
        self._place(graph, event)
        bit, known = 1 << event.number, self.known[event.number]
        before, after, eco_before, eco_after = _around(graph, event)
        self.entered.append(self._leading_to(self._scb_before(graph, event) | before))
        self.through.append(self.fences & self._joined(self.known, eco_before) if self.fences else 0)
        fences = leaving = known & self.fences
        if _order(event) is Order.SEQ_CST:
            leaving |= bit
            self._enter(event, known)
        by_scb = self._lead(leaving, after, self.entered, after & self.accesses)
        return by_scb and self._lead(fences, eco_after, self.through, 0)

    # Where an event stands.

    def _place(self, graph: Execution, event: Event) -> None:
        """Note what is po-before an event, what happens before it, and its cell."""
        thread = graph.events[event.thread]
        last = thread[event.index - 1] if event.index else None
        self.mine.append(self.mine[last.number] | 1 << last.number if last is not None else 0)
        self.known.append(self._last_known(graph, event, self.known, itself=True))
        same = last is not None and _same_cell(last, event)
        self.apart.append(self.apart[last.number] if same and last is not None else self.mine[-1])
        if event.kind != "F":
            self.cells[event.op.cell] = self.cells.get(event.op.cell, 0) | 1 << event.number

    def _last_known(self, graph: Execution, event: Event, rows: list[int], *, itself: bool) -> int:
        """Join the rows of the last event of each thread that happens before an event; and these, if wanted."""
        found = 0
        for thread, count in enumerate(event.hb):
            count -= thread == event.thread
            if count:
                number = graph.events[thread][count - 1].number
                found |= rows[number] | (1 << number if itself else 0)
                self.steps += 1
        return found

    def _scb_before(self, graph: Execution, event: Event) -> int:
        """The events from which scb leads to an event, mo and fr aside."""
        found = self.mine[event.number]
        if event.kind != "F":
            found |= self.known[event.number] & self.cells[event.op.cell]
        # po to another cell; hb; po from another cell: through the thread's last event of another cell.
        for other in reversed(graph.events[event.thread][: event.index]):
            self.steps += 1
            if not _same_cell(other, event):
                found |= self._last_known(graph, other, self.apart, itself=False)
                break
        return found

    # The relation.

    def _enter(self, event: Event, known: int) -> None:
        """Enter a SEQ_CST event, behind those that lead to it."""
        behind = self.entered[event.number]
        if event.kind == "F":
            behind |= self.fences & known | self._joined(self.entered, known)
            if self.fences:
                behind |= self._joined(self.through, known)
            self.fences |= 1 << event.number
        else:
            self.accesses |= 1 << event.number
        self.behind[event.number] = behind

    def _leading_to(self, sources: int) -> int:
        """The SEQ_CST events from which ``([E_sc] or [F_sc]; hb?)`` leads to some events."""
        found = sources & (self.accesses | self.fences)
        return found | self.fences & self._joined(self.known, sources) if self.fences else found

    def _lead(self, leaving: int, targets: int, rows: list[int], reached: int) -> bool:
        """Let SEQ_CST events lead to others and to the fences after those; return whether that closes no cycle.

        Args:
            leaving: they lead, each to the same.
            targets: accesses to which scb, or eco, leads from the new event.
            rows: where that is noted, by target: ``entered`` or ``through``.
            reached: the targets that are SEQ_CST events themselves, where psc ends there.
        """
        if not leaving or not targets:
            return True
        for number in _numbers(targets):
            rows[number] |= leaving
        for number in _numbers(self.fences):
            self.steps += 1
            if self.known[number] & targets:
                reached |= 1 << number
        for number in _numbers(reached):
            self.steps += 1
            self.behind[number] |= leaving
        return not self._all_behind(leaving) & reached

    def _all_behind(self, events: int) -> int:
        """All events from which psc leads to some, in any number of steps; those themselves included."""
        found = todo = events
        while todo:
            low = todo & -todo
            new = self.behind[low.bit_length() - 1] & ~found
            found |= new
            todo = todo ^ low | new
            self.steps += 1
        return found

    def _joined(self, rows: list[int], events: int) -> int:
        """Join the rows of some events."""
        found = 0
        for number in _numbers(events):
            found |= rows[number]
            self.steps += 1
        return found


def _numbers(events: int) -> list[int]:
    """The numbers in a set."""
    found = []
    while events:
        low = events & -events
        found.append(low.bit_length() - 1)
        events ^= low
    return found


def _same_cell(one: Event, other: Event) -> bool:
    """Whether two events are accesses of one cell; a fence is of none."""
    return "F" not in (one.kind, other.kind) and one.op.cell == other.op.cell


def _order(event: Event) -> Order:
    """The order of an event: a failed compare-exchange's read has its own."""
    if event.kind == "F":
        return event.op.order
    return event.op.order_of(writes=event.kind == "W" or event.op.run(event.value)[1] is not None)


def _around(graph: Execution, event: Event) -> tuple[int, int, int, int]:
    """The events of its cell before an event by mo or fr, after it by mo or fr, before it by eco, after it by eco."""
    if event.kind == "F":
        return 0, 0, 0, 0
    writes = graph.writes(event.op.cell)
    place = {write: at for at, write in enumerate(writes)}
    here = place[event if event.kind == "W" or event.source is None else event.source]
    older = sum(1 << write.number for write in writes[1 : here + (event.kind == "R")])
    newer = sum(1 << write.number for write in writes[here + 1 :])
    overwritten = read_later = 0
    for read in graph.reads.get(event.op.cell, ()):
        assert read.source is not None
        if read is not event and place[read.source] < here:
            overwritten |= 1 << read.number
        elif place[read.source] > here:
            read_later |= 1 << read.number
    before = older | overwritten if event.kind == "W" else 0
    return before, newer, older | overwritten, newer | read_later
