"""Subtrees searched elsewhere: whatever the executor, the result is that of a search without."""

from __future__ import annotations

import itertools
import multiprocessing
import pickle
from collections.abc import Callable, Hashable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from functools import cache
from typing import ParamSpec, Self, TypeVar

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Result, Scenario, Wrong, explore, replay
from pysnmalloc.explore.executions.graph import Graph
from pysnmalloc.explore.scenarios import SCENARIOS
from pysnmalloc.explore.scenarios.queue import QueueScenario
from pysnmalloc.explore.search import parallel
from pysnmalloc.explore.search.exploration import Exploration
from pysnmalloc.explore.search.search import Branch, Grows, search
from pysnmalloc.explore.search.seeds import NotTheSame, Seed
from pysnmalloc.explore.threads.scenario import ThreadCode
from pysnmalloc.explore.threads.segment import NewCell

P = ParamSpec("P")
T = TypeVar("T")
MODELS = ("sc", "tso", "cpp20", "rc11")
EVER = 1 << 60
NAMES = ("queue-2x2", "queue-split", "stack", "stack-untagged", "append", "deadlock", "too-early", "home")


class Here(Executor):
    """Runs what is submitted at once, in the thread that submits it: an executor as simple as there can be."""

    def __init__(self) -> None:
        self.submitted = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        self.submitted += 1
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module", params=["1 process", "2 processes", "1 thread", "2 threads", "here"])
def pool(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Executors of the standard library, and one of our own."""
    count, _, kind = request.param.partition(" ")
    if kind.startswith("process"):
        made: Executor = ProcessPoolExecutor(int(count), multiprocessing.get_context("spawn"))
    else:
        made = ThreadPoolExecutor(int(count)) if kind else Here()
    with made:
        yield made


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts so small that even small explorations have many."""
    monkeypatch.setattr(parallel, "HERE", 4)
    monkeypatch.setattr(parallel, "TURNS", 40)


def essence(result: Result) -> tuple[object, ...]:
    """What must not depend on where the search was."""
    return (
        (result.executions, result.classes, result.unfair, result.exhausted, result.verdict, result.outcomes),
        [(finding.kind, len(finding.steps)) for finding in result.findings],
    )


@cache
def alone(name: str, model: str) -> Result:
    """A search without executor."""
    return explore(SCENARIOS[name], model, steps=20, patience=EVER)


def test_the_result_is_that_of_a_search_without_executor(pool: Executor) -> None:
    """Under all models in processes, which are sent the model with each part, and under the default one elsewhere."""
    models = MODELS if isinstance(pool, ProcessPoolExecutor) else ("cpp20",)
    for name, model in itertools.product(NAMES, models):
        scenario = SCENARIOS[name]
        spread = explore(scenario, model, steps=20, patience=EVER, executor=pool)
        assert essence(spread) == essence(alone(name, model)), (name, model)
        for finding in spread.findings:
            again = replay(scenario, finding.schedule, model)
            assert again is not None
            assert (again.kind, again.steps) == (finding.kind, finding.steps)


def test_weakened_orders_are_weakened_elsewhere_too(pool: Executor) -> None:
    weaken = {"MessageQueue.enqueue exchange": Order.RELAXED}
    expected = essence(explore(SCENARIOS["queue"], weaken=weaken, patience=EVER))
    spread = explore(SCENARIOS["queue"], weaken=weaken, patience=EVER, executor=pool)
    assert essence(spread) == expected
    assert spread.findings


def test_parts_are_dealt_out_and_the_result_is_the_same_each_time() -> None:
    executor = Here()
    first = explore(SCENARIOS["queue-split"], executor=executor)
    assert executor.submitted > 5
    with ThreadPoolExecutor(3) as threads:
        again = explore(SCENARIOS["queue-split"], executor=threads)
    assert again.findings == first.findings  # the same schedule, not just of the same length


def test_a_small_exploration_never_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "HERE", 64)
    executor = Here()
    assert explore(SCENARIOS["lost-update"], "sc", executor=executor).classes == 4
    assert executor.submitted == 0


# Limits.


def test_limits_hold_elsewhere() -> None:
    queue = SCENARIOS["queue-2x2"]
    every = explore(queue).executions
    for most in (1, 50, every - 1):
        cut = explore(queue, executions=most, executor=Here())
        assert (cut.executions, cut.exhausted) == (most, False)
    with ThreadPoolExecutor(2) as threads:
        assert explore(queue, executions=50, executor=threads).executions == 50


def test_patience_ends_the_search_when_nothing_shorter_comes() -> None:
    split = SCENARIOS["queue-split"]
    every = explore(split, patience=EVER).executions
    short = explore(split, patience=1, executor=Here())
    assert short.findings
    assert not short.exhausted
    assert short.executions < every


class Remembering(ProcessPoolExecutor):
    """A pool of one process that remembers what was submitted."""

    def __init__(self) -> None:
        super().__init__(1, multiprocessing.get_context("spawn"))
        self.submitted: list[Future[object]] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future = super().submit(fn, *args, **kwargs)
        self.submitted.append(future)  # type: ignore[arg-type]
        return future


class Enough(Exception):
    """Raised by a report of progress, as Ctrl-C may be."""


def test_no_part_is_left_when_a_search_ends_early() -> None:
    """The pool knows of all that was cancelled: if not, it may wait for it for ever when it is shut down."""

    def report(_: int) -> None:
        if len(one.submitted) > 10:
            raise Enough

    with Remembering() as one:
        with pytest.raises(Enough):
            explore(SCENARIOS["queue-2x2"], steps=20, patience=EVER, executor=one, progress=report)
        cancelled = [each for each in one.submitted if each.cancelled()]
        assert cancelled
        assert not wait(cancelled, timeout=0).not_done


def test_progress_is_told_as_parts_come_back() -> None:
    told: list[int] = []
    result = explore(SCENARIOS["queue-2x2"], executor=Here(), progress=told.append)
    assert len(told) > 2
    assert told == sorted(told)
    assert told[-1] == result.executions


# Seeds.


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["queue-published", "stack-untagged", "append"])
def test_a_seed_grows_into_what_it_was_taken_from(name: str, model: str) -> None:
    """All that lies on the search's stack at any time, written down and built again in another exploration."""
    there, here = (learned(SCENARIOS[name], model) for _ in range(2))
    stack: list[Graph | Grows] = [there.empty()]
    compared = 0
    while stack:
        for item in stack[-3:]:
            assert isinstance(item, Graph | Branch)
            seed = pickle.loads(pickle.dumps(Seed.of(item)))
            again = seed.sown(here.empty())
            assert shape(again) == shape(item)
            compared += 1
        for _ in search(stack, lambda _: None, 1):
            pass
    assert compared > 20


def learned(scenario: Scenario, model: str) -> Exploration:
    """An exploration that knows its cells."""
    exploration = Exploration(scenario, model, {}, 500)
    while True:
        exploration.prepare()
        try:
            for _ in search([exploration.empty()], lambda _: None):
                pass
            return exploration
        except NewCell:
            continue


def shape(item: Graph | Branch) -> tuple[object, ...]:
    """A graph in all that the search goes by, and what is to be added."""
    graph = item if isinstance(item, Graph) else item.graph
    added = [(e.key, e.kind, e.value, e.stamp, e.number, e.porf, e.hb) for events in graph.events for e in events]
    rest = graph.stamp, graph.count, graph.latest(), sorted(graph.pending), graph.stuck
    if isinstance(item, Graph):
        return graph.canonical(), added, rest
    ways = [event and event.key for event in (item.source, item.back)]
    return graph.canonical(), added, rest, item.thread, item.place, ways


# What goes wrong with scenarios.


class Late(Scenario):
    """One cell is accessed atomically in few executions only, and plainly in others."""

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": self.count, "B": self.count, "C": self.look}

    def count(self, place: Place) -> Hashable:
        return tuple(place.atomics.fetch_add(64, 1, Order.RELAXED) for _ in range(3))

    def look(self, place: Place) -> Hashable:
        seen = [place.atomics.load(64, Order.RELAXED) for _ in range(3)]
        return place.atomics.fetch_add(128, 1, Order.RELAXED) if seen == [0, 3, 5] else tuple(seen)


def test_a_cell_that_is_met_elsewhere_begins_everything_anew(pool: Executor) -> None:
    assert essence(explore(Late(), "sc", executor=pool)) == essence(explore(Late(), "sc"))


class Counting(QueueScenario):
    """A scenario whose set-up depends on how often it was done."""

    made = itertools.count()

    def setup(self, place: Place) -> None:
        super().setup(place)
        place.memory.u64[1] = next(self.made)


def test_a_set_up_that_differs_each_time_is_refused() -> None:
    with pytest.raises(NotTheSame, match=r"Counting\.setup leaves different bytes each time"):
        explore(Counting("counting", ""), executor=Here())


class Whimsical(QueueScenario):
    """A scenario whose threads do something else when they are asked for again, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__("whimsical", "")
        self.asked: list[None] = []  # a list, which the explorer's shallow copies share
        self.times = times

    def __deepcopy__(self, _: object) -> Self:
        return self

    def threads(self) -> Mapping[str, ThreadCode]:
        threads = super().threads()
        self.asked.append(None)
        return threads if len(self.asked) <= self.times else dict.fromkeys(threads, lambda _: None)


def test_threads_that_differ_each_time_are_refused() -> None:
    """In this process as well, where each thread is compared with one of a copy."""
    with pytest.raises(NotTheSame, match="took another path"):
        explore(Whimsical(1 + len(Whimsical(1).threads())), executor=Here())
    assert [finding.kind for finding in explore(Whimsical(1)).findings] == ["not repeatable"]


def test_a_scenario_that_cannot_be_sent_is_refused_with_what_to_do(pool: Executor) -> None:
    class Local(QueueScenario):
        pass

    if isinstance(pool, ProcessPoolExecutor):
        with pytest.raises(ValueError, match=r"“local” cannot be sent to other processes: .*top level") as caught:
            explore(Local("local", ""), executor=pool)
        assert caught.value.__suppress_context__  # the pool's own error says nothing more
        assert caught.value.__cause__ is None
    else:
        assert explore(Local("local", ""), executor=pool).exhausted


class Judging(QueueScenario):
    """A judge that keeps what it sees in the scenario."""

    def __init__(self) -> None:
        super().__init__("judging", "")
        self.judged: list[str] = []

    def judge(self, place: Place, results: tuple[Hashable, ...]) -> Hashable:
        self.judged.append("x")
        if len(self.judged) > 2000:
            raise Wrong("shared", "others judge in the same list")
        return super().judge(place, results)


def test_workers_share_nothing_of_the_scenario() -> None:
    scenario = Judging()
    with ThreadPoolExecutor(2) as threads:
        assert explore(scenario, executor=threads).exhausted
    assert len(scenario.judged) <= 4, "only what is searched here may be judged in the scenario that was given"


def test_other_ways_through_are_refused() -> None:
    for how in ({"plain": True}, {"preemptions": 1}, {"random": 5}):
        with pytest.raises(ValueError, match="an executor explores one execution of each class; leave it out for"):
            explore(SCENARIOS["queue"], "sc", executor=Here(), **how)
    with pytest.raises(ValueError, match="no thread reaches Queue"):
        explore(SCENARIOS["queue-2x2"], weaken={"Queue": Order.RELAXED}, executor=Here())
