"""Schedules: an execution as a short text, independent of Python versions and line numbers (§2.2).

    A A B*3 C C=A2 B^0

    A       thread A makes its next atomic step; A*3: three steps
    C=A2    C's step reads what A's second step wrote; C=0: the first value; C=A2+1: what A's first
            plain write after that step wrote
    B^A1    B's step writes right after A's first step in the cell's order of writes; B^0: the first value

Where nothing is said, a step reads the newest write, and a write is the newest. A
fence is no step, nor is a plain access. Threads may be named by their whole name.
Where a schedule has no ``=`` and no ``^``, it is an interleaving: any model allows
it, and so do real threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from ...errors import SnmallocError
from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.execution import Execution
from ..executions.graph import Graph
from ..threads.ops import FENCE

__all__ = ["Played", "Schedule", "ScheduleError", "Turn", "pass_quiet"]

_TURN = re.compile(r"(?P<thread>[^\s*=^]+)(?:\*(?P<times>\d+)|=(?P<source>[^\s*=^]+))?(?:\^(?P<after>[^\s*=^]+))?$")


class ScheduleError(SnmallocError, ValueError):
    """A schedule that cannot be understood, or that the scenario or the model does not allow.

    What to do: take the schedule that a finding shows, with the same scenario, model and weakened orders.
    """


@dataclass(frozen=True)
class Turn:
    """One step: a thread's name, what it reads, and what it writes after; None: the newest.

    Attributes:
        thread: name of the one that makes the step.
        source: the write that it reads: ``0``, the first value; ``A2``, that of A's second step; ``A2+1``, A's
            first plain write after that step.
        after: the write behind which its own comes in the cell's order of writes, named likewise.
    """

    thread: str
    source: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        reads = f"={self.source}" if self.source is not None else ""
        return self.thread + reads + (f"^{self.after}" if self.after is not None else "")


@dataclass(frozen=True)
class Schedule:
    """Whose turn it is, step by step.

    Attributes:
        turns: one for each step, in the order in which they are made; ``A*3`` is three.
    """

    turns: tuple[Turn, ...]

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a schedule.

        Raises:
            ScheduleError: naming the word that is none.
        """
        turns: list[Turn] = []
        for word in text.split():
            match = _TURN.match(word)
            if match is None:
                raise ScheduleError(
                    f"“{word}” is no turn; write A, A*3, A=B2 (reads B's step 2) or A^B2 (writes after it)"
                )
            turn = Turn(match["thread"], match["source"], match["after"])
            turns.extend([turn] * int(match["times"] or 1))
        return cls(tuple(turns))

    def __str__(self) -> str:
        words: list[tuple[str, int]] = []
        for turn in map(str, self.turns):
            if words and words[-1][0] == turn and not set("=^") & set(turn):
                words[-1] = turn, words[-1][1] + 1
            else:
                words.append((turn, 1))
        return " ".join(word if times == 1 else f"{word}*{times}" for word, times in words)

    @property
    def interleaves(self) -> bool:
        """Whether every step reads and writes what is newest."""
        return all(turn.source is None and turn.after is None for turn in self.turns)

    @classmethod
    def of(cls, line: list[Event], execution: Execution, names: tuple[str, ...], make: Callable[[], Graph]) -> Schedule:
        """Write down an execution put in one line, up to where it breaks off; ``make`` makes the empty graph."""
        turns: list[Turn] = []
        with suppress(Broken):
            for turn in _Writer(execution, names, make()).turns(line):
                turns.append(turn)  # those before it breaks are kept
        return cls(tuple(turns))

    def play(self, graph: Graph, names: tuple[str, ...]) -> Iterator[Played]:
        """Grow an empty graph turn by turn; yield what each turn did.

        Raises:
            ScheduleError: when a turn is not possible, with the reason.
            Broken: when the execution breaks; the last turn is in its graph, but not yielded.
        """
        steps: dict[str, Event] = {}
        counts = dict.fromkeys(names, 0)
        for thread, name in enumerate(names):
            _call(steps, f"{name}0", pass_quiet(graph, thread))
        for number, turn in enumerate(self.turns, 1):
            if turn.thread not in counts:
                raise ScheduleError(
                    f"turn {number}: there is no thread “{turn.thread}”; threads are {', '.join(names)}"
                )
            counts[turn.thread] += 1
            thread = names.index(turn.thread)
            choices = _play(graph, thread, turn, steps, number)
            at = -2 if graph.events[thread][-1].changes else -1
            events = graph.events[thread][at:]
            steps[f"{turn.thread}{counts[turn.thread]}"] = events[-1]
            quiet = pass_quiet(graph, thread)
            _call(steps, f"{turn.thread}{counts[turn.thread]}", quiet)
            yield Played(tuple(events), tuple(quiet), choices)


@dataclass(frozen=True)
class Played:
    """What a turn did: its step's events, fences and plain accesses after it; and the writes it could have read.

    Attributes:
        events: of the step itself: a read, a write, or the two of a read-modify-write.
        quiet: the thread's fences and plain accesses up to its next step.
        choices: the writes it could have read, in the cell's order of writes; none if it reads nothing.
    """

    events: tuple[Event, ...]
    quiet: tuple[Event, ...]
    choices: tuple[Event, ...]


def pass_quiet(graph: Graph, thread: int) -> list[Event]:
    """Let a thread do what is no step: the fences and plain accesses that come next; return them."""
    first = len(graph.events[thread])
    while thread not in graph.pending:
        op = graph.nodes[thread].op
        if op.kind == FENCE:
            graph.add_fence(thread)
        elif not op.plain:
            break
        elif op.reads:
            graph.add_read(thread, graph.sources(thread)[-1])
        else:
            graph.add_write(thread, graph.places(thread)[-1])
    return graph.events[thread][first:]


def _call(steps: dict[str, Event], name: str, quiet: list[Event]) -> None:
    """Name the plain accesses after a step."""
    for number, event in enumerate((event for event in quiet if event.op.plain), 1):
        steps[f"{name}+{number}"] = event


def _play(graph: Graph, thread: int, turn: Turn, steps: dict[str, Event], number: int) -> tuple[Event, ...]:
    """One turn of a thread; return what it could have read."""
    op, sources = graph.nodes[thread].op, list[Event]()
    if thread not in graph.enabled():
        raise ScheduleError(f"turn {number}: {turn.thread} cannot make a step: it has ended, or waits for a value")
    if op.reads:
        sources = graph.choices(thread)
        source = sources[-1] if turn.source is None else _named(turn.source, op.cell, graph, steps, number)
        if source not in sources:
            raise ScheduleError(f"turn {number}: {turn} cannot read that: in this model something newer is known to it")
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
            raise ScheduleError(f"turn {number}: {turn} cannot write there: something newer is known to it")
        if not graph.add_write(thread, place):
            raise ScheduleError(f"turn {number}: {turn} cannot write there: SEQ_CST accesses would have no order")
    return tuple(sources)


def _allowed(graph: Graph, thread: int, source: Event) -> bool:
    """Try on a copy whether a thread can read a write, and then write, if its operation does both."""
    trial = graph.copy()
    try:
        if not trial.add_read(thread, source):
            return False
        return thread not in trial.pending or any(trial.copy().add_write(thread, at) for at in trial.places(thread))
    except Broken:
        return True  # it can, and that is what is wrong


def _named(name: str, cell: int, graph: Graph, steps: dict[str, Event], number: int) -> Event:
    """The write that a schedule names."""
    if name == "0":
        return graph.writes(cell)[0]
    event = steps.get(name)
    if event is None or event.op.cell != cell:
        raise ScheduleError(f"turn {number}: “{name}” is no write to the same cell that was made before")
    return event


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
