"""Random litmus programs, for comparing two ways of finding their executions.

    random_litmus(seed)     the same program for the same seed, on every machine
    seq_cst_litmus(seed)    the same with SEQ_CST in most places, and fences of it
    other_orders(l, seed)   a given program with other orders in some places, and other kinds of accesses

Two or three threads of one to four instructions, of all kinds and orders, on one
to three locations. What bounds a program is the number of guesses that it leaves
to an enumerator; with too many, or so few that it is dull, it is drawn again.
Stores, exchanges and compare-exchanges write different values below 12, and sums
are above, so results mostly tell which write was read.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from pysnmalloc.atomics import Order
from pysnmalloc.explore.scenarios.litmus import (
    MODELS,
    CompareExchange,
    Exchange,
    Fence,
    FetchAdd,
    Instruction,
    Litmus,
    Load,
    Store,
    Thread,
    Threads,
)

RLX, ACQ, REL, ACQ_REL, SC = Order.RELAXED, Order.ACQUIRE, Order.RELEASE, Order.ACQ_REL, Order.SEQ_CST
# Mostly loads and stores, as it is their reordering by which models differ.
KINDS = (Load,) * 8 + (Store,) * 8 + (Fence,) * 2 + (FetchAdd, CompareExchange, Exchange)
GUESSES = range(8, 1000)  # fewer are dull, more take long


def random_litmus(seed: int) -> Litmus:
    """Draw a program, small enough to be enumerated in some milliseconds; ``weak`` is any outcome."""
    rng = random.Random(seed)
    while guesses(threads := draw_threads(rng)) not in GUESSES:
        pass
    results = (tuple(None for each in thread if not isinstance(each, Store | Fence)) for thread in threads)
    locations = {each.location for thread in threads for each in thread if not isinstance(each, Fence)}
    weak = (*results, (None,) * len(locations))
    return Litmus(f"random {seed}", "Whatever can be seen.", threads, weak, frozenset(MODELS))


def seq_cst_litmus(seed: int) -> Litmus:
    """Draw a program with much of SEQ_CST: most accesses, and fences between them."""
    rng, drawn = random.Random(-seed - 1), random_litmus(seed)
    return replace(drawn, threads=tuple(tuple(_strengthened(rng, thread)) for thread in drawn.threads))


def _strengthened(rng: random.Random, thread: Thread) -> Iterator[Instruction]:
    """Give instructions of a thread that order, and put fences of it between some."""
    for each in thread:
        yield replace(each, order=SC) if rng.random() < 0.6 else each
        if rng.random() < 0.25:
            yield Fence(SC)


def other_orders(litmus: Litmus, seed: int) -> Litmus:
    """Change some instructions of a program: their orders, and loads into additions."""
    rng, threads = random.Random(f"{litmus.name} {seed}"), []
    for thread in litmus.threads:
        changed: list[Instruction] = []
        for each in thread:
            if isinstance(each, Load) and rng.random() < 0.1:
                each = FetchAdd(each.location, 100, each.order)
            if rng.random() < 0.3:
                each = replace(each, order=rng.choice(list(_orders(each))))
            changed.append(each)
        threads.append(tuple(changed))
    results = (tuple(None for each in thread if not isinstance(each, Store | Fence)) for thread in threads)
    return replace(litmus, threads=tuple(threads), weak=(*results, (None,) * len(litmus.locations)))


def _orders(instruction: Instruction) -> tuple[Order, ...]:
    """The orders that an instruction of this kind can have."""
    match instruction:
        case Load():
            return RLX, ACQ, SC
        case Store():
            return RLX, REL, SC
        case Fence():
            return ACQ, REL, ACQ_REL, SC
        case _:
            return tuple(Order)


def draw_threads(rng: random.Random) -> Threads:
    lengths = rng.choice(((2, 2), (3, 3), (2, 4), (4, 4), (2, 2, 2), (1, 3, 4), (2, 2, 3), (3, 3, 3), (2, 3, 4)))
    locations = rng.choice(("x", "xy", "xy", "xy", "xy", "xyz"))
    values = iter(range(1, 12))
    return tuple(draw_thread(rng, length, locations, values) for length in lengths)


def draw_thread(rng: random.Random, length: int, locations: str, values: Iterator[int]) -> Thread:
    """A thread that mostly goes from one location to another: that is where models differ."""
    thread: list[Instruction] = []
    here = rng.choice(locations)
    for _ in range(length):
        thread.append(draw(rng, here, values))
        if rng.random() < 0.8:
            here = rng.choice(locations.replace(here, "") or here)
    return tuple(thread)


def draw(rng: random.Random, location: str, values: Iterator[int]) -> Instruction:
    """One instruction, of any kind and of an order that its kind can have."""
    kind, order = rng.choice(KINDS), rng.choice(list(Order))
    if kind is Fence:
        return Fence(rng.choice((ACQ, REL, ACQ_REL, SC, SC)))
    if kind is Load:
        return Load(location, rng.choice((RLX, ACQ, SC)))
    if kind is Store:
        return Store(location, next(values), rng.choice((RLX, REL, SC)))
    if kind is FetchAdd:
        return FetchAdd(location, 100 * next(values), order)
    if kind is Exchange:
        return Exchange(location, next(values), order)
    desired = next(values)
    return CompareExchange(location, rng.randrange(desired), desired, order)


def guesses(threads: Threads) -> int:
    """How many pairs of reads-from and modification orders there are to look at, at most."""
    accesses = [each for thread in threads for each in thread if not isinstance(each, Fence)]
    writes = Counter(each.location for each in accesses if not isinstance(each, Load))
    sources = (writes[each.location] + isinstance(each, Load) for each in accesses if not isinstance(each, Store))
    return math.prod(sources) * math.prod(map(math.factorial, writes.values()))
