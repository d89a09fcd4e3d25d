"""Sequential consistency and x86-TSO: one relation of events, which must have no cycle (§2.2).

    sc     each event follows the event before it in its thread; rf, mo and fr
    tso    the same, but a load does not wait for its thread's earlier stores, which may
           still be in the buffer; a locked operation or a fence empties the buffer

The relation stays transitively closed as it grows. For each event, an int holds the set of the
events before it, as bits. An event may be added unless it closes a cycle.
"""

from __future__ import annotations

from typing import Self

from ...atomics import Order
from ..threads.ops import SPECULATE
from .event import Event, join, tick
from .graph import Graph
from .start import Start

__all__ = ["SC", "TSO"]

SEQ_CST = Order.SEQ_CST


class _Ordered(Graph):
    """What ``sc`` and ``tso`` share: one relation that must have no cycle, kept transitively closed.

    ``before[e]`` is the set of the numbers of the events before e, as bits.
    """

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.clock = [start.nothing] * len(start.trees)
        self.before: list[int] = []

    def _copy_model(self, twin: Self) -> None:
        twin.clock = self.clock[:]
        twin.before = self.before[:]

    def _edges_in(self, thread: int, kind: str, *, locked: bool) -> int:
        """Return, as bits, the thread's own events that directly precede its next one."""
        raise NotImplementedError

    def _po_bound(self, thread: int, cell: int) -> int:  # noqa: ARG002
        """Return the place of the newest write that the thread itself made or read; 0 if the relation suffices."""
        return 0

    def _observes(self, source: Event, thread: int) -> bool:
        """Tell whether a thread's read of this write is ordered after the write."""
        raise NotImplementedError

    def sources(self, thread: int) -> list[Event]:
        """Return the writes that can be read without closing a cycle, so that no read is added in vain."""
        op = self.nodes[thread].op
        writes = self.writes(op.cell)
        if op.plain:
            return [writes[-1]]
        mine = self._closed(self._edges_in(thread, "R", locked=op.changes))
        found = []
        for place in range(self._po_bound(thread, op.cell), len(writes)):
            source = writes[place]
            before = mine
            if source.thread >= 0 and self._observes(source, thread):
                before |= self.before[source.number] | 1 << source.number
            if place + 1 == len(writes) or not before >> writes[place + 1].number & 1:
                found.append(source)
        return found

    def places(self, thread: int) -> list[int]:
        """Return the places that close no cycle and are not inside a read-modify-write."""
        op = self.nodes[thread].op
        writes = self.writes(op.cell)
        if op.plain:
            return [len(writes)]
        pending = self.pending.get(thread)
        if pending is not None:
            assert pending.source is not None
            place = writes.index(pending.source) + 1
            return [] if place < len(writes) and writes[place].changes else [place]
        bound = self._po_bound(thread, op.cell)
        mine = self._closed(self._edges_in(thread, "W", locked=False))
        return [
            place
            for place in range(bound + 1, len(writes) + 1)
            if place == len(writes)
            or (
                not writes[place].changes
                and not (mine | self._closed(self._write_edges(op.cell, writes, place))) >> writes[place].number & 1
            )
        ]

    def _write_edges(self, cell: int, writes: tuple[Event, ...], place: int) -> int:
        """Return, as bits, the write before a place in modification order, and its readers."""
        earlier = writes[place - 1]
        edges = 1 << earlier.number if earlier.thread >= 0 else 0
        for read in self.reads.get(cell, ()):
            if read.source is earlier:
                edges |= 1 << read.number
        return edges

    def _closed(self, edges: int) -> int:
        """Return these events and all events before them, as bits."""
        closed, before, rest = edges, self.before, edges
        while rest:
            low = rest & -rest
            closed |= before[low.bit_length() - 1]
            rest ^= low
        return closed

    def _insert(self, event: Event, edges: int, after: Event | None) -> bool:
        """Insert an event after ``edges`` and before ``after``; return whether the relation has no cycle."""
        before = self._closed(edges)
        self.before.append(before)
        if after is not None:
            if before >> after.number & 1:
                return False
            more, place = before | 1 << event.number, after.number
            for number, known in enumerate(self.before):
                if number == place or known >> place & 1:
                    self.before[number] = known | more
        return True

    def _note_read(self, event: Event) -> bool:
        source, thread = event.source, event.thread
        assert source is not None
        if not (event.op.plain or source.op.plain or event.op.kind == SPECULATE):
            self.clock[thread] = join(self.clock[thread], source.hb)
        edges = self._edges_in(thread, "R", locked=event.op.changes)
        if source.thread >= 0 and self._observes(source, event.thread):
            edges |= 1 << source.number
        writes = self.writes(event.op.cell)
        place = writes.index(source) + 1
        done = self._insert(event, edges, writes[place] if place < len(writes) else None)
        self._passed(event)
        return done

    def _note_write(self, event: Event, place: int) -> bool:
        writes, cell = self.mo[event.op.cell], event.op.cell
        edges = self._edges_in(event.thread, "W", locked=event.changes)
        edges |= self._write_edges(cell, writes, place)
        done = self._insert(event, edges, writes[place + 1] if place + 1 < len(writes) else None)
        self._passed(event)
        return done

    def _note_fence(self, event: Event) -> bool:
        edges = self._edges_in(event.thread, "F" if event.op.order is SEQ_CST else "", locked=False)
        done = self._insert(event, edges, None)
        self._passed(event)
        return done

    def _note_part(self, event: Event) -> None:
        self._insert(event, self._edges_in(event.thread, event.kind, locked=False), None)
        self._passed(event)

    def _passed(self, event: Event) -> None:
        """Note that an event was added to its thread. Subclasses note more."""
        event.hb = self.clock[event.thread] = tick(self.clock[event.thread], event.thread)


class SC(_Ordered):
    """Sequential consistency."""

    def _edges_in(self, thread: int, kind: str, *, locked: bool) -> int:  # noqa: ARG002
        number = self._last(thread)
        return 1 << number if number >= 0 else 0

    def _last(self, thread: int) -> int:
        """Return the number of a thread's newest event in the relation, or -1."""
        for event in reversed(self.events[thread]):
            if event.number < len(self.before):
                return event.number
        return -1

    def _observes(self, source: Event, thread: int) -> bool:  # noqa: ARG002
        return True

    def choices(self, thread: int) -> list[Event]:
        """Return the newest write. In an interleaving, a read can return no other."""
        return self.sources(thread)[-1:]


class TSO(_Ordered):
    """x86: total store order."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        # For each thread: the event that all later ones follow, and the last store, which loads may overtake.
        self.follow = [-1] * len(start.trees)
        self.stored = [-1] * len(start.trees)

    def _copy_model(self, twin: Self) -> None:
        super()._copy_model(twin)
        twin.follow, twin.stored = self.follow[:], self.stored[:]

    def _edges_in(self, thread: int, kind: str, *, locked: bool) -> int:
        edges = 1 << self.follow[thread] if self.follow[thread] >= 0 else 0
        if (kind in ("W", "F") or locked) and self.stored[thread] >= 0:
            edges |= 1 << self.stored[thread]
        return edges

    def _po_bound(self, thread: int, cell: int) -> int:
        writes = self.writes(cell)
        seen = {read.source for read in self.reads.get(cell, ()) if read.thread == thread}
        for place in range(len(writes) - 1, 0, -1):
            if writes[place].thread == thread or writes[place] in seen:
                return place
        return 0

    def _observes(self, source: Event, thread: int) -> bool:
        return source.thread != thread  # a thread's own store may still be in its buffer

    def _passed(self, event: Event) -> None:
        super()._passed(event)
        thread, order = event.thread, event.op.order
        if event.kind == "W":
            self.stored[thread] = event.number
            if event.changes or order is SEQ_CST:
                self.follow[thread] = event.number
        elif event.kind == "R" or order is SEQ_CST:
            self.follow[thread] = event.number
