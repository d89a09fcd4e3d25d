"""Branches of the search as data, from which another worker continues (§2.2).

    graph + event to add  ─►  Seed  ─► ... ─►  the same graph, of other objects

A seed holds no values and no code. For each event, it records the thread, the cell, the
write that it read from, and the place where it wrote. To restore the rest, a worker runs
the scenario's threads with these reads, since a thread's next step depends only on what it
has read. An event is named by its thread and its index, which are the same everywhere.

A seed keeps the stamps, by which the search decides to which reads it may go back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ...errors import SnmallocError
from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.graph import Graph
from ..threads.ops import DONE, FAILED, FENCE
from .search import Branch

__all__ = ["NotTheSame", "Seed"]


class NotTheSame(SnmallocError):
    """A scenario does not behave the same each time it is made, so its subtrees cannot be found again.

    What to do: remove clocks, random numbers and state outside the threads from the scenario.
    """


class Noted(NamedTuple):
    """What a seed records of an event: enough to add it again."""

    thread: int
    kind: str
    cell: int  # for comparison
    source: tuple[int, int]  # of a read: the key of the write that it reads
    place: int  # of a write: in modification order when it was added
    stamp: int


@dataclass(frozen=True)
class Seed:
    """A graph or a branch of the search, as data.

    Attributes:
        events: the events of its graph, in the order in which they were added.
        stamp: the stamp of the next event.
        thread, source, place, back: the event to add, as in ``Branch``; the thread is -1 for a graph.
    """

    events: tuple[Noted, ...]
    stamp: int
    thread: int = -1
    source: tuple[int, int] | None = None
    place: int = -1
    back: tuple[int, int] | None = None

    @classmethod
    def of(cls, item: Graph | Branch) -> Seed:
        """Return the seed of an item on a search's stack."""
        if isinstance(item, Graph):
            return cls(tuple(_noted(item)), item.stamp)
        events, stamp = tuple(_noted(item.graph)), item.graph.stamp
        return cls(events, stamp, item.thread, _key(item.source), item.place, _key(item.back))

    def sown(self, graph: Graph) -> Graph | Branch:
        """Rebuild what the seed records from an empty graph.

        Raises:
            NotTheSame: if the scenario's threads take another path.
        """
        try:
            for noted in self.events:
                _add(graph, noted)
            graph.stamp = self.stamp
            if self.thread < 0:
                return graph
            source = _event(graph, self.source, self.thread) if self.source is not None else None
            back = _event(graph, self.back, self.thread) if self.back is not None else None
        except (Broken, LookupError):
            raise NotTheSame("the threads of a scenario took another path when they ran again") from None
        return Branch(graph, self.thread, source, self.place, back)


def _key(event: Event | None) -> tuple[int, int] | None:
    """Return an event's name, the same in every graph."""
    return event.key if event is not None else None


def _noted(graph: Graph) -> Iterator[Noted]:
    """Yield records of a graph's events, in the order in which they were added."""
    events = sorted((event for events in graph.events for event in events), key=lambda event: event.number)
    for event in events:
        source, place = (0, 0), 0
        if event.op.partial:
            pass  # it has neither
        elif event.kind == "R":
            assert event.source is not None
            source = event.source.key
        elif event.kind == "W":
            order = graph.mo[event.op.cell]
            place = sum(write.number < event.number for write in order[: order.index(event)])
        yield Noted(event.thread, event.kind, event.op.cell, source, place, event.stamp)


def _add(graph: Graph, noted: Noted) -> None:
    """Add an event as it was added before. Raise ``LookupError`` if the graph does not allow it."""
    graph.stamp = noted.stamp
    op = graph.nodes[noted.thread].op
    if op.kind in (DONE, FAILED) or (op.kind == FENCE) != (noted.kind == "F") or op.cell != noted.cell:
        raise LookupError(noted)
    if op.partial:
        graph.add_part(noted.thread)
        done = True
    elif noted.kind == "F":
        done = graph.add_fence(noted.thread)
    elif noted.kind == "R":
        done = graph.add_read(noted.thread, _event(graph, noted.source, noted.thread))
    else:
        done = graph.add_write(noted.thread, noted.place)
    if not done:
        raise LookupError(noted)


def _event(graph: Graph, key: tuple[int, int], thread: int) -> Event:
    """Return the event with this name; for a first value, that of the cell that the thread accesses next."""
    return graph.events[key[0]][key[1]] if key[0] >= 0 else graph.start.init(graph.nodes[thread].op.cell)
