"""Subtrees of the search, searched by processes, by threads, or by a cluster (§2.2).

    here                            elsewhere, in any PEP 3148 executor
    search a little ─► stack        seeds ─► graphs again ─► search for TURNS turns
         ▲             │                                            │          │
         │             └─ parts: a few seeds each ────────►         │          │
         └─ tally, and seeds of what is left ◄──────────────────────┘──────────┘

The search does not remember where it has been, so its subtrees are independent. A worker that
gets a seed rebuilds the graph, in its own copy of the scenario, and continues from there.

Subtrees differ in size by orders of magnitude, and their sizes are not known in advance. A
worker therefore searches a part for a fixed number of turns, and the remainder is distributed
again. Turns are counted, not timed, so the parts and the result are the same in every run,
whichever worker searches them.

Left out: the number of workers, which an executor need not tell.
"""

from __future__ import annotations

import copy
import pickle
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from queue import SimpleQueue
from threading import local

from ...atomics import Order
from ..executions.graph import Graph
from ..threads.scenario import Scenario
from ..threads.segment import NewCell
from ..threads.watching import ticking
from .collector import Collector, Tally
from .exploration import Exploration
from .search import Branch, Grows, search
from .seeds import NotTheSame, Seed

__all__ = ["Found", "Job", "search_part", "spread"]

HERE = 64  # turns searched here first, so that a small exploration needs no worker
TURNS = 4000  # turns of a part, which take some tenths of a second
HANDS = 4  # the number of new parts into which the rest of a part is divided
UNDER_WAY = 64  # the most parts submitted at a time; further workers have to wait


@dataclass(frozen=True)
class Job:
    """What all parts of an exploration have in common.

    Attributes:
        name: unique, and a new one when the exploration begins anew.
        scenario: what is explored; each worker sets up a copy of its own.
        model: ``sc``, ``tso``, ``cpp20`` or ``rc11``.
        weaken: orders to use at some sites of the source, by the sites' names.
        limit: the most steps of one thread; more are a livelock.
        lines: the most lines that a thread runs between two accesses; more are an endless loop.
        patience: after a failure, the number of further executions in which to look for a shorter one.
        words, pairs: the cells known to be atomic.
        checksum: that of the memory after set-up.
    """

    name: str
    scenario: Scenario
    model: str
    weaken: dict[str, Order]
    limit: int
    lines: int
    patience: int
    words: frozenset[int]
    pairs: frozenset[int]
    checksum: str

    @classmethod
    def of(cls, exploration: Exploration, scenario: Scenario, patience: int) -> Job:
        """Record an exploration in its present state."""
        cells = exploration.cells
        words, pairs = frozenset(cells.words), frozenset(cells.pairs)
        model, weaken, limits = exploration.model, exploration.weaken, (exploration.limit, exploration.lines)
        name, checksum = uuid.uuid4().hex, exploration.checksum()
        return cls(name, scenario, model, weaken, *limits, patience, words, pairs, checksum)

    def made_ready(self) -> Exploration:
        """Prepare the exploration in this worker, with a copy of the scenario that shares nothing with others.

        Raises:
            NotTheSame: if set-up leaves other bytes in memory than before.
        """
        exploration = Exploration(copy.deepcopy(self.scenario), self.model, self.weaken, self.limit, self.lines)
        if exploration.checksum() != self.checksum:
            raise NotTheSame(
                f"{type(self.scenario).__name__}.setup leaves different bytes each time, so workers cannot share the "
                "search. Use no clock, random number or address of a Python object in setup"
            )
        exploration.cells.words |= self.words
        exploration.cells.pairs |= self.pairs
        exploration.prepare()
        return exploration


class _Kept(local):
    """A worker's exploration, kept so that the next part finds its trees already grown."""

    name = ""
    exploration: Exploration


_kept = _Kept()


@dataclass(frozen=True)
class Found:
    """The result of a part.

    Attributes:
        tally: the executions.
        left: seeds of what was not searched.
        runs, sites: for each thread, the runs of its function and the sites that its tree knows.
        new: all atomic cells, as words and pairs, if the part met a new one. The rest is then void.
    """

    tally: Tally
    left: tuple[Seed, ...]
    runs: tuple[int, ...]
    sites: tuple[dict[str, tuple[str, Order]], ...]
    new: tuple[frozenset[int], frozenset[int]] | None = None


class _Planted:
    """A seed and the exploration in which it grows."""

    def __init__(self, seed: Seed, exploration: Exploration) -> None:
        self.seed = seed
        self._exploration = exploration

    def grown(self) -> Iterator[Graph | Branch]:
        """Yield the graph or branch that the seed records."""
        yield self.seed.sown(self._exploration.empty())


def _written(item: Graph | Grows) -> Seed:
    """Return the seed of an item left on a stack. A planted seed has not grown, so it is returned as it is."""
    if isinstance(item, _Planted):
        return item.seed
    assert isinstance(item, Graph | Branch)
    return Seed.of(item)


@ticking()
def search_part(job: Job, seeds: tuple[Seed, ...], turns: int, most: int | None) -> Found:
    """Search from some seeds. Workers run this function.

    Args:
        job: the exploration.
        seeds: where to begin; the last is searched first.
        turns: the turns after which to stop and return the rest.
        most: the executions after which to do the same; None: no limit.
    """
    if _kept.name != job.name:
        _kept.name, _kept.exploration = "", job.made_ready()
        _kept.name = job.name
    exploration = _kept.exploration
    trees = exploration.start.trees
    before = [tree.runs for tree in trees]
    collector = Collector(exploration, "", most, job.patience, None)
    stack: list[Graph | Grows] = [_Planted(seed, exploration) for seed in seeds]
    new = None
    try:
        for graph in search(stack, collector.broken, turns):
            collector.execution(graph)
            if collector.enough:
                break
        exploration.confirm()
    except NewCell:
        _kept.name, stack = "", []
        new = frozenset(exploration.cells.words), frozenset(exploration.cells.pairs)
    left = tuple(map(_written, stack))
    runs = tuple(tree.runs - earlier for tree, earlier in zip(trees, before, strict=True))
    return Found(collector.tally, left, runs, tuple(dict(tree.sites) for tree in trees), new)


def spread(exploration: Exploration, scenario: Scenario, collector: Collector, executor: Executor) -> bool:
    """Search for all executions, first here and then in workers, and return whether the search was completed.

    Args:
        exploration: the prepared exploration.
        scenario: the scenario as it was before the exploration set it up.
        collector: the collector to which executions are added.
        executor: where the workers run.

    Raises:
        NewCell: if a new atomic cell was met, so that the exploration must begin anew.
        ValueError: if the scenario cannot be sent.
        NotTheSame: if the scenario behaves differently in a worker.
    """
    stack: list[Graph | Grows] = [exploration.empty()]
    for graph in search(stack, collector.broken, HERE):
        collector.execution(graph)
        if collector.enough:
            return False
    if not stack:
        return True
    return _Dealer(exploration, scenario, collector, executor).deal(tuple(map(_written, stack)))


class _Dealer:
    """Submits parts to the executor and collects their results."""

    def __init__(self, exploration: Exploration, scenario: Scenario, collector: Collector, executor: Executor) -> None:
        self._exploration = exploration
        self._collector = collector
        self._executor = executor
        self._job = Job.of(exploration, scenario, collector.patience)
        self._parts: list[tuple[Seed, ...]] = []
        self._under_way: dict[Future[Found], int | None] = {}  # with the number of executions that each may count
        self._back: SimpleQueue[Future[Found]] = SimpleQueue()

    def deal(self, left: tuple[Seed, ...]) -> bool:
        """Search all that is left and return whether the search was completed."""
        self._cut(left)
        try:
            while (self._parts or self._under_way) and not self._collector.enough:
                while self._parts and len(self._under_way) < UNDER_WAY and self._allowed() != 0:
                    self._hand_in(self._parts.pop())
                future = self._back.get()
                del self._under_way[future]
                self._take(self._result(future))
        finally:
            self._give_up()
        return not self._collector.enough

    def _give_up(self) -> None:
        """Cancel the parts that are not yet begun.

        A pool of processes is told of them only at its next result. If it is shut down before that, it waits for them
        for ever in some versions of Python (3.11.2 is one), so wait here. A broken pool never gets another result.
        """
        cancelled = [future for future in self._under_way if future.cancel()]
        if isinstance(self._executor, ProcessPoolExecutor) and not isinstance(sys.exception(), BrokenExecutor):
            wait(cancelled)

    def _cut(self, left: tuple[Seed, ...]) -> None:
        """Divide seeds into parts. Each gets some from the bottom of the stack, where the large subtrees are."""
        self._parts.extend(hand for at in range(HANDS) if (hand := left[at::HANDS]))

    def _allowed(self) -> int | None:
        """Return how many more executions new parts may count; None: any number."""
        most = self._collector.most
        if most is None:
            return None
        promised = sum(allowed or 0 for allowed in self._under_way.values())
        return max(0, most - self._collector.tally.executions - promised)

    def _hand_in(self, seeds: tuple[Seed, ...]) -> None:
        """Submit a part."""
        allowed = self._allowed()
        most = min(allowed, TURNS) if allowed is not None else None
        future = self._executor.submit(search_part, self._job, seeds, TURNS, most)
        self._under_way[future] = most
        future.add_done_callback(self._back.put)

    def _result(self, future: Future[Found]) -> Found:
        """Return the result of a part. Raise ``ValueError`` if it failed because the scenario cannot be pickled."""
        try:
            return future.result()
        except Exception:
            scenario = self._job.scenario
            try:
                pickle.dumps(scenario)
            except Exception as reason:
                raise ValueError(
                    f"the scenario “{scenario.name}” cannot be sent to other processes: {reason}. Define its class at "
                    "the top level of a module and let it hold only objects that can be pickled, or leave executor out"
                ) from None  # the reason says what the pool's own error does
            raise

    def _take(self, found: Found) -> None:
        """Add the result of a part. Raise ``NewCell`` if the part met a new atomic cell."""
        if found.new is not None:
            words, pairs = found.new
            self._exploration.cells.words |= words
            self._exploration.cells.pairs |= pairs
            raise NewCell
        for tree, runs, sites in zip(self._exploration.start.trees, found.runs, found.sites, strict=True):
            tree.runs += runs
            tree.sites |= sites
        self._cut(found.left)
        self._collector.merge(found.tally)
