"""Judges of tutorial 10, the evaluation counted (§3)."""

from __future__ import annotations

from collections.abc import Iterator

from ..judging import Trouble, call, exercise
from ..source import forbidden

__all__: list[str] = []  # a judge is found by the number of its exercise

PIPELINES = (  # how many objects, the capacity of a cache, the objects in a transfer, and what the case shows
    (3200, 64, 32, "The first 64 objects that are freed fit into the consumer's cache."),
    (
        65,
        64,
        32,
        "An incomplete transfer is a visit like any other, the producer's and the consumer's.",
    ),
    (64, 64, 32, "The objects just fit into the consumer's cache."),
    (1, 64, 32, "The producer's cache is empty at the start, and the consumer's has room."),
    (0, 64, 32, "Nothing is allocated, so nobody visits the central heap."),
    (100, 10, 1, "Each visit moves one object, and the consumer's cache holds 10."),
    (100, 50, 7, "The capacity 50 is not a multiple of 7."),
    (5, 10, 1, "The consumer's cache has room for all."),
)
COMPUTED = "The exercise asks for no loop: compute the number from the arguments."
HIDDEN = f"That is a loop by another name. {COMPUTED}"
HEAP = "The exercise needs no heap: compute the number from the arguments."
RUN = f"The model visits object by object. {COMPUTED}"
FORBIDDEN = {
    **dict.fromkeys(("map", "filter", "reduce", "accumulate"), HIDDEN),
    "ThreadCaching": RUN,
}

RECEIVED = (  # messages by address; d: received, h: home; then what the case shows
    ("", "Nothing is recorded, so no message is home."),
    ("d1 h1", "Message 16 was received once, and then it was home."),
    ("d4096 h4096", "The address of an object can be large."),
    ("d1 d1 h1", "Message 16 was received twice before it was home."),
    ("d1 d2 h1 d2 h2", "Message 32 is still on its way when 16 is home."),
    ("d1 d1 d2 h2 h1", "Message 32 is home before 16, although it was received later."),
    ("d1 h1 d1 h1", "The object at 16 came home, was allocated again and freed again. These are two messages."),
    ("d1 h1 d3 d1", "Two messages are still on their way when the recording ends."),
    ("d1 d1 d1 h1 d2 h2", "Message 16 takes three hops and is home first."),
)

RUNS: tuple[tuple[list[tuple[int, int]], int, str], ...] = (
    # Samples of objects in the queue and bytes in use; then the size of an object, and what the case shows.
    ([(256, 65_536)], 64, "There is one sample: 65,536 bytes are in use for a queue of 256 objects of 64 bytes."),
    (
        [(0, 0), (256, 65_536), (1024, 131_072), (0, 131_072)],
        64,
        "The longest queue has 1,024 objects. Quotients of queues that are nearly empty do not count.",
    ),
    (
        [(512, 65_536), (1024, 65_536), (256, 131_072)],
        16,
        "The longest queue and the most bytes are not in the same sample.",
    ),
    ([(16, 131_072), (1024, 65_536)], 64, "The most bytes are in use before the longest queue."),
    ([(500, 9_000), (1000, 16_500)], 16, "Neither the quotient nor a part of it is a whole number."),
)


@exercise("10.1")
def _visits(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by moving one object after another through two caches."""
    yield from forbidden(answer, loops=COMPUTED, names=FORBIDDEN, library=HEAP)
    for objects, capacity, batch, why in PIPELINES:
        visits = producer = consumer = 0
        for _ in range(objects):
            if producer == 0:
                producer, visits = batch, visits + 1
            producer -= 1
            if consumer == capacity:
                consumer, visits = capacity - batch, visits + 1
            consumer += 1
        yield from call(answer, "visits", objects, capacity, batch, wanted=visits, why=why)


@exercise("10.2")
def _hops(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer backwards, from each arrival to the previous arrival at the same address."""
    for text, why in RECEIVED:
        events = [("received" if word[0] == "d" else "home", 16 * int(word[1:])) for word in text.split()]
        wanted = []
        for end, (kind, address) in enumerate(events):
            if kind == "home":
                before = [at for at in range(end) if events[at] == ("home", address)]
                start = before[-1] if before else 0
                wanted.append(events[start:end].count(("received", address)))
        yield from call(answer, "hops", events, wanted=wanted, why=why)


@exercise("10.3")
def _normalized(answer: object) -> Iterator[Trouble | str]:
    """Try quotients that are exact in base 2, so that every correct formula gives the same digits."""
    for samples, size, why in RUNS:
        longest, peak = sorted(q for q, _ in samples)[-1], sorted(b for _, b in samples)[-1]
        yield from call(answer, "normalized", samples, size, wanted=peak / (longest * size), why=why)
