"""The explorer against the naive enumerator, which shares no code with it: every execution, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Scenario, ThreadCode, explore
from pysnmalloc.explore.executions.broken import Broken
from pysnmalloc.explore.executions.event import Event
from pysnmalloc.explore.executions.graph import Graph
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


@pytest.mark.parametrize("model", MODELS)
def test_random_programs_with_much_of_seq_cst_have_the_executions_of_the_naive_enumerator(model: str) -> None:
    assert sum(compare(seq_cst_litmus(seed), model) for seed in range(150)) > 1000


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


def test_a_lone_seq_cst_event_is_in_order_with_itself() -> None:
    """Halves are coherent each by itself: the cycle of psc that is a lone fence counts once there is a second event."""
    seen = {
        alone: {o.results[1] for o in explore(AcrossAFence(alone=alone), "rc11").outcomes} for alone in (True, False)
    }
    assert seen[False] == {(0, 0), (0, 1), (1, 1)}
    assert seen[True] == {*seen[False], (1, 0)}


def test_fences_count_as_instructions() -> None:
    """The comparison above numbers instructions by events; relaxed fences are events too."""
    fenced = next(litmus for litmus in LITMUS if any(isinstance(i, Fence) for t in litmus.threads for i in t))
    graph = graphs(fenced, "rc11")[0]
    assert [len([e for e in events if not e.changes]) for events in graph.events] == [
        len(program) for program in fenced.threads
    ]
