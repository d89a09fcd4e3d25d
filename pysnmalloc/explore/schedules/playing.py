"""Play a schedule: grow an execution turn by turn, and report what each turn did (§2.2).

    schedule  A            A            C=A2
    graph     add_read     add_read     add_read        the step itself
              add_fence    add_write                    and the quiet events after it, which are not steps

If the scenario or the memory model does not allow a turn, the player refuses the turn and gives
the reason. Nothing is guessed: every schedule that can be played is an execution.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.graph import Graph
from ..threads.ops import FENCE
from .schedule import Schedule, ScheduleError, Turn

__all__ = ["Played", "numbered", "pass_quiet", "play"]


@dataclass(frozen=True)
class Played:
    """What a turn did: the events that it added, and the writes that its step could have read.

    Attributes:
        events: the events of the step itself: a read, a write, or both for a read-modify-write.
        quiet: the thread's fences and plain accesses up to its next step.
        choices: the writes that the step could have read, in the cell's modification order; empty for a store.
    """

    events: tuple[Event, ...]
    quiet: tuple[Event, ...]
    choices: tuple[Event, ...]


def play(schedule: Schedule, graph: Graph, names: tuple[str, ...]) -> Iterator[Played]:
    """Play a schedule on an empty graph, turn by turn, and yield what each turn did.

    Raises:
        ScheduleError: if a turn is not possible; the message gives the reason.
        Broken: if the execution breaks off; its graph contains the last turn, which is not yielded.
    """
    steps: dict[tuple[str, int], Event] = {}
    counts = dict.fromkeys(names, 0)
    for thread, name in enumerate(names):
        _call(steps, f"{name}0", pass_quiet(graph, thread))
    for number, turn in enumerate(schedule.turns, 1):
        if turn.thread not in counts:
            raise ScheduleError(
                f"turn {number}: there is no thread “{turn.thread}”; the threads are {', '.join(names)}"
            )
        counts[turn.thread] += 1
        thread = names.index(turn.thread)
        choices = _play(graph, thread, turn, steps, number)
        at = -2 if graph.events[thread][-1].changes else -1
        events = graph.events[thread][at:]
        steps[f"{turn.thread}{counts[turn.thread]}", events[-1].op.cell] = events[-1]
        quiet = pass_quiet(graph, thread)
        _call(steps, f"{turn.thread}{counts[turn.thread]}", quiet)
        yield Played(tuple(events), tuple(quiet), choices)


def pass_quiet(graph: Graph, thread: int) -> list[Event]:
    """Let a thread perform the fences and plain accesses before its next step, and return them."""
    first = len(graph.events[thread])
    while thread not in graph.pending and thread not in graph.stuck:
        op = graph.nodes[thread].op
        if op.kind == FENCE:
            graph.add_fence(thread)
        elif not op.plain:
            break
        elif op.partial:
            graph.add_part(thread)
        elif op.reads:
            graph.add_read(thread, graph.sources(thread)[-1])
        else:
            graph.add_write(thread, graph.places(thread)[-1])
    return graph.events[thread][first:]


def _call(steps: dict[tuple[str, int], Event], name: str, quiet: list[Event]) -> None:
    """Name the plain writes after a step."""
    for number, event in numbered(quiet):
        steps[f"{name}+{number}", event.op.cell] = event


def numbered(quiet: list[Event]) -> Iterator[tuple[int, Event]]:
    """Yield the plain writes among quiet events, each with its number among those to the same cell.

    The other cells do not count, because which of them are atomic depends on what else was explored.
    """
    counts = Counter[int]()
    for event in quiet:
        if event.op.plain and event.kind == "W":
            counts[event.op.cell] += 1
            yield counts[event.op.cell], event


def _play(graph: Graph, thread: int, turn: Turn, steps: dict[tuple[str, int], Event], number: int) -> tuple[Event, ...]:
    """Play one turn of a thread, and return the writes that it could have read."""
    op, sources = graph.nodes[thread].op, list[Event]()
    if thread not in graph.enabled():
        raise ScheduleError(f"turn {number}: {turn.thread} cannot take a step: it has ended or waits for a value")
    if op.reads:
        sources = graph.choices(thread)
        source = sources[-1] if turn.source is None else _named(turn.source, op.cell, graph, steps, number)
        if source not in sources:
            raise ScheduleError(f"turn {number}: {turn} cannot read that: the thread knows of a newer write")
        sources = [each for each in sources if _allowed(graph, thread, each)]
        if source not in sources:
            raise ScheduleError(f"turn {number}: {turn} cannot read that: SEQ_CST accesses would have no order")
        graph.add_read(thread, source)
    if thread in graph.pending or not op.reads:
        places = graph.places(thread)
        place = places[-1] if places else -1
        if turn.after is not None:
            place = graph.writes(op.cell).index(_named(turn.after, op.cell, graph, steps, number)) + 1
        if place not in places:
            raise ScheduleError(f"turn {number}: {turn} cannot write there: the thread knows of a newer write")
        if not graph.add_write(thread, place):
            raise ScheduleError(f"turn {number}: {turn} cannot write there: SEQ_CST accesses would have no order")
    return tuple(sources)


def _allowed(graph: Graph, thread: int, source: Event) -> bool:
    """Return whether a thread can read a write and, if its operation also writes, then write. Only a copy changes."""
    trial = graph.copy()
    try:
        if not trial.add_read(thread, source):
            return False
        return thread not in trial.pending or any(trial.copy().add_write(thread, at) for at in trial.places(thread))
    except Broken:
        return True  # the thread can read the write, and so break the execution


def _named(name: str, cell: int, graph: Graph, steps: dict[tuple[str, int], Event], number: int) -> Event:
    """Return the write that a schedule names."""
    if name == "0":
        return graph.writes(cell)[0]
    event = steps.get((name, cell))
    if event is None:
        raise ScheduleError(f"turn {number}: “{name}” does not name an earlier write to the same cell")
    return event
