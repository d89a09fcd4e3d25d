"""An exploration: a scenario that is set up, and the verdicts on its executions (§2.2).

    prepare    make a tree for each thread
    empty      return the execution in which nothing has happened
    verdict    judge an execution that has ended: its outcome, or its failure

The exploration learns which cells are atomic as it runs. When it meets a new one, it raises
``NewCell``, and the caller calls ``prepare`` and starts again.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Hashable, Iterator, Mapping
from threading import Lock

from ...allocator import Parts
from ...atomics import Atomics, Order
from ..executions.event import Event
from ..executions.graph import Graph
from ..executions.models import MODELS
from ..executions.start import Start
from ..findings.naming import named_error
from ..findings.result import Outcome, frozen
from ..findings.telling import Teller
from ..schedules.playing import pass_quiet
from ..schedules.schedule import ScheduleError
from ..threads.misuse import WrongUse, asked, demand_attributes, demand_order
from ..threads.ops import DONE, WAIT
from ..threads.scenario import Place, Scenario, ThreadCode
from ..threads.segment import Cells
from ..threads.tree import ThreadTree
from ..threads.watching import LINES
from .alone import go_alone

__all__ = ["Exploration"]


class Exploration:
    """One scenario under one model.

    Attributes:
        scenario: a copy of the given scenario, set up.
        memory, lock: those of the scenario's place.
        names, code: the threads' names and functions, by lane.
        cells: the cells known to be atomic.
        limit, lines: the most steps of one thread, and the most lines that it runs between two accesses.
    """

    def __init__(
        self, scenario: Scenario, model: str, weaken: dict[str, Order], limit: int, lines: int = LINES
    ) -> None:
        if model not in MODELS:
            raise ValueError(f"there is no memory model “{model}”; choose one of {', '.join(MODELS)}")
        demand_attributes(scenario)
        self._untouched = _copied(scenario)
        self.scenario = copy.copy(scenario)
        self.model = model
        self.weaken = weaken
        self.limit = limit
        self.lines = lines
        self.cells = Cells()
        self.memory = asked(self.scenario.memory)
        self.lock = Lock()
        self._place = Place(self.memory, Atomics(self.memory, self.lock))
        asked(self.scenario.setup, self._place)
        self._image = bytes(self.memory.space.buffer[:])
        threads = asked(self.scenario.threads)
        _demand_threads(self.scenario, threads)
        self.names = tuple(threads)
        self.code = tuple(_with_parts(run, self.scenario.parts) for run in threads.values())

    def prepare(self) -> None:
        """Begin anew with the atomic cells that are known so far."""
        trees = [
            ThreadTree(name, run, self.memory, self.cells, self.weaken, self.limit, self.lines)
            for name, run in zip(self.names, self.code, strict=True)
        ]
        self.start = Start(self._image, trees, self.cells, self.scenario.fresh)

    def empty(self) -> Graph:
        """Return the execution in which nothing has happened yet."""
        return MODELS[self.model](self.start).begin()

    def rehearse(self) -> None:
        """Let each thread run alone, the last one first; the search runs the first one first.

        A thread that depends on what another one left outside of the memory will then not do the same.

        Raises:
            NotRepeatable: if a thread does not do the same after the same reads.
        """
        for tree in reversed(self.start.trees):
            go_alone(tree, self.start)
        for lane, tree in enumerate(self.start.trees):
            if self._untouched is not None:
                tree.compare(self._code_alone(self._untouched, lane))
        self._untouched = None

    def _code_alone(self, scenario: Scenario, lane: int) -> ThreadCode:
        """Return a thread's code from a copy of the scenario in which no thread has run."""
        twin = copy.deepcopy(scenario)
        memory = asked(twin.memory)
        asked(twin.setup, Place(memory, Atomics(memory, Lock())))
        return _with_parts(list(asked(twin.threads).values())[lane], twin.parts)

    def confirm(self) -> None:
        """Repeat what the threads did where nothing repeated it yet.

        Raises:
            NotRepeatable: if a thread does not do the same after the same reads.
        """
        for tree in self.start.trees:
            tree.confirm()

    def checksum(self) -> str:
        """Return a checksum of the memory after set-up."""
        return hashlib.sha256(self._image).hexdigest()

    def teller(self) -> Teller:
        """Return a teller of this exploration's executions."""
        return Teller(self.scenario, self.memory, self.names, self.model, tuple(self.weaken.items()))

    def verdict(self, graph: Graph) -> Outcome | tuple[str, str] | None:
        """Judge an execution that has ended. Return its outcome, its failure as kind and detail, or None if unfair.

        An unfair execution leaves a thread waiting although the new value is stored, which it will see in time.

        Raises:
            ScheduleError: if a thread could continue.
        """
        for thread in range(len(self.names)):
            pass_quiet(graph, thread)
        if graph.enabled():
            names = ", ".join(self.names[thread] for thread in graph.enabled())
            raise ScheduleError(f"the schedule ends, and {names} could continue; give them turns as well")
        if graph.stuck:
            return self._stuck(graph)
        results = tuple(node.op.values[0] for node in graph.nodes if node.op.kind == DONE)
        return self.judged(graph.latest(), results)

    def judged(self, image: bytes, results: tuple[Hashable, ...]) -> Outcome | tuple[str, str]:
        """Let the scenario judge the final memory and the results."""
        self.memory.space.buffer[:] = image
        counted = frozen(results)
        assert isinstance(counted, tuple)
        if any(mine is not result for mine, result in zip(counted, results, strict=True)):
            results = copy.deepcopy(results)  # the tree keeps the result of a thread, so no judge may change it
        try:
            return Outcome(counted, frozen(self.scenario.judge(self._place, results)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit as well: the judge ends no search
            return named_error(error)

    def _stuck(self, graph: Graph) -> tuple[str, str] | None:
        """Return a deadlock, or None if a waiting thread has not seen the newest value."""
        waits = [graph.events[thread][-1] for thread in sorted(graph.stuck)]
        if any(not wait.op.partial and graph.writes(wait.op.cell)[-1] is not wait.source for wait in waits):
            return None
        if any(_has_news(graph, read) for wait in waits for read in _turn(graph, wait)):
            return None
        return self.deadlock({wait.thread: wait.op.address for wait in waits})

    def deadlock(self, waits: Mapping[int, int]) -> tuple[str, str]:
        """Return a deadlock, which says which threads wait for which words."""
        lines = [
            f"{self.names[lane]} waits for {asked(self.scenario.field, word)} to change" for lane, word in waits.items()
        ]
        return "deadlock", "; ".join(lines)

    def demand_sites(self) -> None:
        """Raise ``ValueError`` if a site in ``weaken`` does not exist, since a misspelt name would weaken nothing."""
        unknown = set(self.weaken) - {site for tree in self.start.trees for site in tree.sites}
        if unknown:
            known = ", ".join(sorted({site for tree in self.start.trees for site in tree.sites}))
            raise ValueError(f"no thread reaches {', '.join(sorted(unknown))}; sites are {known}")
        kinds = {site: kind for tree in self.start.trees for site, (kind, _) in tree.sites.items()}
        for site, order in self.weaken.items():
            try:
                demand_order(kinds[site], order)
            except WrongUse as error:
                raise ValueError(f"{site} is to be weakened: {error}") from None


def _turn(graph: Graph, wait: Event) -> Iterator[Event]:
    """Yield what a thread that spins read in the turn before."""
    if wait.op.again is None or (wait.op.kind == WAIT and wait.op.run(wait.value)[0] == wait.op.values[0]):
        return
    for event in reversed(graph.events[wait.thread][:-1]):
        if event.kind == "R":
            yield event
            if event.op is wait.op.again:
                return


def _has_news(graph: Graph, read: Event) -> bool:
    """Return whether the newest value of a word is not the one that was read."""
    if read.op.partial:
        return False  # whatever changed it later, would race with the read
    assert read.source is not None
    return graph.writes(read.op.cell)[-1].effect is not read.source.effect


def _copied(scenario: Scenario) -> Scenario | None:
    """Return a copy that shares nothing with the scenario, or None if it holds what cannot be copied."""
    try:
        return copy.deepcopy(scenario)
    except Exception:  # any that an object raises which cannot be copied
        return None


def _demand_threads(scenario: Scenario, threads: object) -> None:
    """Refuse what ``threads`` returns if it is not functions by name."""
    where = f"{type(scenario).__name__}.threads"
    if not isinstance(threads, Mapping):
        raise ValueError(f"{where} returns {threads!r}; return a function for each thread, by the thread's name")
    for name, run in threads.items():
        if not isinstance(name, str):
            raise ValueError(f"{where}: {name!r} is not the name of a thread, which is a text")
        if not callable(run):
            raise ValueError(f"{where}: thread {name} is {run!r}, not a function of a place")


def _with_parts(run: ThreadCode, parts: Parts) -> ThreadCode:
    """Return a thread's code that runs in a place with these parts."""

    def code(place: Place) -> Hashable:
        place.parts = parts
        return run(place)

    return code
