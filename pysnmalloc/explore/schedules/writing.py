"""Writing an execution down as a schedule, so that it can be played again (§2.2).

    events in one line  A.0  A.1  C.0  ...        schedule  A  A  C=0  ...
    twin                played along, from the empty graph

A turn says what it reads, or behind which write it writes, only where that is not the newest at
that time. So the writer plays the execution along in a second graph, the twin, and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.execution import Execution
from ..executions.graph import Graph
from .playing import pass_quiet
from .schedule import Schedule, Turn

__all__ = ["written"]


def written(line: list[Event], execution: Execution, names: tuple[str, ...], make: Callable[[], Graph]) -> Schedule:
    """Write down an execution put in one line, up to where it breaks off.

    Args:
        line: its events, as ``in_line`` orders them.
        execution: the execution.
        names: of the threads.
        make: makes the empty graph of the same scenario and model.
    """
    turns: list[Turn] = []
    with suppress(Broken):
        for turn in _Writer(execution, names, make()).turns(line):
            turns.append(turn)  # those before it breaks are kept
    return Schedule(tuple(turns))


class _Writer:
    """Writes down an execution, turn by turn, by playing it again: so each turn says what is not the newest then."""

    def __init__(self, execution: Execution, names: tuple[str, ...], twin: Graph) -> None:
        self._execution = execution
        self._names = names
        self._twin = twin
        self._steps = [0] * len(names)
        self._called: dict[tuple[int, int], str] = {}

    def turns(self, line: list[Event]) -> Iterator[Turn]:
        """Yield the turns."""
        twin = self._twin
        for thread in range(len(self._names)):
            self._quiet(thread, pass_quiet(twin, thread))
        for event in line:
            if event.kind == "F" or event.op.plain or event.changes:
                continue
            thread = event.thread
            self._steps[thread] += 1
            source, place = self._wanted(event)
            yield self._turn(event, source, place)  # before it is made: it may be where the execution breaks
            self._make(event, source, place)
            last = twin.events[thread][-1]
            self._called[last.key] = f"{self._names[thread]}{self._steps[thread]}"
            self._quiet(thread, pass_quiet(twin, thread))

    def _wanted(self, event: Event) -> tuple[Event | None, int]:
        """What a step reads, and where it writes, in the twin."""
        twin, cell = self._twin, event.op.cell
        if event.kind == "R":
            assert event.source is not None
            sources = twin.choices(event.thread)
            return next((write for write in sources if write.key == event.source.key), sources[-1]), -1
        order = [write.key for write in self._execution.writes(cell)]
        return None, sum(order.index(w.key) < order.index(event.key) for w in twin.writes(cell) if w.key in order)

    def _turn(self, event: Event, source: Event | None, place: int) -> Turn:
        """The turn of a step."""
        writes, reads, after = self._twin.writes(event.op.cell), None, None
        if source is not None and source is not self._twin.choices(event.thread)[-1]:
            reads = self._called.get(source.key, "0")
        if source is None and place < len(writes):
            after = self._called.get(writes[place - 1].key, "0")
        return Turn(self._names[event.thread], reads, after)

    def _make(self, event: Event, source: Event | None, place: int) -> None:
        """Make the step in the twin."""
        twin, thread = self._twin, event.thread
        if source is None:
            twin.add_write(thread, place)
            return
        twin.add_read(thread, source)
        if thread in twin.pending:
            twin.add_write(thread, twin.places(thread)[0])

    def _quiet(self, thread: int, added: list[Event]) -> None:
        """Name the plain writes after a step."""
        plain = [event for event in added if event.op.plain]
        for number, event in enumerate(plain, 1):
            self._called[event.key] = f"{self._names[thread]}{self._steps[thread]}+{number}"
