"""C++20's memory model, without load buffering: the default (§2.2).

    release store ──rf──► acquire load         what happens before the store happens before what
                                               follows the load: the message, a vector clock
    store ─ release fence ─ relaxed store ──rf──► relaxed load ─ acquire fence       the same
    release store ──rf──► read-modify-write ──rf──► acquire load                     the same

Some writes happen before a read, or were read by an event that happens before it. The read may
return the newest of these and every write after that one in modification order.

A release sequence is a releasing write and the read-modify-writes, of any thread, that follow it
without a gap: each reads the one before. A later store begins no message and passes none on, even
if its thread released the cell before.

The model is that of the standard, [intro.races] and [atomics.order], except that po and rf have
no cycle: the standard says only that no value should appear out of thin air. ``rc11`` has the
model of 2017, and ``seqcst`` the order of SEQ_CST.

The search drops events (see ``search``), and may do so here: an event's hb depends on events that
precede it by po and rf, and the search never keeps an event without those. Dropping a store from
between two others joins no release sequence, since rf leads from each member to the next.
"""

from __future__ import annotations

from typing import Self

from ...atomics import Order
from ..threads.ops import BOTH, acquires, releases
from .event import Clock, Event, join, tick
from .graph import Graph
from .seqcst import closes_cycle
from .start import Start

__all__ = ["CPP20"]

SEQ_CST = Order.SEQ_CST


class CPP20(Graph):
    """C++20, without cycles of po and rf."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        threads = len(start.trees)
        self.clock = [start.nothing] * threads
        self.acquirable: list[Clock] = [start.nothing] * threads  # read, but acquired only by an acquire fence
        self.fenced: list[Clock] = [start.nothing] * threads  # what happened before the last release fence
        self.seq_cst = 0  # how many events have this order
        self.circular = False  # whether they have no total order

    def _copy_model(self, twin: Self) -> None:
        twin.clock = self.clock[:]
        twin.acquirable, twin.fenced = self.acquirable[:], self.fenced[:]
        twin.seq_cst, twin.circular = self.seq_cst, self.circular

    def _bound(self, thread: int, cell: int, part: int) -> int:
        """Return the place of the newest write that happens before the thread's next event, or was read before it."""
        writes, clock = self.writes(cell), self.clock[thread]
        seen = {
            read.source
            for read in self.reads.get(cell, ())
            # Each half of a cell is coherent by itself.
            if read.index < clock[read.thread] and (read.op.part == part or BOTH in (read.op.part, part))
        }
        for place in range(len(writes) - 1, 0, -1):
            if writes[place].index < clock[writes[place].thread] or writes[place] in seen:
                return place
        return 0

    def sources(self, thread: int) -> list[Event]:
        """Return the newest write that the thread knows, and all later ones."""
        op = self.nodes[thread].op
        writes = self.writes(op.cell)
        if op.plain:
            return [writes[-1]]
        return list(writes[self._bound(thread, op.cell, op.part) :])

    def places(self, thread: int) -> list[int]:
        """Return the places after all writes that the thread knows, but none inside a read-modify-write."""
        op = self.nodes[thread].op
        writes = self.writes(op.cell)
        if op.plain:
            return [len(writes)]
        bound = self._bound(thread, op.cell, BOTH)
        pending = self.pending.get(thread)
        if pending is not None:
            assert pending.source is not None
            place = writes.index(pending.source) + 1
            taken = place < len(writes) and writes[place].changes
            return [] if taken or place <= bound else [place]
        return [p for p in range(bound + 1, len(writes) + 1) if p == len(writes) or not writes[p].changes]

    def _note_read(self, event: Event) -> bool:
        source, thread = event.source, event.thread
        assert source is not None
        writes = event.op.run(event.value)[1] is not None
        if acquires(event.op.order_of(writes=writes)):
            self.clock[thread] = join(self.clock[thread], source.message)
        elif not event.op.plain:
            self.acquirable[thread] = join(self.acquirable[thread], source.message)
        return self._noted(event)

    def _note_write(self, event: Event, place: int) -> bool:  # noqa: ARG002
        consistent = self._noted(event)
        if event.op.plain:
            event.message = self.start.nothing
            return consistent
        message = join(self.fenced[event.thread], self._released(event))
        if event.source is not None and event.source.source is not None:
            message = join(message, event.source.source.message)  # it continues a release sequence
        event.message = message
        return consistent

    def _released(self, event: Event) -> Clock:
        """Return what a write passes on by its own order, apart from fences and release sequences of others."""
        return event.hb if releases(event.op.order) else self.start.nothing

    def _note_fence(self, event: Event) -> bool:
        thread, order = event.thread, event.op.order
        if acquires(order):
            self.clock[thread] = join(self.clock[thread], self.acquirable[thread])
        consistent = self._noted(event)
        if releases(order):
            self.fenced[thread] = self.clock[thread]
        return consistent

    def _note_part(self, event: Event) -> None:
        event.hb = self.clock[event.thread] = tick(self.clock[event.thread], event.thread)

    def _noted(self, event: Event) -> bool:
        """Record an event and return whether the SEQ_CST events still have an order.

        A single event always has one, although a fence between reads of two halves of a cell can close a cycle.
        """
        event.hb = self.clock[event.thread] = tick(self.clock[event.thread], event.thread)
        if event.op.order is SEQ_CST:
            self.seq_cst += 1
        if self.seq_cst and not self.circular:
            self.circular = self._closes_cycle(event)
        return self.seq_cst < 2 or not self.circular

    def _closes_cycle(self, event: Event) -> bool:
        """Tell whether the SEQ_CST events have no total order any more, now that an event was added."""
        return closes_cycle(self, event)
