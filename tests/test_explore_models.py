"""The explorer against the naive enumerator, which shares no code with it: every execution, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping

import pytest

from pysnmalloc.atomics import Atomics, Order
from pysnmalloc.explore import Place, Scenario, ThreadCode, explore
from pysnmalloc.explore.executions.broken import Broken
from pysnmalloc.explore.executions.event import Event
from pysnmalloc.explore.executions.graph import Graph
from pysnmalloc.explore.scenarios.litmus import LITMUS, MODELS, Exchange, Fence, Litmus, Load, Store, Threads
from pysnmalloc.explore.scenarios.programs import LitmusScenario
from pysnmalloc.explore.search.exploration import Exploration
from pysnmalloc.explore.search.search import search
from pysnmalloc.explore.threads.segment import NewCell

from . import naive_models
from .random_litmus import other_orders, random_litmus, seq_cst_litmus

pytestmark = pytest.mark.same_everywhere

RLX, REL = Order.RELAXED, Order.RELEASE
LITMUS_BY_NAME = {litmus.name: litmus for litmus in LITMUS}


def unexpected(broken: Broken) -> None:
    """Litmus tests have nothing that could break."""
    raise broken


def graphs(litmus: Litmus, model: str) -> list[Graph]:
    """All executions that the reduced search visits."""
    exploration = Exploration(LitmusScenario(litmus), model, {}, 100)
    while True:
        exploration.prepare()
        try:
            return list(search([exploration.empty()], unexpected))
        except NewCell:
            continue


def as_naive(graph: Graph, litmus: Litmus) -> naive_models.Execution:
    """The same execution in the naive enumerator's words: instructions instead of events."""
    scenario = LitmusScenario(litmus)
    names = dict(scenario.fields)
    instruction: dict[Event, tuple[int, int]] = {}
    threads = []
    for thread, events in enumerate(graph.events):
        rows: list[naive_models.Event] = []
        numbers = [at for at, each in enumerate(litmus.threads[thread])]
        for event in events:
            if not event.changes:
                instruction[event] = (thread, numbers[len(rows)])
                rows.append(_row(event, names))
            else:
                instruction[event] = (thread, numbers[len(rows) - 1])
                rows[-1] = rows[-1]._replace(kind="update", written=_int(event))
        threads.append((events, rows))
    sources: dict[Event | None, naive_models.Write] = {}
    for event, name in instruction.items():
        sources[event] = name
    full = tuple(tuple(_with_sources(events, rows, sources)) for events, rows in threads)
    orders = tuple(
        tuple(sources[write] for write in graph.mo.get(address, ())[1:])
        for address in sorted(names, key=lambda at: names[at])
    )
    return naive_models.Execution(full, orders)


def _int(event: Event) -> int:
    assert isinstance(event.value, int)
    return event.value


def _row(event: Event, names: dict[int, str]) -> naive_models.Event:
    if event.kind == "F":
        return naive_models.Event("fence", None, None, None)
    location = names[event.op.cell]
    if event.kind == "R":
        return naive_models.Event("load", location, None, "init")
    return naive_models.Event("store", location, _int(event), None)


def _with_sources(
    events: list[Event], rows: list[naive_models.Event], names: dict[Event | None, naive_models.Write]
) -> list[naive_models.Event]:
    first = [event for event in events if not event.changes]
    return [
        row._replace(source=names.get(event.source, "init")) if event.kind == "R" else row
        for event, row in zip(first, rows, strict=True)
    ]


def compare(litmus: Litmus, model: str) -> int:
    """Demand that search and enumerator find the same executions, each once; return how many."""
    found: Counter[Hashable] = Counter(as_naive(graph, litmus) for graph in graphs(litmus, model))
    assert set(found) == set(naive_models.executions(litmus, model))
    assert max(found.values()) == 1, "an execution was visited twice"
    return len(found)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", LITMUS_BY_NAME)
def test_litmus_tests_have_the_executions_of_the_naive_enumerator(name: str, model: str) -> None:
    litmus = LITMUS_BY_NAME[name]
    compare(litmus, model)
    seen = any(litmus.matches(naive_models.outcome(as_naive(graph, litmus))) for graph in graphs(litmus, model))
    assert seen == (model in litmus.allowed)


@pytest.mark.parametrize("model", MODELS)
def test_random_programs_have_the_executions_of_the_naive_enumerator(model: str) -> None:
    assert sum(compare(random_litmus(seed), model) for seed in range(120)) > 1000


@pytest.mark.parametrize("model", MODELS)
def test_random_programs_with_much_of_seq_cst_have_the_executions_of_the_naive_enumerator(model: str) -> None:
    assert sum(compare(seq_cst_litmus(seed), model) for seed in range(150)) > 1000


MIXED = ("W+RWC+sc", "W+RWC+sc+loc", "Z6.U", "SB+rfis", "RWC+F.sc+sc", "RELSEQ+rmw", "RELSEQ+store")


@pytest.mark.parametrize("model", ["cpp20", "rc11"])
@pytest.mark.parametrize("name", MIXED)
def test_programs_of_mixed_orders_have_the_executions_of_the_naive_enumerator(name: str, model: str) -> None:
    """What a release sequence or the order of SEQ_CST decides is rare in random programs, and frequent near these."""
    for seed in range(40):
        compare(other_orders(LITMUS_BY_NAME[name], seed), model)


# Counts that others published of programs with branches, which the enumerator does not know.

X, Y = 64, 128
Step = Callable[[Atomics], object]


class Published(Scenario):
    """A program of the literature: each thread is a function of the atomic operations."""

    name = "published"

    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def threads(self) -> Mapping[str, ThreadCode]:
        return {f"P{at}": self._follow(step) for at, step in enumerate(self.steps)}

    def _follow(self, step: Step) -> ThreadCode:
        def run(place: Place) -> None:
            step(place.atomics)

        return run


def twice(atomics: Atomics) -> None:
    """Store the message, and the flag twice: by release, and then relaxed."""
    atomics.store(X, 1, Order.RELAXED)
    atomics.store(Y, 0, Order.RELEASE)
    atomics.store(Y, 1, Order.RELAXED)


def guarded(least: int, then: Step, *, fence: bool) -> Step:
    """Acquire the flag, and do something if it is at least this."""

    def run(atomics: Atomics) -> None:
        if atomics.load(Y, Order.RELAXED if fence else Order.ACQUIRE) >= least:
            if fence:
                atomics.fence(Order.ACQUIRE)
            then(atomics)

    return run


def load(atomics: Atomics) -> None:
    atomics.load(X, Order.RELAXED)


def store(atomics: Atomics) -> None:
    atomics.store(X, 2, Order.RELAXED)


def add(atomics: Atomics) -> None:
    atomics.fetch_add(Y, 1, Order.RELAXED)


def swap(expected: int) -> Step:
    return lambda atomics: atomics.compare_exchange(Y, expected, expected + 1, Order.RELAXED)


@pytest.mark.parametrize("fence", [False, True], ids=["acquire load", "acquire fence"])
@pytest.mark.parametrize(
    ("name", "between", "least", "then", "old", "new"),
    [
        ("MP+rels", (), 1, load, 3, 4),
        ("S+rels", (), 1, store, 3, 4),
        ("MPU+rels", (add,), 2, store, 12, 13),
        ("MPU2+rels", (swap(2), swap(1)), 3, store, 35, 36),
    ],
)
def test_a_release_store_before_a_relaxed_one_has_the_published_counts(
    name: str, between: tuple[Step, ...], least: int, then: Step, old: int, new: int, fence: bool
) -> None:
    program = Published(twice, *between, guarded(least, then, fence=fence))
    assert explore(program, "rc11").executions == old, name
    assert explore(program, "cpp20").executions == explore(program).executions == new, name


def test_programs_without_branches_have_the_published_counts() -> None:
    acq_rel = Fence(Order.ACQ_REL)
    flag = (Store("x", 1, RLX), Store("y", 1, REL), Store("y", 2, RLX))
    relseq = (flag, (Exchange("y", 3, RLX),), (Load("y", RLX), acq_rel, Load("x", RLX)))
    assert counts(relseq) == {"cpp20": 20, "rc11": 16}
    assert counts(LITMUS_BY_NAME["W+RWC+sc+loc"].threads) == {"cpp20": 17, "rc11": 18}
    assert counts(LITMUS_BY_NAME["Z6.U"].threads) == {"cpp20": 24, "rc11": 24}
    assert counts(LITMUS_BY_NAME["SB+rfis"].threads) == {"cpp20": 4, "rc11": 4}


def counts(threads: Threads) -> dict[str, int]:
    """The executions under both models of C++, by the explorer and by the enumerator."""
    results = (tuple(None for each in thread if not isinstance(each, Store | Fence)) for thread in threads)
    litmus = Litmus("counted", "", threads, (*results, (None, None)), frozenset())
    return {model: compare(litmus, model) for model in ("cpp20", "rc11")}


class AcrossAFence(Scenario):
    """A thread reads the halves of a cell, with a fence between, while another one writes both at once."""

    name = "halves"

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"writer": self.write, "reader": self.read}

    def write(self, place: Place) -> Hashable:
        return place.atomics.compare_exchange_2(64, (0, 0), (1, 1), Order.RELAXED)[0]

    def read(self, place: Place) -> Hashable:
        first = place.atomics.load(64, Order.RELAXED)
        place.atomics.fence(Order.SEQ_CST)
        second = place.atomics.load(72, Order.RELAXED)
        if not self.alone:
            place.atomics.store(128, 1, Order.SEQ_CST)
        return first, second


@pytest.mark.parametrize("model", ["cpp20", "rc11"])
def test_a_lone_seq_cst_event_is_in_order_with_itself(model: str) -> None:
    """Halves are coherent each by itself: the cycle that is a lone fence counts once there is a second event."""
    seen = {
        alone: {o.results[1] for o in explore(AcrossAFence(alone=alone), model).outcomes} for alone in (True, False)
    }
    assert seen[False] == {(0, 0), (0, 1), (1, 1)}
    assert seen[True] == {*seen[False], (1, 0)}


def test_fences_count_as_instructions() -> None:
    """The comparison above numbers instructions by events; relaxed fences are events too."""
    fenced = next(litmus for litmus in LITMUS if any(isinstance(i, Fence) for t in litmus.threads for i in t))
    graph = graphs(fenced, "cpp20")[0]
    assert [len([e for e in events if not e.changes]) for events in graph.events] == [
        len(program) for program in fenced.threads
    ]
