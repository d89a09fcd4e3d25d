"""Telling an execution: from a schedule to the rows of a finding (§2.2).

    schedule ─► played on an empty graph ─► one row per step: the operation, the value read and what
                                            else could have been, the structure afterwards

Telling always plays the schedule, so every told execution can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from ...atomics import Atomics, Order
from ...memory import Memory
from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.execution import Execution
from ..executions.graph import Graph
from ..schedules.playing import Played, play
from ..schedules.schedule import Schedule
from ..threads.misuse import asked
from ..threads.ops import ADD, BOTH, CAS, EXCHANGE, SPECULATE, STORE, WAIT, Op, Value
from ..threads.scenario import Place, Scenario
from .finding import Finding, Step
from .naming import named
from .told import Told

__all__ = ["Teller"]


class Teller:
    """Tells executions of one scenario.

    Args:
        memory: where the scenario's structure is drawn.
        weakened: sites with a changed order, and that order.
    """

    def __init__(
        self,
        scenario: Scenario,
        memory: Memory,
        names: tuple[str, ...],
        model: str,
        weakened: tuple[tuple[str, Order], ...] = (),
    ) -> None:
        self._scenario = scenario
        self._memory = memory
        self._place = Place(memory, Atomics(memory, Lock()))
        self._names = names
        self._model = model
        self._weakened = weakened

    def finding(self, kind: str, detail: str, schedule: Schedule, make: Callable[[], Graph]) -> Finding:
        """Tell a schedule that leads to a failure."""
        told = self.tell(schedule, make)
        return Finding(
            kind,
            detail,
            self._scenario.name,
            self._model,
            self._names,
            str(schedule),
            told.steps,
            told.switches,
            told.before,
            self._weakened,
            self._scenario.note,
            self._scenario.command,
        )

    def untold(self, kind: str, detail: str) -> Finding:
        """Return a finding without an execution, because a thread that is not repeatable has none that replays."""
        about = self._scenario.name, self._model, self._names
        return Finding(kind, detail, *about, "", (), 0, (), self._weakened, self._scenario.note, self._scenario.command)

    def tell(self, schedule: Schedule, make: Callable[[], Graph]) -> Told:
        """Play a schedule on the empty graph that ``make`` makes, and tell it.

        Raises:
            ScheduleError: if the scenario or the model does not allow it.
        """
        try:
            graph = make()
        except Broken as broken:  # before any thread made a step
            return self._told((), [], schedule, broken.graph, broken)
        before, steps = self._drawing(graph), list[Step]()
        numbers: dict[Event, int] = {}
        try:
            for number, played in enumerate(play(schedule, graph, self._names), 1):
                numbers.update(dict.fromkeys((*played.events, *played.quiet), number))
                steps.append(self._step(number, played, numbers, graph))
        except Broken as broken:
            last = graph.events[broken.threads[-1]]
            new = tuple(e for e in last if e not in numbers and e.kind != "F" and not e.op.plain)
            if new:
                numbers.update(dict.fromkeys(new, len(steps) + 1))
                steps.append(self._step(len(steps) + 1, Played(new[-2:], (), ()), numbers, graph))
            return self._told(before, steps, schedule, graph, broken)
        return self._told(before, steps, schedule, graph, None)

    def _told(
        self, before: tuple[str, ...], steps: list[Step], schedule: Schedule, graph: Execution, broken: Broken | None
    ) -> Told:
        """Assemble the told execution."""
        wrong = named(self._scenario, broken, self._names) if broken is not None else None
        return Told(
            before,
            tuple(steps),
            graph,
            broken,
            wrong,
            self._scenario.name,
            self._model,
            self._names,
            str(schedule),
            self._weakened,
            self._scenario.command,
        )

    def _step(self, number: int, played: Played, numbers: dict[Event, int], graph: Graph) -> Step:
        """One row."""
        events = [event for event in played.events if event.kind != "F"]
        read = next((event for event in events if event.kind == "R"), None)
        write = next((event for event in events if event.kind == "W"), None)
        op = events[0].op
        writes = [each for each in graph.writes(op.cell) if each not in played.quiet]
        old = writes[-1] is not (write if write is not None else read.source if read is not None else writes[-1])
        others = [source for source in played.choices if read is not None and source is not read.source]
        return Step(
            number,
            self._names[events[0].thread],
            op.site.name if op.site is not None else op.kind,
            op.site.line if op.site is not None else "",
            self.operation(op),
            self._shown(read.value, op) if read is not None else None,
            self._shown(write.value, op) if write is not None else None,
            self._origin(read.source, numbers) if read is not None else None,
            tuple((self._shown(source.value, op), self._origin(source, numbers)) for source in others),
            self._origin(writes[writes.index(write) - 1], numbers) if write is not None and old else None,
            self._drawing(graph),
            (self._shown(writes[-1].value, op), self._origin(writes[-1], numbers)) if old else None,
        )

    def _origin(self, source: Event | None, numbers: dict[Event, int]) -> str:
        """Where a value was written."""
        return f"step {numbers[source]}" if source in numbers else "the start"

    def _drawing(self, graph: Graph) -> tuple[str, ...]:
        """The structure after the newest writes, or the reason why it cannot be drawn."""
        self._memory.space.buffer[:] = graph.latest()
        try:
            return tuple(self._scenario.draw(self._place))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit as well
            return (f"(cannot be drawn: {type(error).__name__}: {error})",)

    def operation(self, op: Op) -> str:
        """An operation in words."""
        where, values = asked(self._scenario.field, op.address), [self._value(value) for value in op.values]
        order = op.order.value
        if op.plain:
            return f"{op.kind} {where}"
        if op.kind in (STORE, EXCHANGE, ADD):
            return f"{op.kind}({where}, {values[0]}, {order})"
        if op.kind == CAS:
            return f"compare_exchange({where}, {values[0]} → {values[1]}, {order})"
        if op.kind == WAIT:
            return f"wait({where} ≠ {values[0]}, {order})"
        return f"speculate({where})" if op.kind == SPECULATE else f"load({where}, {order})"

    def _value(self, value: object) -> str:
        """A value by its name."""
        if isinstance(value, tuple):
            return "(" + ", ".join(map(self._value, value)) + ")"
        return asked(self._scenario.word, value) if isinstance(value, int) else str(value)

    def _shown(self, value: Value, op: Op) -> str:
        """The part of a cell's value that an operation accesses."""
        return self._value(value[op.part] if isinstance(value, tuple) and op.part != BOTH else value)
