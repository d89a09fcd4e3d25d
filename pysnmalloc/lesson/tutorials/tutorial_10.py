"""Judges of tutorial 10, the evaluation counted (§3)."""

from __future__ import annotations

from collections.abc import Iterator

from ..judging import Trouble, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

PIPELINES = (  # objects, capacity of a cache, objects in a transfer
    (3200, 64, 32),
    (64, 64, 32),
    (65, 64, 32),
    (96, 64, 32),
    (97, 64, 32),
    (33, 64, 32),
    (1, 64, 32),
    (0, 64, 32),
    (100, 10, 1),
)

# Messages by address; d: received, h: home. An address can be that of a new message later.
RECEIVED = ("", "d1 h1", "d1 d2 h1 h2", "d1 d1 h1", "d1 d2 d1 h1 d2 d2 h2", "d1 h1 d1 h1", "d1 d1 h1 d2 d1 h1 h2", "d1")

# Samples of objects in the queue and bytes in use; then the size of an object.
RUNS: tuple[tuple[list[tuple[int, int]], int], ...] = (
    ([(256, 65_536)], 64),
    ([(0, 0), (256, 65_536), (1024, 131_072), (0, 131_072)], 64),
    ([(16, 65_536), (1024, 131_072), (0, 131_072)], 64),
    ([(512, 65_536), (1024, 65_536), (256, 131_072)], 16),
)


@exercise("10.1")
def _visits(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by moving one object after another through two caches."""
    for objects, capacity, batch in PIPELINES:
        visits = producer = consumer = 0
        for _ in range(objects):
            if producer == 0:
                producer, visits = batch, visits + 1
            producer -= 1
            if consumer == capacity:
                consumer, visits = capacity - batch, visits + 1
            consumer += 1
        yield from call(answer, "visits", objects, capacity, batch, wanted=visits)


@exercise("10.2")
def _hops(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer backwards, from each arrival to the previous arrival at the same address."""
    for text in RECEIVED:
        events = [("received" if word[0] == "d" else "home", 16 * int(word[1:])) for word in text.split()]
        wanted = []
        for end, (kind, address) in enumerate(events):
            if kind == "home":
                before = [at for at in range(end) if events[at] == ("home", address)]
                start = before[-1] if before else 0
                wanted.append(events[start:end].count(("received", address)))
        yield from call(answer, "hops", events, wanted=wanted)


@exercise("10.3")
def _normalized(answer: object) -> Iterator[Trouble | str]:
    """Try sizes that are powers of two, so that every correct formula gives the same digits."""
    for samples, size in RUNS:
        longest, peak = sorted(q for q, _ in samples)[-1], sorted(b for _, b in samples)[-1]
        yield from call(answer, "normalized", samples, size, wanted=peak / (longest * size))
