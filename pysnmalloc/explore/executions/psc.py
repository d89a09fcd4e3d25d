"""SEQ_CST in RC11: whether all such accesses and fences fit into one total order (§2.2).

    scb       po, (po to another cell; hb; po from another cell), hb to the same cell, mo, or fr
    psc_base  ([E_sc] or [F_sc]; hb?); scb; ([E_sc] or hb?; [F_sc])
    psc_F     [F_sc]; (hb or hb; eco; hb); [F_sc]

The rule is that psc_base and psc_F together have no cycle. The definitions are from Lahav, Vafeiadis,
Kang, Hur and Dreyer, "Repairing Sequential Consistency in C/C++11" (PLDI 2017).

The rule is checked each time an event is added, and most checks cost almost nothing. The new event
is the last of its thread, and nothing happens after it. So each step that it adds to psc leads to it
or passes through it. Paths leave it by mo, fr and eco only, to later writes of its cell and their readers:

    the last write, or a read of it           nothing is later, so there is no new cycle
    another write, or a read of another       there is a new cycle if a walk back along psc
                                              returns to the new event

A walk visits each event a few times at most, so the cost of an execution is quadratic at most.

Left out: the other memory orders.
"""

from __future__ import annotations

from .event import Event
from .execution import Execution
from .relations import Relations, union

__all__ = ["closes_cycle"]


def closes_cycle(graph: Execution, event: Event) -> bool:
    """Tell whether psc has a cycle through the event that was just added.

    Cost: a comparison for a fence or if its cell has no later write; otherwise a few steps per event of the graph.
    """
    if event.kind == "F" or graph.writes(event.op.cell)[-1] in (event, event.source):
        return False
    steps, itself = _Steps(graph), 1 << event.number
    fences = steps.hb(event.number) & steps.fences
    by_scb, _ = steps.walk_back(fences | itself & steps.accesses)
    _, by_eco = steps.walk_back(fences)  # eco belongs to psc between fences only
    return bool((by_scb | by_eco) & itself)


class _Steps(Relations):
    """The steps of psc. ``scb`` returns the events that lead to an event by it, as bits."""

    def __init__(self, graph: Execution) -> None:
        super().__init__(graph)
        self._cells: dict[int, int] = {}  # by cell: its reads and writes
        self._away: list[list[int]] = []  # by thread and count: ``first`` without the last events at one cell
        for thread, first in zip(graph.events, self.first, strict=True):
            self._leave(thread, first)

    def _leave(self, thread: list[Event], first: list[int]) -> None:
        """Record the cells of a thread's events, and what comes before the last events that are all at one cell."""
        away = [0]
        cell: int | None = None  # that of the previous event; a fence has none
        for event in thread:
            before, cell = cell, event.op.cell if event.kind != "F" else None
            away.append(away[-1] if cell is not None and cell == before else first[event.index])
            if cell is not None:
                self._cells[cell] = self._cells.get(cell, 0) | 1 << event.number
        self._away.append(away)

    def walk_back(self, events: int) -> tuple[int, int]:
        """Walk back along psc from SEQ_CST events; return the events where its steps by scb and by eco start."""
        found = known = by_scb = by_eco = 0
        while events:
            found |= events
            new = union(self.hb, events & self.fences) & ~known
            scb, eco = union(self.scb, events | new), union(self.eco, new)
            starts = (scb | eco) & ~(by_scb | by_eco)
            known, by_scb, by_eco = known | new, by_scb | scb, by_eco | eco
            events = scb & self.accesses
            if self.fences:
                events |= (new | starts | union(self.hb, starts)) & self.fences
            events &= ~found
        return by_scb, by_eco

    def scb(self, number: int) -> int:
        """Return the events that lead to an event by scb."""
        event = self.events[number]
        found = self.first[event.thread][event.index] | self._by_other_cells(event)
        if event.kind != "F":
            found |= self.hb(number) & self._cells[event.op.cell]
        return found | self.overtaken.get(event, 0)

    def _by_other_cells(self, event: Event) -> int:
        """Return the events that lead to an event by po to another cell; hb; po from another cell."""
        others = self._away[event.thread][event.index + 1]
        if not others:
            return 0
        found, last = 0, self.events[others.bit_length() - 1]  # the last event of a thread knows the most
        for away, count in zip(self._away, last.hb, strict=True):
            found |= away[count]
        return found
