"""Stand-ins: while an answer runs, its threads start, join and sleep in ways that a crew knows of (§2.2).

    Thread.start    a member's thread becomes a member before it starts, and takes its first step before others start
    Thread.join     the member that is joined may end
    time.sleep      short for members: a thread that sleeps in place of waiting for another is to be found out

Threads that are no members are not affected.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Final, Protocol

from ..running.budget import MEMORY
from ..running.memory import Room

__all__ = ["measured", "watched"]

SHORT: Final = 0.002
"""The longest sleep of a member, in seconds."""


class Roll(Protocol):
    """What the stand-ins tell a crew."""

    def has(self, thread: Thread) -> bool:
        """Return whether a thread is a member."""

    def enlist(self, thread: Thread) -> None:
        """Make a thread, which a member is about to start, a member as well."""

    def dismiss(self, thread: Thread) -> None:
        """Forget a thread that could not be started."""

    def settle(self, thread: Thread) -> None:
        """Wait until a thread that was started takes its first step."""

    def await_(self, thread: Thread) -> None:
        """Record that somebody joins a member."""


@contextmanager
def watched(crew: Roll) -> Iterator[None]:
    """Let a crew know of each thread that its members start and join, and let them sleep only shortly."""
    start, join, sleep = Thread.start, Thread.join, time.sleep

    def watched_start(thread: Thread) -> None:
        if not crew.has(threading.current_thread()):
            start(thread)
            return
        crew.enlist(thread)
        try:
            start(thread)
        except RuntimeError:
            crew.dismiss(thread)
            raise
        crew.settle(thread)

    def watched_join(thread: Thread, timeout: float | None = None) -> None:
        if crew.has(thread) and threading.current_thread() is not thread:
            crew.await_(thread)
        join(thread, timeout)

    def watched_sleep(seconds: float, /) -> None:
        sleep(min(seconds, SHORT) if crew.has(threading.current_thread()) else seconds)

    _set(watched_start, watched_join, watched_sleep)
    try:
        yield
    finally:
        _set(start, join, sleep)


def _set(start: Callable[..., None], join: Callable[..., None], sleep: Callable[..., None]) -> None:
    """Let these functions start threads, join them, and sleep."""
    for owner, name, function in ((Thread, "start", start), (Thread, "join", join), (time, "sleep", sleep)):
        setattr(owner, name, function)


@contextmanager
def measured() -> Iterator[Room]:
    """Measure memory, and provide the room for more. The calling thread is not traced meanwhile.

    What traces it counts the steps of an answer, but this thread only looks at those that run the answer.
    """
    traced, room = sys.gettrace(), Room(MEMORY)
    sys.settrace(None)
    try:
        yield room
    finally:
        room.close()
        sys.settrace(traced)
