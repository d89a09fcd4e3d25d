"""Schedules: an execution as a short text, independent of Python versions and line numbers (§2.2).

    A A B*3 C C=A2 B^0

    A       thread A makes its next atomic step; A*3: three steps
    C=A2    C's step reads what A's second step wrote; C=0: the first value
    B^A1    B's step writes right after A's first step in the cell's order of writes; B^0: the first value

Where nothing is said, a step reads the newest write, and a write is the newest. A
fence is no step, nor is a plain access. Threads may be named by their whole name.
Where a schedule has no ``=`` and no ``^``, it is an interleaving: any model allows
it, and so do real threads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import SnmallocError
from .graph import Event, Graph
from .ops import FENCE

__all__ = ["Played", "Schedule", "ScheduleError", "Turn", "pass_fences"]

_TURN = re.compile(r"(?P<thread>[^\s*=^]+)(?:\*(?P<times>\d+)|=(?P<source>[^\s*=^]+))?(?:\^(?P<after>[^\s*=^]+))?$")


class ScheduleError(SnmallocError, ValueError):
    """A schedule that cannot be understood, or that the scenario or the model does not allow."""


@dataclass(frozen=True)
class Turn:
    """One step: a thread's name, what it reads, and what it writes after; None: the newest."""

    thread: str
    source: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        reads = f"={self.source}" if self.source is not None else ""
        return self.thread + reads + (f"^{self.after}" if self.after is not None else "")


@dataclass(frozen=True)
class Schedule:
    """Whose turn it is, step by step."""

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
    def of(cls, line: list[Event], graph: Graph, names: tuple[str, ...]) -> Schedule:
        """Write down an execution put in one line."""
        return cls(tuple(_turns(line, graph, names)))

    def play(self, graph: Graph, names: tuple[str, ...]) -> Iterator[Played]:
        """Grow an empty graph turn by turn; yield what each turn did.

        Raises:
            ScheduleError: when a turn is not possible, with the reason.
            Broken: when the execution breaks; the last turn is in its graph, but not yielded.
        """
        steps: dict[str, Event] = {}
        counts = dict.fromkeys(names, 0)
        for number, turn in enumerate(self.turns, 1):
            if turn.thread not in counts:
                raise ScheduleError(
                    f"turn {number}: there is no thread “{turn.thread}”; threads are {', '.join(names)}"
                )
            counts[turn.thread] += 1
            played = _play(graph, names.index(turn.thread), turn, steps, number)
            steps[f"{turn.thread}{counts[turn.thread]}"] = played.events[-1]
            yield played


@dataclass(frozen=True)
class Played:
    """What a turn did: the events it added, its step's own last; and the writes that it could have read."""

    events: tuple[Event, ...]
    choices: tuple[Event, ...]


def pass_fences(graph: Graph, thread: int) -> list[Event]:
    """Let a thread make the fences that come next; return them."""
    added: list[Event] = []
    while graph.nodes[thread].op.kind == FENCE and thread not in graph.pending:
        graph.add_fence(thread)
        added.append(graph.events[thread][-1])
    return added


def _play(graph: Graph, thread: int, turn: Turn, steps: dict[str, Event], number: int) -> Played:
    """One turn of a thread: its next step, and the fences before it."""
    first = len(graph.events[thread])
    pass_fences(graph, thread)
    op, sources = graph.nodes[thread].op, list[Event]()
    if thread not in graph.enabled():
        raise ScheduleError(f"turn {number}: {turn.thread} cannot make a step: it has ended, or waits for a value")
    if op.reads:
        sources = graph.sources(thread)
        source = sources[-1] if turn.source is None else _named(turn.source, op.cell, graph, steps, number)
        if source not in sources:
            raise ScheduleError(f"turn {number}: {turn} cannot read that: in this model something newer is known to it")
        graph.add_read(thread, source)
    if thread in graph.pending or not op.reads:
        places = graph.places(thread)
        place = places[-1] if places else -1
        if turn.after is not None:
            place = graph.writes(op.cell).index(_named(turn.after, op.cell, graph, steps, number)) + 1
        if place not in places:
            raise ScheduleError(f"turn {number}: {turn} cannot write there: something newer is known to it")
        graph.add_write(thread, place)
    return Played(tuple(graph.events[thread][first:]), tuple(sources))


def _named(name: str, cell: int, graph: Graph, steps: dict[str, Event], number: int) -> Event:
    """The write that a schedule names."""
    if name == "0":
        return graph.writes(cell)[0]
    event = steps.get(name)
    if event is None or event.op.cell != cell:
        raise ScheduleError(f"turn {number}: “{name}” is no write to the same cell that was made before")
    return event


def _turns(line: list[Event], graph: Graph, names: tuple[str, ...]) -> list[Turn]:
    """The turns of a line; reads and writes of what is newest at that time need no words."""
    turns: list[Turn] = []
    counts = dict.fromkeys(names, 0)
    called: dict[Event, str] = {}
    done: dict[int, list[Event]] = {}
    for event in line:
        if event.kind == "F":
            continue
        name, cell = names[event.thread], event.op.cell
        writes = done.setdefault(cell, [graph.writes(cell)[0]])
        if event.kind == "R":
            counts[name] += 1
            source = event.source
            assert source is not None
            turns.append(Turn(name, None if source is writes[-1] else called.get(source, "0")))
            continue
        if not event.changes:
            counts[name] += 1
            turns.append(Turn(name))
        called[event] = f"{name}{counts[name]}"
        order = graph.writes(cell)
        place = sum(order.index(write) < order.index(event) for write in writes)
        if place < len(writes) and not event.changes:
            turns[-1] = Turn(name, turns[-1].source, called.get(writes[place - 1], "0"))
        writes.insert(place, event)
    return turns
