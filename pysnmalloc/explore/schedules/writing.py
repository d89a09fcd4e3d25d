"""Write an execution as a schedule, so that the execution can be replayed (§2.2).

    events in one line  A.0  A.1  C.0  ...        schedule  A  A  C=0  ...
    twin                a second graph, which grows along from the empty graph

A turn names the write that it reads or the write that it follows only if that write is not the
newest at that time. The writer therefore replays the execution in a second graph, the twin, and
compares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.execution import Execution
from ..executions.graph import Graph
from .playing import numbered, pass_quiet
from .schedule import Schedule, Turn

__all__ = ["written"]


def written(line: list[Event], execution: Execution, names: tuple[str, ...], make: Callable[[], Graph]) -> Schedule:
    """Return the schedule of an execution, up to the point at which the execution breaks off.

    Args:
        line: the events of the execution, as ``in_line`` orders them.
        execution: the execution.
        names: the names of the threads.
        make: a function that makes the empty graph of the same scenario and model.
    """
    turns: list[Turn] = []
    with suppress(Broken):
        for turn in _Writer(execution, names, make()).turns(line):
            turns.append(turn)  # the turns before a break are kept
    return Schedule(tuple(turns))


class _Writer:
    """Writes an execution turn by turn, and replays it to know which write is the newest at each turn."""

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
            yield self._turn(event, source, place)  # before the step is taken, since it may break the execution
            self._make(event, source, place)
            last = twin.events[thread][-1]
            self._called[last.key] = f"{self._names[thread]}{self._steps[thread]}"
            self._quiet(thread, pass_quiet(twin, thread))

    def _wanted(self, event: Event) -> tuple[Event | None, int]:
        """Return the write that a step reads, and the place at which it writes, in the twin."""
        twin, cell = self._twin, event.op.cell
        if event.kind == "R":
            assert event.source is not None
            sources = twin.choices(event.thread)
            return next((write for write in sources if write.key == event.source.key), sources[-1]), -1
        order = [write.key for write in self._execution.writes(cell)]
        return None, sum(order.index(w.key) < order.index(event.key) for w in twin.writes(cell) if w.key in order)

    def _turn(self, event: Event, source: Event | None, place: int) -> Turn:
        """Return the turn of a step."""
        writes, reads, after = self._twin.writes(event.op.cell), None, None
        if source is not None and source is not self._twin.choices(event.thread)[-1]:
            reads = self._called.get(source.key, "0")
        if source is None and place < len(writes):
            after = self._called.get(writes[place - 1].key, "0")
        return Turn(self._names[event.thread], reads, after)

    def _make(self, event: Event, source: Event | None, place: int) -> None:
        """Take the step in the twin."""
        twin, thread = self._twin, event.thread
        if source is None:
            twin.add_write(thread, place)
            return
        twin.add_read(thread, source)
        if thread in twin.pending:
            twin.add_write(thread, twin.places(thread)[0])

    def _quiet(self, thread: int, added: list[Event]) -> None:
        """Name the plain writes after a step."""
        for number, event in numbered(added):
            self._called[event.key] = f"{self._names[thread]}{self._steps[thread]}+{number}"
