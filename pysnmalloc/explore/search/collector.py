"""The collector counts executions and outcomes, and keeps the shortest execution for each kind of finding (§2.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from itertools import pairwise

from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.execution import Execution
from ..executions.graph import Graph
from ..findings.finding import Finding
from ..findings.naming import NOT_REPEATABLE, named, named_error
from ..findings.result import Outcome, Result
from ..schedules.line import in_line, needed, steps_of
from ..schedules.schedule import Schedule
from ..schedules.writing import written
from ..threads.misuse import NotRepeatable
from ..threads.ops import DONE, FAILED
from .exploration import Exploration
from .interleave import Interleavings

__all__ = ["Collector", "Tally"]


@dataclass
class Best:
    """The shortest execution known for a kind of finding."""

    detail: str
    steps: int
    switches: int
    schedule: Schedule
    looked: int = 1

    @property
    def rank(self) -> tuple[int, int, str]:
        """The key by which executions are compared."""
        return self.steps, self.switches, str(self.schedule)


@dataclass
class Tally:
    """A count of executions.

    Attributes:
        executions, unfair, outcomes: as in ``Result``.
        classes: hashes of the classes.
        best: for each kind of finding, the shortest execution.
    """

    executions: int = 0
    unfair: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    classes: set[int] = field(default_factory=set)
    best: dict[str, Best] = field(default_factory=dict)


class Collector:
    """Counts executions and keeps the shortest for each kind of finding.

    Attributes:
        tally: the counts.
        most: the number of executions after which to stop; None: no limit.
        patience: the number of executions without a new or shorter finding after which to stop, once there is one.
    """

    def __init__(
        self,
        exploration: Exploration,
        how: str,
        most: int | None,
        patience: int,
        progress: Callable[[int], None] | None,
    ) -> None:
        self._exploration = exploration
        self._how = how
        self.most = most
        self.patience = patience
        self._progress = progress
        self.tally = Tally()
        self._found_at: int | None = None
        self._judged: dict[Hashable, Outcome | tuple[str, str]] = {}

    @property
    def enough(self) -> bool:
        """Whether to stop: the limit is reached, or ``patience`` is exhausted."""
        if self.most is not None and self.tally.executions >= self.most:
            return True
        return self._found_at is not None and self.tally.executions >= self._found_at + self.patience

    def execution(self, graph: Graph) -> None:
        """Count an execution that has ended."""
        verdict = self._exploration.verdict(graph)
        if verdict is None:
            self.tally.unfair += 1
            return
        self._count(hash(graph.canonical()))
        if isinstance(verdict, Outcome):
            self.tally.outcomes[verdict] += 1
        else:
            self._wrong(*verdict, graph, [event for events in graph.events for event in events])

    def broken(self, broken: Broken) -> None:
        """Count an execution that broke off."""
        graph = broken.graph
        self._count(hash(graph.canonical()))
        kind, detail = named(self._exploration.scenario, broken, self._exploration.names)
        self._wrong(kind, detail, graph, needed(graph, broken.threads))

    def interleaving(self, walk: Interleavings, kind: Hashable) -> bool:
        """Count an interleaving and return whether to continue. Equivalent interleavings are judged once."""
        self._count(hash(kind))
        verdict = self._judged.get(kind)
        if verdict is None:
            verdict = self._judged[kind] = self._judge(walk)
        if isinstance(verdict, Outcome):
            self.tally.outcomes[verdict] += 1
        else:
            self._wrong_interleaving(*verdict, walk)
        return not self.enough

    def _judge(self, walk: Interleavings) -> Outcome | tuple[str, str]:
        """Return the verdict on an interleaving."""
        for node in walk.nodes:
            if node.op.kind == FAILED:
                (error,) = node.op.values
                assert isinstance(error, BaseException)
                return named_error(error)
        if any(node.op.kind != DONE for node in walk.nodes):
            return "deadlock", "a thread waits for a value that no thread will store"
        return self._exploration.judged(walk.latest(), tuple(node.op.values[0] for node in walk.nodes))

    def _count(self, kind: int) -> None:
        """Count one more execution and record its class."""
        self.tally.executions += 1
        self.tally.classes.add(kind)
        if self._progress is not None and self.tally.executions % 256 == 0:
            self._progress(self.tally.executions)

    def _wrong(self, kind: str, detail: str, graph: Execution, events: list[Event]) -> None:
        """Keep a failing execution if it is the shortest of its kind."""
        if self._found_at is None:
            self._found_at = self.tally.executions
        best, steps = self.tally.best.get(kind), steps_of(events)
        if best is not None and (steps > best.steps or (steps == best.steps and best.looked >= 100)):
            return
        line = in_line(graph, events)
        switches = sum(a.thread != b.thread for a, b in pairwise(line))
        looked = best.looked + 1 if best is not None and best.steps == steps else 1
        if best is None or (steps, switches) < (best.steps, best.switches):
            self._found_at = self.tally.executions
            schedule = written(line, graph, self._exploration.names, self._exploration.empty)
            best = self.tally.best[kind] = Best(detail, steps, switches, schedule)
        best.looked = looked

    def _wrong_interleaving(self, kind: str, detail: str, walk: Interleavings) -> None:
        """Keep a failing interleaving if it is the shortest of its kind. Patience counts from the first finding."""
        if self._found_at is None:
            self._found_at = self.tally.executions
        schedule = Schedule.parse(" ".join(self._exploration.names[thread] for thread in walk.path))
        switches = sum(a != b for a, b in pairwise(walk.path))
        best = self.tally.best.get(kind)
        if best is None or (len(walk.path), switches) < (best.steps, best.switches):
            self.tally.best[kind] = Best(detail, len(walk.path), switches, schedule)

    def merge(self, other: Tally) -> None:
        """Add a worker's tally."""
        tally = self.tally
        tally.executions += other.executions
        tally.unfair += other.unfair
        tally.outcomes.update(other.outcomes)
        tally.classes |= other.classes
        for kind, best in other.best.items():
            known = tally.best.get(kind)
            if known is None or best.rank < known.rank:
                tally.best[kind] = best
                self._found_at = tally.executions
        if self._progress is not None:
            self._progress(tally.executions)

    def result(self, *, exhausted: bool, within: str | None = None) -> Result:
        """Return the result of the exploration."""
        exploration, teller = self._exploration, self._exploration.teller()
        findings = tuple(
            teller.finding(kind, best.detail, best.schedule, exploration.empty)
            for kind, best in sorted(self.tally.best.items(), key=lambda item: (item[1].steps, item[0]))
        )
        return self._result(findings, exhausted=exhausted, within=within)

    def not_repeatable(self, error: NotRepeatable) -> Result:
        """Return that a thread is not repeatable, and nothing else that was found, since none of it can be believed."""
        finding = self._exploration.teller().untold(NOT_REPEATABLE, str(error))
        self.tally.outcomes.clear()
        return self._result((finding,), exhausted=False, within=None)

    def _result(self, findings: tuple[Finding, ...], *, exhausted: bool, within: str | None) -> Result:
        """Return findings with what was counted."""
        exploration = self._exploration
        return Result(
            exploration.scenario.name,
            exploration.model,
            self._how,
            exhausted,
            within,
            self.tally.executions,
            len(self.tally.classes),
            self.tally.unfair,
            dict(self.tally.outcomes.most_common()),
            findings,
            sum(tree.runs for tree in exploration.start.trees),
            exploration.names,
            tuple(exploration.weaken.items()),
        )
