"""Branches of the search written down, to be taken up elsewhere (§2.2).

    graph + what is to be added  ─►  Seed  ─► ... ─►  the same graph, of other objects

A seed holds no values and no code: only which thread made an event, on which cell,
what it read from and where it wrote. The rest comes again when the scenario's threads are run
with these reads, since their next step depends on nothing but what they have read.
Names of events are their threads and their places along them, the same everywhere.

Stamps are kept, as the search decides by them what it may go back to.
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
    """A scenario does not do the same each time it is made, so its subtrees cannot be found again.

    What to do: take clocks, random numbers and state outside of the threads out of the scenario.
    """


class Noted(NamedTuple):
    """An event written down: enough to add it again."""

    thread: int
    kind: str
    cell: int  # for comparison
    source: tuple[int, int]  # of a read, whose value: an event's key
    place: int  # of a write, in modification order when it was added
    stamp: int


@dataclass(frozen=True)
class Seed:
    """A branch of the search, written down.

    Attributes:
        events: of its graph, in the order in which they were added.
        stamp: of the next one.
        thread, source, place, back: what is to be added, as in ``Branch``; thread -1 where the graph
            itself goes on.
    """

    events: tuple[Noted, ...]
    stamp: int
    thread: int = -1
    source: tuple[int, int] | None = None
    place: int = -1
    back: tuple[int, int] | None = None

    @classmethod
    def of(cls, item: Graph | Branch) -> Seed:
        """Write down what is left on a search's stack."""
        if isinstance(item, Graph):
            return cls(tuple(_noted(item)), item.stamp)
        events, stamp = tuple(_noted(item.graph)), item.graph.stamp
        return cls(events, stamp, item.thread, _key(item.source), item.place, _key(item.back))

    def sown(self, graph: Graph) -> Graph | Branch:
        """Make of an empty graph what was written down.

        Raises:
            NotTheSame: when the scenario does not come this way again.
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
    """An event's name in every graph."""
    return event.key if event is not None else None


def _noted(graph: Graph) -> Iterator[Noted]:
    """A graph's events in the order in which they were added."""
    events = sorted((event for events in graph.events for event in events), key=lambda event: event.number)
    for event in events:
        source, place = (0, 0), 0
        if event.kind == "R":
            assert event.source is not None
            source = event.source.key
        elif event.kind == "W":
            order = graph.mo[event.op.cell]
            place = sum(write.number < event.number for write in order[: order.index(event)])
        yield Noted(event.thread, event.kind, event.op.cell, source, place, event.stamp)


def _add(graph: Graph, noted: Noted) -> None:
    """Add an event as it was added before."""
    graph.stamp = noted.stamp
    op = graph.nodes[noted.thread].op
    if op.kind in (DONE, FAILED) or (op.kind == FENCE) != (noted.kind == "F") or op.cell != noted.cell:
        raise LookupError(noted)
    if noted.kind == "F":
        done = graph.add_fence(noted.thread)
    elif noted.kind == "R":
        done = graph.add_read(noted.thread, _event(graph, noted.source, noted.thread))
    else:
        done = graph.add_write(noted.thread, noted.place)
    if not done:
        raise LookupError(noted)


def _event(graph: Graph, key: tuple[int, int], thread: int) -> Event:
    """The event of a name; of the first values, that of the cell which the thread is about to access."""
    return graph.events[key[0]][key[1]] if key[0] >= 0 else graph.start.init(graph.nodes[thread].op.cell)
