"""The search: every class of executions exactly once, without storing visited graphs (§2.2).

    add an event of the next thread, which is always the same for the same graph:
        a read    once for each write that it may read
        a write   once for each place in modification order; and, going back,
                  once for each earlier read that may read it instead, without the
                  events after that read on which the write does not depend

This is TruSt (Kokologiannakis, Marmanis, Gladstein, Vafeiadis: "Truly Stateless,
Optimal Dynamic Partial Order Reduction", POPL 2022). It is sound and complete for
memory models in which po and rf have no cycle, such as those in ``models``. It is
optimal: it visits no class of executions twice, because it goes back only from the one
graph in which each dropped event was, or read, its cell's last write when it was added.

The search does not remember where it has been. Its subtrees are therefore independent
and can be searched elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.graph import Graph
from ..threads.ops import FENCE, SPECULATE

__all__ = ["Branch", "Grows", "search"]


class Grows(Protocol):
    """An item on the search's stack from which graphs are made."""

    def grown(self) -> Iterator[Graph | Grows]:
        """Yield the graphs, or further items."""


@dataclass(frozen=True)
class Branch:
    """A graph and the event to add to it. Several branches share a graph, so ``grown`` copies it first.

    Attributes:
        graph: the execution so far.
        thread: the thread, by lane, whose next operation is added.
        source: the write that it reads; None if it writes or goes back.
        place: the place of its write in the cell's modification order, in which the first value has place 0;
            -1 if it reads or goes back.
    """

    graph: Graph
    thread: int
    source: Event | None = None
    place: int = -1
    back: Event | None = None  #: the read that reads the thread's next write instead

    def grown(self) -> Iterator[Graph]:
        """Yield the resulting graphs that are consistent."""
        if self.back is not None:
            yield from _gone_back(self.graph, self.thread, self.back)
            return
        graph = self.graph.copy()
        if (
            graph.add_read(self.thread, self.source)
            if self.source is not None
            else graph.add_write(self.thread, self.place)
        ):
            yield graph


def search(stack: list[Graph | Grows], failed: Callable[[Broken], None], turns: int | None = None) -> Iterator[Graph]:
    """Yield every execution in which no thread can continue, each class once.

    Args:
        stack: where to begin; the last item is searched first. At any time, it holds what is left to search.
        failed: called for each graph that broke while it grew. Such graphs are neither yielded nor extended.
            An error in it ends the search.
        turns: how many items to take off the stack; None: until it is empty.
    """
    while stack and turns != 0:
        if turns is not None:
            turns -= 1
        top = stack.pop()
        try:
            if not isinstance(top, Graph):
                stack.extend(top.grown())
            elif _grow(top, stack):
                yield top
        except Broken as broken:
            failed(broken)


def _grow(graph: Graph, stack: list[Graph | Grows]) -> bool:
    """Extend a graph while there is one way, and push the branches if there are several; tell whether it ended."""
    while True:
        thread = graph.next_thread()
        if thread < 0:
            return True
        op = graph.nodes[thread].op
        if op.kind == FENCE:
            if not graph.add_fence(thread):
                return False
        elif op.partial:
            graph.add_part(thread)
        elif op.reads and thread not in graph.pending:
            sources = graph.sources(thread)
            if len(sources) != 1:
                stack.extend(Branch(graph, thread, source=source) for source in sources)
                return False
            if not graph.add_read(thread, sources[0]):
                return False
        else:
            places, backs = graph.places(thread), list(_revisits(graph, thread))
            if len(places) != 1 or backs:
                stack.extend(Branch(graph, thread, back=back) for back in backs)
                stack.extend(Branch(graph, thread, place=place) for place in places)
                return False
            if not graph.add_write(thread, places[0]):
                return False


def _revisits(graph: Graph, thread: int) -> Iterator[Event]:
    """Yield the reads that may read the thread's next write instead of what they read now."""
    op, known = graph.nodes[thread].op, graph.porf[thread]
    for read in graph.reads.get(op.cell, ()):
        if read.index < known[read.thread] or read.op.plain:
            continue
        if op.plain and read.op.kind != SPECULATE:
            continue
        dropped = [e for t, events in enumerate(graph.events) for e in events[known[t] :] if e.stamp > read.stamp]
        if all(_added_last(graph, event, known) for event in (*dropped, read)):
            yield read


def _added_last(graph: Graph, event: Event, known: tuple[int, ...]) -> bool:
    """Tell whether an event was, or read, the last write of its cell when it was added."""
    if event.kind == "F" or event.op.partial:
        return True

    def previous(other: Event) -> bool:
        return other.stamp <= event.stamp or other.index < known[other.thread]

    if event.kind == "W":
        if any(read.source is event and previous(read) for read in graph.reads.get(event.op.cell, ())):
            return False
        write = event
    else:
        assert event.source is not None
        write = event.source
        if write.thread >= 0 and not previous(write):
            return False
    writes = graph.writes(event.op.cell)
    return not any(previous(later) for later in writes[writes.index(write) + 1 :])


def _gone_back(graph: Graph, thread: int, read: Event) -> Iterator[Graph]:
    """Yield the graphs in which a read reads the thread's next write, without the events dropped for that."""
    known = graph.porf[thread]
    events = sorted((event for events in graph.events for event in events), key=lambda event: event.number)
    kept = [e for e in events if e is not read and (e.stamp <= read.stamp or e.index < known[e.thread])]
    base = _rebuilt(graph, kept)
    if base is None:
        return
    base.stamp = graph.stamp
    for place in base.places(thread):
        twin = base.copy()
        if not twin.add_write(thread, place):
            continue
        written = twin.events[thread][-1]
        if written not in twin.sources(read.thread):
            continue
        after, twin.stamp = twin.stamp, read.stamp
        if twin.add_read(read.thread, written):
            twin.stamp = after
            yield twin


def _rebuilt(graph: Graph, kept: list[Event]) -> Graph | None:
    """Return a graph of some of another's events and all that they depend on, or None if it is inconsistent."""
    base = type(graph)(graph.start).begin()
    twins: dict[Event, Event] = {}
    for event in kept:
        base.stamp = event.stamp
        if event.op.partial:
            base.add_part(event.thread)
            done = True
        elif event.kind == "F":
            done = base.add_fence(event.thread)
        elif event.kind == "R":
            assert event.source is not None
            source = twins.get(event.source) or graph.start.init(event.op.cell)
            done = base.add_read(event.thread, source)
        else:
            order = graph.mo[event.op.cell]
            earlier = {twins[write] for write in order[1 : order.index(event)] if write in twins}
            place = 1 + sum(write in earlier for write in base.writes(event.op.cell))
            done = base.add_write(event.thread, place)
        if not done:
            return None
        twins[event] = base.events[event.thread][-1]
    return base
