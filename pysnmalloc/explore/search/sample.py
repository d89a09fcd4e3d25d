"""Some of the executions: those with few preemptions, or a random sample (§2.2).

A preemption is a change of thread while the previous thread could continue. Most bugs
need few of them. ``bounded`` yields all executions with at most a given number.

``random_walks`` draws each step independently: the thread, the write that it reads, and
the place where it writes. ``pct_walks`` draws the threads' priorities once, and d - 1
steps at which the running thread falls behind all others. With n threads and k steps, a
bug of depth d shows up with a probability of at least 1 / (n k^(d-1)) (Burckhardt and others,
"A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs", ASPLOS 2010).

A random sample proves nothing. ``bounded`` proves a scenario up to its bound.
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
Choice = tuple[int, Event | None, int]  # thread, the write that it reads, the place where it writes


def bounded(empty: Graph, preemptions: int, failed: Failed) -> Iterator[Graph]:
    """Yield every execution with at most ``preemptions`` preemptions, and some classes several times."""
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
    """Draw ``count`` executions, each step at random, and yield those that reach their end."""
    lots = random.Random(seed)
    for _ in range(count):
        graph = make()
        yield from _walk(graph, lambda graph, _: lots.choice(graph.enabled()), lots, failed)


def pct_walks(make: Callable[[], Graph], count: int, depth: int, seed: int, failed: Failed) -> Iterator[Graph]:
    """Draw ``count`` executions by priorities that change at ``depth`` - 1 steps; yield those that reach their end."""
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
    """Draw one execution, and yield it if it reaches its end."""
    step = 0
    try:
        _begin(graph)
        while graph.enabled():
            thread = choose(graph, step)
            ways = list(_ways(graph, thread))
            if not ways or not _grow(graph, lots.choice(ways)):
                return  # a read-modify-write came too late
            step += 1
        yield graph
    except Broken as broken:
        failed(broken)


def _choices(graph: Graph, last: int, may_preempt: bool) -> Iterator[Choice]:
    """Yield every choice for the next step: of the last thread only, if it can continue and must not be preempted."""
    enabled = graph.enabled()
    if last in enabled and not may_preempt:
        enabled = [last]
    for thread in enabled:
        yield from _ways(graph, thread)


def _ways(graph: Graph, thread: int) -> Iterator[Choice]:
    """Yield the ways in which a thread's next step can go."""
    if graph.nodes[thread].op.reads and thread not in graph.pending:
        for source in graph.choices(thread):
            yield thread, source, -1
    else:
        places = graph.places(thread)
        for place in places[-1:] if isinstance(graph, SC) else places:
            yield thread, None, place


def _begin(graph: Graph) -> Graph:
    """Let every thread make the fences and plain accesses before its first step."""
    for thread in range(len(graph.nodes)):
        pass_quiet(graph, thread)
    return graph


def _grow(graph: Graph, choice: Choice) -> bool:
    """Make a step and the fences and plain accesses after it; return whether the execution is consistent."""
    if not _step(graph, choice):
        return False
    pass_quiet(graph, choice[0])
    return True


def _step(graph: Graph, choice: Choice) -> bool:
    """Make a step, both events of it if it is a read-modify-write; return whether the execution is consistent."""
    thread, source, place = choice
    if source is not None:
        if not graph.add_read(thread, source):
            return False
        if thread not in graph.pending:
            return True
        places = graph.places(thread)
        return bool(places) and graph.add_write(thread, places[0])
    return graph.add_write(thread, place)
