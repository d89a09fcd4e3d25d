"""Ways through the executions other than all of them: few preemptions, or by lot (§2.2).

A preemption is a change of thread while the one before could go on. Most bugs need
few. ``bounded`` goes through all executions with at most so many.

``random_walks`` draws the thread, what is read, and where is written, each step
anew. ``pct_walks`` draws priorities for the threads once, and d - 1 steps at which
the running one falls behind all others: a bug that takes d such turns shows up with
probability 1 / (n k^(d-1)) at least, n threads and k steps (Burckhardt and others,
"A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).

None of them is a proof. The first is one up to its bound.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from ..executions.broken import Broken
from ..executions.event import Event
from ..executions.graph import Graph
from ..executions.models import SC
from ..schedules.playing import pass_quiet

__all__ = ["bounded", "pct_walks", "random_walks"]

Failed = Callable[[Broken], None]
Choice = tuple[int, Event | None, int]  # thread, what is read, where is written


def bounded(empty: Graph, preemptions: int, failed: Failed) -> Iterator[Graph]:
    """Yield every execution with at most so many preemptions; some classes several times."""
    stack: list[tuple[Graph, int, int]] = [(_begin(empty), -1, 0)]
    while stack:
        graph, last, used = stack.pop()
        choices = list(_choices(graph, last, used < preemptions))
        if not choices:
            yield graph
        for choice in choices:
            grown = graph.copy() if len(choices) > 1 else graph
            preempted = choice[0] != last and last in graph.enabled()
            try:
                if _grow(grown, choice):
                    stack.append((grown, choice[0], used + preempted))
            except Broken as broken:
                failed(broken)


def random_walks(make: Callable[[], Graph], count: int, seed: int, failed: Failed) -> Iterator[Graph]:
    """Yield so many executions, every step drawn by lot."""
    lots = random.Random(seed)
    for _ in range(count):
        graph = make()
        yield from _walk(graph, lambda graph, _: lots.choice(graph.enabled()), lots, failed)


def pct_walks(make: Callable[[], Graph], count: int, depth: int, seed: int, failed: Failed) -> Iterator[Graph]:
    """Yield so many executions by priorities, which change at ``depth`` - 1 steps."""
    lots, steps = random.Random(seed), 1
    for _ in range(count):
        graph = make()
        order = list(range(len(graph.nodes)))
        lots.shuffle(order)
        turns = {lots.randrange(steps) for _ in range(depth - 1)}

        def highest(graph: Graph, step: int, order: list[int] = order, turns: set[int] = turns) -> int:
            best = min(graph.enabled(), key=order.index)
            if step in turns:
                order.remove(best)
                order.append(best)
                best = min(graph.enabled(), key=order.index)
            return best

        yield from _walk(graph, highest, lots, failed)
        steps = max(steps, graph.count)


def _walk(graph: Graph, choose: Callable[[Graph, int], int], lots: random.Random, failed: Failed) -> Iterator[Graph]:
    """Yield one execution."""
    step = 0
    try:
        _begin(graph)
        while graph.enabled():
            thread = choose(graph, step)
            ways = list(_ways(graph, thread))
            if not ways or not _grow(graph, lots.choice(ways)):
                return  # a read-modify-write that came too late
            step += 1
        yield graph
    except Broken as broken:
        failed(broken)


def _choices(graph: Graph, last: int, may_preempt: bool) -> Iterator[Choice]:
    """All that can be done next, the last thread first."""
    enabled = graph.enabled()
    if last in enabled and not may_preempt:
        enabled = [last]
    for thread in enabled:
        yield from _ways(graph, thread)


def _ways(graph: Graph, thread: int) -> Iterator[Choice]:
    """The ways in which a thread's next step can go."""
    if graph.nodes[thread].op.reads and thread not in graph.pending:
        for source in graph.choices(thread):
            yield thread, source, -1
    else:
        places = graph.places(thread)
        for place in places[-1:] if isinstance(graph, SC) else places:
            yield thread, None, place


def _begin(graph: Graph) -> Graph:
    """Let all threads do what comes before their first step."""
    for thread in range(len(graph.nodes)):
        pass_quiet(graph, thread)
    return graph


def _grow(graph: Graph, choice: Choice) -> bool:
    """Make a step, and what follows it that is none. Return whether the execution is consistent."""
    if not _step(graph, choice):
        return False
    pass_quiet(graph, choice[0])
    return True


def _step(graph: Graph, choice: Choice) -> bool:
    """Make a step; a read-modify-write whole."""
    thread, source, place = choice
    if source is not None:
        if not graph.add_read(thread, source):
            return False
        if thread not in graph.pending:
            return True
        places = graph.places(thread)
        return bool(places) and graph.add_write(thread, places[0])
    return graph.add_write(thread, place)
