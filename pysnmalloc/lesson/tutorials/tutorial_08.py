"""Judges of tutorial 8, the allocator (§2.1, §2.2)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import product

from ..judging import Trouble, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

ME, OTHER = 0x800, 0x1000

OWNED = {1: "a superslab", 2: "a medium slab"}
FIRST, LATER = range(8, 49), range(64, 112)
CALLERS = ((ME, OTHER), (OTHER, ME))
"""Allocators that call, each with another one that may own the object."""

MESSAGES = ((200, 1, 64), (200, 3, 64), (200, 4, 64))
"""Messages, calls and messages per call: what the page shows, before small numbers are all tried."""

INBOXES: tuple[tuple[list[int], list[int], int], ...] = (  # messages, free objects, the lowest address never used
    ([], [], 240),
    ([], [16, 48], 240),
    ([64, 96], [], 240),
    ([64, 96, 128], [16], 240),
    ([64], [], 240),
    ([160, 64, 112, 96], [48, 16], 512),
)


@exercise("8.1")
def _route(answer: object) -> Iterator[Trouble | str]:
    """Try every byte that the page map can hold, with misleading first words, for several allocators."""
    for (me, other), kind in product(CALLERS, (14, 0, *OWNED, *FIRST, *LATER)):
        for address in _addresses(kind):
            for first_word in (me, other) if kind in OWNED else (0, me, other, address):
                yield from _routed(answer, address, kind, first_word, me)


def _addresses(kind: int) -> tuple[int, ...]:
    """Return addresses in a chunk of a kind. A large object starts at a multiple of its size."""
    if kind in FIRST:
        return (1 << kind,)
    return (0x32100,) if kind else (0, 0x5000)


def _routed(answer: object, address: int, kind: int, first_word: int, me: int) -> Iterator[Trouble]:
    """Judge one call. The right answer is the page map's meaning, written by hand."""
    if address == 0:
        wanted, why = "nothing", "Null is not an object, and no chunk has to be looked at."
    elif kind in OWNED:
        wanted, whose = ("home", "the caller owns") if first_word == me else ("message", "another allocator owns")
        why = f"The object is in {OWNED[kind]} that {whose}."
    elif kind in FIRST:
        wanted = "stack"
        why = f"Kind {kind} is the first chunk of a large object. Whose bytes are the first word of its chunk?"
    elif kind in LATER:
        wanted, why = "refuse", f"Kind {kind} is a later chunk of a large object, and no object starts there."
    else:
        wanted, why = "refuse", "The chunk is not part of the heap, so its first word means nothing."
    yield from call(answer, "route", address, kind, first_word, me, wanted=wanted, addresses=(0, 2, 3), why=why)


@exercise("8.2")
def _came_home(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by moving messages one by one through a queue that starts with its stub."""
    for messages, calls, batch in (*MESSAGES, *product(range(5), range(4), range(1, 4))):
        wanted, why = _moved(messages, calls, batch), _limit(messages, calls, batch)
        yield from call(answer, "came_home", messages, calls, batch, wanted=wanted, why=why)


def _moved(messages: int, calls: int, batch: int) -> int:
    """Count the objects that came home. False in the queue is the stub."""
    queue, home = deque([False] + [True] * messages), 0
    for _ in range(calls):
        for _ in range(batch):
            if len(queue) > 1:  # the newest stays behind
                home += queue.popleft()
    return home


def _limit(messages: int, calls: int, batch: int) -> str:
    """Return a sentence about what limits the objects that come home."""
    if not calls:
        return "No call was made, so nothing was received."
    if not messages:
        return "Nothing was sent, so the stub is alone in the queue."
    if calls * batch < messages:
        return f"Messages that all calls can receive: {calls * batch}. Is each of them an object?"
    return f"With its stub, the queue holds {messages + 1} messages. Do all of them come out?"


@exercise("8.3")
def _malloc(answer: object) -> Iterator[Trouble | str]:
    """Try small states first; the right answer is computed by receiving one message after another."""
    for inbox, free, fresh in INBOXES:
        waiting, stack, bump = list(inbox), list(free), fresh
        while len(waiting) > 1:
            stack.append(waiting.pop(0))
        if len(inbox) > 1:
            why = "All messages except the newest are received first, oldest first, and the newest stays."
        elif stack:
            why = "The top of the stack is at its end."
        else:
            why = "Nothing is free, so the object is the 16 bytes at the fresh address."
        if stack:
            address = stack.pop()
        else:
            address, bump = bump, bump + 16
        yield from call(answer, "malloc", inbox, free, fresh, wanted=(address, waiting, stack, bump), why=why)
