"""Judges of tutorial 8, the allocator (§2.1, §2.2)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from ..judging import Trouble, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

ME, OTHER = 0x800, 0x1000

ROUTES = (  # address, byte of the page map, first word of the chunk, destination of a free
    (0x32100, 1, ME, "home"),
    (0x34800, 2, ME, "home"),
    (0x32100, 1, OTHER, "message"),
    (0x34800, 2, OTHER, "message"),
    (0x38000, 14, 0, "stack"),
    (0x38000, 14, OTHER, "stack"),  # the program's own data, which means nothing
    (0x38000, 14, ME, "stack"),
    (0x38000, 48, ME, "stack"),
    (0x3A000, 77, ME, "refuse"),
    (0x3A000, 64, OTHER, "refuse"),
    (0x5000, 0, ME, "refuse"),
    (0x5000, 0, 0, "refuse"),
    (0, 0, 0, "nothing"),
)

INBOXES: tuple[tuple[list[int], list[int], int], ...] = (  # messages, free objects, the lowest address never used
    ([], [], 240),
    ([], [16, 48], 240),
    ([64, 96], [], 240),
    ([64, 96, 128], [16], 240),
    ([64], [], 240),
    ([64], [16], 240),
)


@exercise("8.1")
def _route(answer: object) -> Iterator[Trouble | str]:
    """Try every kind of chunk, with misleading first words; the right answers were written by hand."""
    for address, kind, first_word, wanted in ROUTES:
        yield from call(answer, "route", address, kind, first_word, ME, wanted=wanted, addresses=(0, 2, 3))


@exercise("8.2")
def _came_home(answer: object) -> Iterator[Trouble | str]:
    """Compute the right answer by moving messages one by one through a queue that starts with its stub."""
    for messages, calls, batch in (
        (200, 1, 64),
        (200, 3, 64),
        (200, 4, 64),
        (200, 9, 64),
        (64, 1, 64),
        (65, 1, 64),
        (1, 1, 64),
        (1, 5, 64),
        (2, 1, 1),
        (2, 2, 1),
        (10, 0, 64),
        (0, 3, 64),
    ):
        wanted = _moved(messages, calls, batch)
        yield from call(answer, "came_home", messages, calls, batch, wanted=wanted)


def _moved(messages: int, calls: int, batch: int) -> int:
    """Count the objects that came home. False in the queue is the stub."""
    queue, home = deque([False] + [True] * messages), 0
    for _ in range(calls):
        for _ in range(batch):
            if len(queue) > 1:  # the newest stays behind
                home += queue.popleft()
    return home


@exercise("8.3")
def _malloc(answer: object) -> Iterator[Trouble | str]:
    """Try small states first; the right answer is computed by receiving one message after another."""
    for inbox, free, fresh in INBOXES:
        waiting, stack, bump = list(inbox), list(free), fresh
        while len(waiting) > 1:
            stack.append(waiting.pop(0))
        if stack:
            address = stack.pop()
        else:
            address, bump = bump, bump + 16
        yield from call(answer, "malloc", inbox, free, fresh, wanted=(address, waiting, stack, bump))
