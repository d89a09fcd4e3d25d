"""An execution as a graph, which grows by one event at a time as a memory model allows (§2.2).

    add_read     the thread's next operation reads from a write
    add_write    the operation writes, at a place in its cell's modification order
    add_fence    the operation is a fence
    add_part     the operation is a plain access to some bytes of a cell

Weak memory has no time. A read may return any value that leaves the graph consistent,
and a write may take any place in its cell's order that does so. A memory model decides
what is consistent (see ``models``). ``Graph`` holds the events and what every model needs.

Plain accesses lie in the segments between events, except those to atomic cells, which
are events. A plain read returns the last write that happens before it. Two accesses of the
same byte by different threads are a data race if at least one is a write, at least one is
plain, and happens-before does not order them. A data race ends the execution.

A plain access to some bytes of a cell has no place in the cell's orders, because happens-before
orders it with all accesses of these bytes. It orders nothing else: neither accesses of the other
bytes, nor what follows them.

Events never change, so copies of a graph share them.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Self

from ..threads.ops import DONE, FAILED, SPECULATE, WAIT, Op, Value
from ..threads.segment import Node, Segment
from .broken import Race, ThreadFailed, Uninitialised
from .event import Event, join, tick
from .execution import Execution

__all__ = ["Graph"]


EMPTY = Segment([], [], {}, Node(Op(DONE), [], 0))


class Graph(Execution):
    """An execution that grows. Each subclass is a memory model, which decides what may be added."""

    def begin(self) -> Self:
        """Bring every thread to its first operation."""
        for thread, tree in enumerate(self.start.trees):
            segment = tree.start(self.views)
            self.nodes.append(segment.node)
            self._enter(thread, segment)
            self._demand_alive(thread)
        return self

    def copy(self) -> Self:
        """Return a copy that grows independently."""
        twin = object.__new__(type(self))
        twin.start = self.start
        twin._look_at(self.image[:])
        twin.nodes = self.nodes[:]
        twin.events = [events[:] for events in self.events]
        twin.segments = [segments[:] for segments in self.segments]
        twin.mo, twin.reads = self.mo.copy(), self.reads.copy()
        twin.plain, twin.parts = self.plain.copy(), self.parts.copy()
        twin.porf = self.porf[:]
        twin.made, twin.stuck, twin.pending = self.made, self.stuck, self.pending.copy()
        twin.stamp, twin.count = self.stamp, self.count
        self._copy_model(twin)
        return twin

    # What a model defines.

    def _copy_model(self, twin: Self) -> None:
        """Copy the model's own state, ``clock`` included."""
        raise NotImplementedError

    def sources(self, thread: int) -> list[Event]:
        """Return the writes that the thread's next operation may read, in modification order."""
        raise NotImplementedError

    def places(self, thread: int) -> list[int]:
        """Return the places in modification order where the thread's next write may go."""
        raise NotImplementedError

    def _note_read(self, event: Event) -> bool:
        """Add a read to the model's state and return whether the graph is consistent."""
        raise NotImplementedError

    def _note_write(self, event: Event, place: int) -> bool:
        """Add a write to the model's state and return whether the graph is consistent."""
        raise NotImplementedError

    def _note_fence(self, event: Event) -> bool:
        """Add a fence to the model's state and return whether the graph is consistent."""
        raise NotImplementedError

    def _note_part(self, event: Event) -> None:
        """Add a plain access to some bytes of a cell to the model's state. Such an access closes no cycle."""
        raise NotImplementedError

    # Which step comes next.

    def next_thread(self) -> int:
        """Return the thread to continue, or -1 if none can. A pending read-modify-write comes first."""
        if self.pending:
            return min(self.pending)
        for thread, node in enumerate(self.nodes):
            if node.op.kind not in (DONE, FAILED) and thread not in self.stuck:
                return thread
        return -1

    def enabled(self) -> list[int]:
        """Return all threads that can continue, for callers that choose one."""
        if self.pending:
            return [min(self.pending)]
        ended = (DONE, FAILED)
        return [t for t, node in enumerate(self.nodes) if node.op.kind not in ended and t not in self.stuck]

    def choices(self, thread: int) -> list[Event]:
        """Return the writes that a thread's next read may read, except those already taken.

        A read-modify-write cannot follow a write that another one already follows. The search calls ``sources``
        instead, because it may go back and let the other one read something else.
        """
        return [source for source in self.sources(thread) if not self._taken(thread, source)]

    def _taken(self, thread: int, source: Event) -> bool:
        """Tell whether the next step would replace a value that another read-modify-write already replaced."""
        op = self.nodes[thread].op
        if not op.changes:
            return False
        writes = self.writes(op.cell)
        place = writes.index(source) + 1
        taken = place < len(writes) and writes[place].changes
        return taken and op.run(self.content(source, op.cell))[1] is not None

    # How the graph grows.

    def add_read(self, thread: int, source: Event) -> bool:
        """Let a thread's next operation read from a write; return whether the graph is consistent."""
        op = self.nodes[thread].op
        value = self.content(source, op.cell)
        event = self._event(thread, op, "R", value, source)
        porf = join(self.porf[thread], source.porf) if source.thread != thread else self.porf[thread]
        event.porf = self.porf[thread] = tick(porf, thread)
        self.reads[op.cell] = (*self.reads.get(op.cell, ()), event)
        if not self._note_read(event):
            return False
        self._check_races(event)
        if self.start.fresh:
            self._demand_made(event, source)
        result, new = op.run(value)
        if op.again is not None and self._spins(thread, event):
            self.stuck |= {thread}
        elif new is not None:
            self.pending[thread] = event
            self.segments[thread].append(EMPTY)
        elif op.kind == WAIT and result == op.values[0]:
            self.stuck |= {thread}
        else:
            self._advance(thread, result)
        return True

    def add_write(self, thread: int, place: int) -> bool:
        """Let a thread's next operation write, at a place in its cell's order; return as ``add_read`` does."""
        op = self.nodes[thread].op
        writes = self.writes(op.cell)
        read = self.pending.pop(thread, None)
        before = read.value if read is not None else self.content(writes[place - 1], op.cell)
        result, value = op.run(before)
        assert value is not None
        event = self._event(thread, op, "W", value, read)
        event.porf = self.porf[thread] = tick(self.porf[thread], thread)
        self.mo[op.cell] = (*writes[:place], event, *writes[place:])
        if not self._note_write(event, place):
            return False
        self._check_races(event)
        self._advance(thread, result)
        return True

    def add_fence(self, thread: int) -> bool:
        """Let a thread make a fence; return whether the graph is consistent."""
        event = self._event(thread, self.nodes[thread].op, "F", 0, None)
        event.porf = self.porf[thread] = tick(self.porf[thread], thread)
        if not self._note_fence(event):
            return False
        self._advance(thread, None)
        return True

    def add_part(self, thread: int) -> None:
        """Let a thread make a plain access to some bytes of a cell."""
        op = self.nodes[thread].op
        newest = self.writes(op.cell)[-1]
        before = self.content(newest, op.cell)
        result, value = op.run(before)
        event = self._event(thread, op, "R" if value is None else "W", before if value is None else value, None)
        event.porf = self.porf[thread] = tick(self.porf[thread], thread)
        self._note_part(event)
        self._check_races(event)
        if value is not None:
            self.parts[op.cell] = (*self.parts.get(op.cell, ()), event)
        elif self.start.fresh:
            self._demand_made(event, newest)
        waits = op.again is not None and self._spins(thread, event)
        if waits:
            self.stuck |= {thread}
        else:
            self._advance(thread, result)

    def _event(self, thread: int, op: Op, kind: str, value: Value, source: Event | None) -> Event:
        """Append the next event of a thread and return it."""
        event = Event(thread, len(self.events[thread]), op, kind, value, source, self.stamp, self.count)
        self.stamp += 1
        self.count += 1
        self.events[thread].append(event)
        return event

    def _spins(self, thread: int, event: Event) -> bool:
        """Return whether a thread reads a write once more, has changed nothing since, and does the same as then."""
        node = self.nodes[thread]
        for earlier in reversed(self.events[thread][:-1]):
            if earlier.kind == "W" and not earlier.idle:
                return False
            if earlier.kind == "R" and earlier.op is node.op.again:
                same = earlier.value == event.value and _effect(earlier) is _effect(event)
                return same and self.start.trees[thread].spins(node)
        return False

    def _advance(self, thread: int, result: Hashable) -> None:
        """Let a thread continue to its next operation."""
        segment = self.start.trees[thread].step(self.nodes[thread], result, self.views)
        self.nodes[thread] = segment.node
        self._enter(thread, segment)
        self._demand_alive(thread)

    def _demand_alive(self, thread: int) -> None:
        """Raise ``ThreadFailed`` if an exception ended a thread."""
        op = self.nodes[thread].op
        if op.kind == FAILED:
            (error,) = op.values
            assert isinstance(error, BaseException)
            raise ThreadFailed(self, thread, error)

    def _enter(self, thread: int, segment: Segment) -> None:
        """Make a segment's writes, or raise ``Race`` if it races with a segment of another thread."""
        if segment.read or segment.written:
            clock = self.clock[thread]
            for other, segments in enumerate(self.segments):
                if other != thread:
                    for unordered in segments[clock[other] :]:
                        clash = segment.clashes(unordered)
                        if clash:
                            byte = min(clash)
                            lines = unordered.line_of(byte), segment.line_of(byte)
                            raise Race(self, other, thread, byte, lines)
            self._demand_written(thread, segment)
            views = self.views
            for shift, index, value in segment.writes:
                views[shift][index] = value
        self.segments[thread].append(segment)

    def _demand_written(self, thread: int, segment: Segment) -> None:
        """Raise ``Uninitialised`` if a segment reads fresh bytes that no thread has written."""
        fresh = self.start.fresh
        if fresh:
            unwritten = (segment.read & fresh) - self.made
            if unwritten:
                raise Uninitialised(self, thread, min(unwritten), segment.line_of(min(unwritten)))
            self.made |= segment.written & fresh

    def _demand_made(self, event: Event, write: Event) -> None:
        """Raise ``Uninitialised`` if a read includes fresh bytes that nothing wrote, up to a write of the cell."""
        op, writes = event.op, self.writes(event.op.cell)
        fresh = self.start.fresh.intersection(op.bytes)
        if fresh:
            made = (*writes[1 : writes.index(write) + 1], *self.parts.get(op.cell, ()))
            for byte in sorted(fresh):
                if not any(byte in other.op.bytes for other in made):
                    raise Uninitialised(self, event.thread, byte, _line(event))

    def _check_races(self, event: Event) -> None:
        """Raise ``Race`` if another access of the cell is unordered with this one, and one of the two is plain."""
        op, cell = event.op, event.op.cell
        if op.plain:
            for other in (*self.mo.get(cell, ()), *self.reads.get(cell, ()), *self.plain.get(cell, ())):
                if other is not event and (other.kind == "W" or event.kind == "W"):
                    self._demand_order(other, event)
            self.plain[cell] = (*self.plain.get(cell, ()), event)
        else:
            for other in self.plain.get(cell, ()):
                if other.kind == "W" or event.kind == "W":
                    self._demand_order(other, event)

    def _demand_order(self, earlier: Event, event: Event) -> None:
        """Raise ``Race`` if an earlier event of the same bytes does not happen before this one.

        A speculative load may race with plain accesses to all of its cell.
        """
        if earlier.thread < 0 or earlier.index < self.clock[event.thread][earlier.thread]:
            return
        one, other = earlier.op, event.op
        if one.overlaps(other) and (SPECULATE not in (one.kind, other.kind) or one.partial or other.partial):
            byte = max(one.address, other.address)
            raise Race(self, earlier.thread, event.thread, byte, (_line(earlier), _line(event)))


def _effect(read: Event) -> Event | None:
    """Return the write that brought about what a read found; None for a plain read of some bytes of a cell."""
    return read.source.effect if read.source is not None else None


def _line(event: Event) -> str:
    """Return the source line of an event."""
    return event.op.site.line if event.op.site is not None else ""
