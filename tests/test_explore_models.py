"""The explorer against the naive enumerator, which shares no code with it: every execution, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Scenario, ThreadCode
from pysnmalloc.explore.executions.broken import Broken
from pysnmalloc.explore.executions.event import Event
from pysnmalloc.explore.executions.graph import Graph
from pysnmalloc.explore.executions.rc11 import RC11
from pysnmalloc.explore.scenarios.litmus import LITMUS, MODELS, Fence, Litmus
from pysnmalloc.explore.scenarios.programs import LitmusScenario
from pysnmalloc.explore.search.exploration import Exploration
from pysnmalloc.explore.search.search import search
from pysnmalloc.explore.threads.segment import NewCell

from . import naive_models
from .random_litmus import random_litmus, seq_cst_litmus

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


def test_random_programs_with_much_of_seq_cst_have_the_executions_of_the_naive_enumerator() -> None:
    assert sum(compare(seq_cst_litmus(seed), "rc11") for seed in range(150)) > 1000


class Adds(Scenario):
    """Two threads that add to words of their own, SEQ_CST as learners write it."""

    name = "adds"

    def __init__(self, length: int) -> None:
        self.length = length

    def threads(self) -> Mapping[str, ThreadCode]:
        return {"A": self.adding(64), "B": self.adding(128)}

    def adding(self, address: int) -> ThreadCode:
        def add(place: Place) -> Hashable:
            return [place.atomics.fetch_add(address, 1, Order.SEQ_CST) for _ in range(self.length)][-1]

        return add


class Shared(Adds):
    """The same on one word, in one execution: B adds when A has ended."""

    def adding(self, address: int) -> ThreadCode:
        def add(place: Place) -> Hashable:
            if address == 128:
                place.wait(192, 0, Order.SEQ_CST)
            last = [place.atomics.fetch_add(64, 1, Order.SEQ_CST) for _ in range(self.length)][-1]
            place.atomics.store(192, 1, Order.SEQ_CST)
            return last

        return add


def steps(scenario: Scenario) -> list[int]:
    """How many sets of events were joined for each execution of a scenario."""
    exploration = Exploration(scenario, "rc11", {}, 1000)
    while True:
        exploration.prepare()
        try:
            found = list(search([exploration.empty()], lambda _: None))
        except NewCell:
            continue
        assert all(isinstance(graph, RC11) for graph in found)
        return [graph.seq_cst.steps for graph in found if isinstance(graph, RC11)]


@pytest.mark.parametrize("kind", [Adds, Shared])
def test_the_cost_of_seq_cst_grows_with_the_square_of_the_length_at_most(kind: type[Adds]) -> None:
    short, middle, long = (max(steps(kind(length))) for length in (10, 20, 40))
    assert 0 < middle <= 4.2 * short
    assert 0 < long <= 4.2 * middle


def test_fences_count_as_instructions() -> None:
    """The comparison above numbers instructions by events; relaxed fences are events too."""
    fenced = next(litmus for litmus in LITMUS if any(isinstance(i, Fence) for t in litmus.threads for i in t))
    graph = graphs(fenced, "rc11")[0]
    assert [len([e for e in events if not e.changes]) for events in graph.events] == [
        len(program) for program in fenced.threads
    ]
