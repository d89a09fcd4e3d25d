"""SEQ_CST in C++20: whether all such accesses and fences fit into one total order S (§2.2).

    strongly happens before    po, or po; hb; po, in any number of steps. Its ends may be at the same cell
    coherence-ordered before   eco: rf, mo and fr, in any number of steps

S must agree with strongly happens before, and with each step A eco B of which both ends are in S. An
access of order SEQ_CST is there itself. A SEQ_CST fence is there for A if it happens before A, and
for B if B happens before it. So S exists if these steps have no cycle. The rules are [intro.races]
and [atomics.order] of C++20. The standard adds synchronization between two SEQ_CST operations to
"strongly happens before"; it is left out here, because the write that is read comes first by eco.

A read-modify-write is one operation there, but two events here. No step of po leads from its read to
its write. All that follows the read by eco follows the write as well, so the write stands for both.

The rule is checked each time an event is added, and most checks cost almost nothing. Nothing happens
after the new event, so a new cycle leaves it by eco: if it is a write, or a read of a write, that is
not the last one of its cell. There is a cycle if a walk back from it along S returns to it. A walk
visits each event a few times at most, so the cost of an execution is quadratic at most.
"""

from __future__ import annotations

from .event import Event
from .execution import Execution
from .relations import Relations, union

__all__ = ["closes_cycle"]


def closes_cycle(graph: Execution, event: Event) -> bool:
    """Tell whether the order S has a cycle through the event that was just added.

    Cost: a comparison for a fence or if its cell has no later write; otherwise a few steps per event of the graph.
    """
    if event.kind == "F" or graph.writes(event.op.cell)[-1] in (event, event.source):
        return False
    order, itself = _Order(graph), 1 << event.number
    standing = itself & order.accesses | order.hb(event.number) & order.fences
    return bool(order.walk_back(standing) & itself)


class _Order(Relations):
    """The steps of S. ``strongly`` returns the events that lead to an event by strongly happens before, as bits."""

    def __init__(self, graph: Execution) -> None:
        super().__init__(graph)
        self._before = [list(self._befores(thread)) for thread in graph.events]

    def _befores(self, thread: list[Event]) -> list[int]:
        """Return, by count, the events sequenced before the last one of that many first events."""
        first = self.first[thread[0].thread] if thread else [0]
        return [0, *(first[event.index - event.changes] for event in thread)]

    def walk_back(self, operations: int) -> int:
        """Walk back along S from SEQ_CST operations; return the events where its steps by eco start."""
        found = known = starts = 0
        while operations:
            found |= operations
            ends = (operations & self.accesses | union(self.hb, operations & self.fences)) & ~known
            new = union(self.eco, ends) & ~starts
            known, starts = known | ends, starts | new
            operations = (union(self.strongly, operations) | new) & (self.accesses | self.fences)
            if self.fences:
                operations |= union(self.hb, new) & self.fences
            operations &= ~found
        return starts

    def strongly(self, number: int) -> int:
        """Return the events that lead to an event by po, or by po; hb; po."""
        event = self.events[number]
        found = self._before[event.thread][event.index + 1]
        if found:
            last = self.events[found.bit_length() - 1]  # the last event of a thread knows the most
            for before, count in zip(self._before, last.hb, strict=True):
                found |= before[count]
        return found
