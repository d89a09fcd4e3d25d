"""Explore a scenario: every execution that a memory model allows (§2.2).

    explore(scenario, model="cpp20")  ─►  Result: proved, proved up to a bound, or findings

The ways to explore:

    reduced         one execution of each class of equivalent executions; the default, see ``search``
    plain           every interleaving, under sequential consistency only, see ``interleave``
    preemptions=n   every execution with at most n preemptions, see ``sample``
    random=n        n executions with random steps; with pct=d, probabilistic concurrency
                    testing of depth d

The result's ``exhausted`` is true only if no execution was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass

from ..atomics import Order
from .executions.broken import Broken
from .executions.graph import Graph
from .findings.finding import Finding
from .findings.naming import NOT_REPEATABLE, named
from .findings.result import Result
from .findings.told import Told
from .schedules.schedule import Schedule
from .search.collector import Collector
from .search.exploration import Exploration
from .search.interleave import Interleavings
from .search.parallel import spread
from .search.sample import bounded, pct_walks, random_walks
from .search.search import search
from .threads.misuse import NotRepeatable
from .threads.scenario import Scenario
from .threads.segment import NewCell
from .threads.watching import LINES, ticking

__all__ = ["explore", "replay", "tell"]

Progress = Callable[[int], None]


@dataclass(frozen=True)
class How:
    """The way to explore the executions. At most one of the first three attributes may be set.

    Attributes:
        plain: whether every interleaving is explored.
        preemptions: the largest number of preemptions in an execution.
        random: the number of executions drawn at random.
        pct: the depth of probabilistic concurrency testing, with ``random``.
        seed: the seed of the random choices.
    """

    plain: bool = False
    preemptions: int | None = None
    random: int | None = None
    pct: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        chosen = sum((self.plain, self.preemptions is not None, self.random is not None))
        if chosen > 1:
            raise ValueError("choose one of plain, preemptions and random; they are different ways to explore")
        if self.pct is not None and (self.random is None or self.pct < 1):
            raise ValueError("pct=depth says how random=count executions are drawn; the depth must be 1 or more")

    @property
    def reduced(self) -> bool:
        """Whether one execution of each class is explored."""
        return not self.plain and self.preemptions is None and self.random is None

    def __str__(self) -> str:
        if self.plain:
            return "every interleaving"
        if self.preemptions is not None:
            return f"at most {self.preemptions} preemptions"
        if self.random is None:
            return "one execution of each class"
        drawn = "at random" if self.pct is None else f"by random priorities, depth {self.pct}"
        return f"{self.random:,} executions drawn {drawn}, seed {self.seed}"


@ticking()
def explore(
    scenario: Scenario,
    model: str = "cpp20",
    *,
    plain: bool = False,
    preemptions: int | None = None,
    random: int | None = None,
    pct: int | None = None,
    seed: int = 0,
    weaken: Mapping[str, Order] | None = None,
    steps: int = 500,
    lines: int = LINES,
    executions: int | None = None,
    patience: int = 2000,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Result:
    """Explore a scenario.

    Args:
        scenario: the scenario to explore; it is copied, not changed.
        model: ``sc``, ``tso``, ``cpp20`` or ``rc11``.
        plain: whether to explore every interleaving, instead of one execution of each class.
        preemptions: the bound on preemptions, if every execution within a bound is to be explored.
        random: the number of executions to draw at random.
        pct: the depth of probabilistic concurrency testing, with ``random``.
        seed: the seed of the random choices.
        weaken: the orders to use at some sites of the source, by the sites' names as findings show them.
        steps: the largest number of steps of one thread; a thread that takes more is a livelock. A thread that spins
            takes none while what it reads stays the same.
        lines: the largest number of lines that a thread runs between two accesses; one that runs more loops for ever.
        executions: the number of executions after which the search stops.
        patience: after a failure, the number of further executions to explore for a shorter one.
        executor: the PEP 3148 executor that searches subtrees, only for one execution of each class. The result
            is the same as without an executor, except for ``runs``, because each worker learns the trees by
            itself, and for the choice among several shortest findings. Workers in other processes must be able
            to unpickle the scenario. ``executions`` has the same effect as without an executor; ``patience``
            and ``progress`` count the executions when a worker returns them, hundreds at a time.
        progress: a function to call with the number of executions from time to time.

    Raises:
        ValueError: if the model or a site is unknown, a site cannot have the order that is given for it, the ways to
            explore conflict, the scenario's threads are not functions by name, or the scenario cannot be sent.
        ScenarioError: if the scenario raises an error outside of its threads and its judge, as in ``setup``.
        NotTheSame: if a scenario behaves differently in a worker.
    """
    how = How(plain, preemptions, random, pct, seed)
    if executor is not None and not how.reduced:
        raise ValueError(f"an executor explores one execution of each class; leave it out for {how}")
    exploration = Exploration(scenario, model, dict(weaken or {}), steps, lines)
    while True:
        exploration.prepare()
        collector = Collector(exploration, str(how), executions, patience, progress)
        try:
            try:
                exploration.rehearse()
                finished = _run(exploration, how, collector, scenario, executor)
            except NewCell:
                exploration.confirm()  # the new beginning forgets what the threads did
                continue
            exploration.confirm()
            exploration.demand_sites()
            drawn = how.random is not None
            within = str(how) if finished and how.preemptions is not None else None
            return collector.result(exhausted=finished and within is None and not drawn, within=within)
        except NotRepeatable as error:
            return collector.not_repeatable(error)


def _run(
    exploration: Exploration, how: How, collector: Collector, scenario: Scenario, executor: Executor | None
) -> bool:
    """Explore the executions; return whether all were explored."""
    if how.plain:
        if exploration.model != "sc":
            raise ValueError("plain exploration enumerates interleavings; use the model sc, or leave plain out")
        walk = Interleavings(exploration.start, lambda kind: collector.interleaving(walk, kind))
        return walk.run()
    try:
        empty = exploration.empty()
    except Broken as broken:
        collector.broken(broken)
        return True
    if executor is not None:
        return spread(exploration, scenario, collector, executor)
    for graph in _executions(exploration, how, empty, collector.broken):
        collector.execution(graph)
        if collector.enough:
            return False
    return True


def _executions(exploration: Exploration, how: How, empty: Graph, failed: Callable[[Broken], None]) -> Iterator[Graph]:
    """Return the executions, in the way chosen."""
    if how.preemptions is not None:
        return bounded(empty, how.preemptions, failed)
    if how.random is None:
        return search([empty], failed)
    if how.pct is not None:
        return pct_walks(exploration.empty, how.random, how.pct, how.seed, failed)
    return random_walks(exploration.empty, how.random, how.seed, failed)


@ticking()
def tell(scenario: Scenario, schedule: str, model: str = "cpp20", weaken: Mapping[str, Order] | None = None) -> Told:
    """Tell an execution step by step, whether it fails or not.

    Raises:
        NotRepeatable: if a thread does not do the same after the same reads.
        ScenarioError: if the scenario raises an error outside of its threads and its judge.
        ScheduleError: if the schedule does not fit this scenario under this model.
    """
    exploration = Exploration(scenario, model, dict(weaken or {}), 10_000)
    while True:
        exploration.prepare()
        try:
            return exploration.teller().tell(Schedule.parse(schedule), exploration.empty)
        except NewCell:
            continue


@ticking()
def replay(
    scenario: Scenario, schedule: str, model: str = "cpp20", weaken: Mapping[str, Order] | None = None
) -> Finding | None:
    """Replay a schedule, and return its failure or None. No thread may be able to continue after the last turn.

    Raises:
        ScenarioError: if the scenario raises an error outside of its threads and its judge.
        ScheduleError: if the schedule does not fit this scenario under this model, or ends too early.
    """
    exploration = Exploration(scenario, model, dict(weaken or {}), 10_000)
    while True:
        exploration.prepare()
        try:
            told = exploration.teller().tell(Schedule.parse(schedule), exploration.empty)
            if told.broken is not None:
                wrong = named(exploration.scenario, told.broken, exploration.names)
            else:
                assert isinstance(told.graph, Graph), "it did not break off"
                verdict = exploration.verdict(told.graph)
                if not isinstance(verdict, tuple):
                    return None
                wrong = verdict
            return exploration.teller().finding(*wrong, Schedule.parse(schedule), exploration.empty)
        except NewCell:
            continue
        except NotRepeatable as error:
            return exploration.teller().untold(NOT_REPEATABLE, str(error))
