"""An execution in one line: an order of its events in which the execution can be told and replayed.

    events of a graph, partially ordered  ─►  A A C B B C        as few changes of thread as possible

If the execution is an interleaving (po, rf, mo and fr have no cycle), the order is one in
which every read returns the newest value. Otherwise the order respects rf and mo or, if that
is impossible, rf alone, and the steps say what they read.

The order with the fewest changes of thread is a shortest path between states. A state is the
number of events taken from each thread, and the last thread. With few threads there are few states.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import pairwise

from ..executions.event import Event
from ..executions.execution import Execution

__all__ = ["in_line", "needed", "steps_of"]

Edges = dict[Event, list[Event]]  # the events that must come before each event


def needed(graph: Execution, threads: Iterable[int]) -> list[Event]:
    """Return the events on which the given threads depend."""
    clocks = [graph.porf[thread] for thread in threads]
    return [e for events in graph.events for e in events if any(e.index < clock[e.thread] for clock in clocks)]


def steps_of(events: Iterable[Event]) -> int:
    """Count the atomic steps. Fences and plain accesses are not steps, and a read-modify-write is one step."""
    return sum(event.kind != "F" and not event.op.plain and not event.changes for event in events)


def in_line(graph: Execution, events: list[Event]) -> list[Event]:
    """Return the events in an order with as few changes of thread as possible."""
    return (
        _fewest_switches(events, _edges(graph, events, mo=True, fr=True))
        or _fewest_switches(events, _edges(graph, events, mo=True, fr=False))
        or _fewest_switches(events, _edges(graph, events, mo=False, fr=False))
        or []
    )


def _edges(graph: Execution, events: list[Event], *, mo: bool, fr: bool) -> Edges:
    """Return the events that must come before each event, by rf and optionally mo and fr. Program order is implied."""
    known = set(events)
    edges: Edges = {event: [] for event in events}
    for event in events:
        if event.kind == "R" and event.source in known:
            edges[event].append(event.source)
    for cell, writes in graph.mo.items():
        chain = [write for write in writes if write in known]
        if mo:
            for earlier, later in pairwise(chain):
                edges[later].append(earlier)
        if fr:
            for read in graph.reads.get(cell, ()):
                assert read.source is not None
                after = [write for write in writes[writes.index(read.source) + 1 :] if write in known]
                if read in known and after:
                    edges[after[0]].append(read)
    return edges


def _fewest_switches(events: list[Event], edges: Edges) -> list[Event] | None:
    """Return the order of the events with the fewest changes of thread that respects the edges, or None."""
    threads = sorted({event.thread for event in events})
    lanes = [[event for event in sorted(events, key=lambda e: e.index) if event.thread == t] for t in threads]
    lane_of = {thread: lane for lane, thread in enumerate(threads)}
    place = {event: at for lane in lanes for at, event in enumerate(lane)}
    start = (0,) * len(lanes)
    goal = tuple(map(len, lanes))
    came: dict[tuple[tuple[int, ...], int], tuple[tuple[int, ...], int] | None] = {(start, -1): None}
    cost = {(start, -1): 0}
    heap = [(0, 0, start, -1)]
    while heap:
        switches, _, state, last = heappop(heap)
        if state == goal:
            return _walked(came, (state, last), lanes)
        if switches > cost[state, last]:
            continue
        for lane, at in enumerate(state):
            if at == len(lanes[lane]):
                continue
            event = lanes[lane][at]
            if last != lane and last >= 0 and _in_the_middle(lanes[last], state[last]):
                continue
            if any(place[before] >= state[lane_of[before.thread]] for before in edges[event]):
                continue
            after = (*state[:lane], at + 1, *state[lane + 1 :])
            price = switches + (last not in (lane, -1))
            if price < cost.get((after, lane), 1 << 30):
                cost[after, lane] = price
                came[after, lane] = state, last
                heappush(heap, (price, -sum(after), after, lane))
    return None


def _in_the_middle(lane: list[Event], at: int) -> bool:
    """Return whether the next event is the write of a read-modify-write that has begun."""
    return at < len(lane) and lane[at].changes


def _walked(
    came: dict[tuple[tuple[int, ...], int], tuple[tuple[int, ...], int] | None],
    state: tuple[tuple[int, ...], int],
    lanes: list[list[Event]],
) -> list[Event]:
    """Return the events along the path to a state."""
    found: list[Event] = []
    while (before := came[state]) is not None:
        lane = state[1]
        found.append(lanes[lane][before[0][lane]])
        state = before
    return found[::-1]
