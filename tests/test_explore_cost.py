"""What an execution costs by its length: bytecodes of the room ``executions`` are counted, and nothing is timed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import pytest

from pysnmalloc.atomics import Order
from pysnmalloc.explore import Place, Scenario, ThreadCode
from pysnmalloc.explore.executions import psc
from pysnmalloc.explore.executions.graph import Graph
from pysnmalloc.explore.search.exploration import Exploration
from pysnmalloc.explore.threads.ops import FENCE
from pysnmalloc.explore.threads.segment import NewCell

pytestmark = pytest.mark.same_everywhere

if TYPE_CHECKING:
    from _typeshed import TraceFunction

MODELS = ("sc", "tso", "cpp20", "rc11")
LENGTHS = (10, 20, 40)
ROOM = str(Path(psc.__file__).parent)


class Threads(Scenario):
    """Each thread makes its steps so many times."""

    concepts = ()

    def __init__(self, count: int, *steps: Callable[[Place], None]) -> None:
        self.name = "counted"
        self.count = count
        self.steps = steps

    def threads(self) -> Mapping[str, ThreadCode]:
        return {f"T{number}": self._repeat(step) for number, step in enumerate(self.steps)}

    def _repeat(self, step: Callable[[Place], None]) -> ThreadCode:
        def run(place: Place) -> None:
            for _ in range(self.count):
                step(place)

        return run


def add(word: int) -> Callable[[Place], None]:
    """A step that adds to a word."""

    def step(place: Place) -> None:
        place.atomics.fetch_add(word, 1, Order.SEQ_CST)

    return step


def store(place: Place) -> None:
    place.atomics.store(64, 1, Order.SEQ_CST)


def load(place: Place) -> None:
    place.atomics.load(64, Order.SEQ_CST)


def fenced_store(place: Place) -> None:
    place.atomics.store(64, 1, Order.RELAXED)
    place.atomics.fence(Order.SEQ_CST)


def fenced_load(place: Place) -> None:
    place.atomics.fence(Order.SEQ_CST)
    place.atomics.load(64, Order.RELAXED)


def bytecodes_run(work: Callable[[], None]) -> int:
    """How many bytecodes of the room some work runs. Lines would hide the turns of a comprehension."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> TraceFunction | None:
        nonlocal count
        if not frame.f_code.co_filename.startswith(ROOM):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # the product has no counter, and pays for none
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def cost(scenario: Scenario, model: str, grow: Callable[[Graph], None]) -> int:
    """How many bytecodes it takes to grow an execution, once it is known which cells are atomic."""
    exploration = Exploration(scenario, model, {}, 1_000)
    while True:
        exploration.prepare()
        try:
            return bytecodes_run(lambda: grow(exploration.empty()))
        except NewCell:
            continue


def read_the_oldest(graph: Graph) -> None:
    """Let the first thread make all its steps, then the other, which reads the first value each time."""
    grow_through(graph, 0)
    assert {read.source for read in graph.reads[64]} == {graph.writes(64)[0]}


def read_the_newest(graph: Graph) -> None:
    """Let one thread after the other make all its steps, and read the last write each time."""
    grow_through(graph, -1)


def grow_through(graph: Graph, which: int) -> None:
    """Add everything, each read of the first or the last write that it may read; each write is the last of its cell."""
    while (thread := graph.next_thread()) >= 0:
        op = graph.nodes[thread].op
        if op.kind == FENCE:
            assert graph.add_fence(thread)
        elif op.reads and thread not in graph.pending:
            assert graph.add_read(thread, graph.sources(thread)[which])
        else:
            assert graph.add_write(thread, graph.places(thread)[-1])


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("steps", "grow"),
    [
        pytest.param((add(64), add(128)), read_the_newest, id="words of their own"),
        pytest.param((add(64), add(64)), read_the_newest, id="one word"),
        pytest.param((store, load), read_the_oldest, id="reads of the first value"),
        pytest.param((fenced_store, fenced_load), read_the_oldest, id="the same between fences"),
    ],
)
def test_an_execution_costs_at_most_the_square_of_its_length(
    steps: tuple[Callable[[Place], None], ...], grow: Callable[[Graph], None], model: str
) -> None:
    """Twice the length costs at most four times as much; a look at all pairs at each event would cost eight times."""
    costs = [cost(Threads(length, *steps), model, grow) for length in LENGTHS]
    assert costs[0] > 10_000, "nothing was counted"
    assert all(longer <= 4 * shorter for shorter, longer in pairwise(costs)), costs
