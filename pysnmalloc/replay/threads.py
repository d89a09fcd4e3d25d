"""Replaying with real threads: which thread waits for which, and how.

    thread 0   m A   m B   m C ...                      thread 0 has reached 2
                       └───────────────┐
    thread 1                  ...   f B   f A           f B waits until thread 0 has reached 2;
                                                        f A then need not wait

A recorded program passed objects from thread to thread. Its locks are not in the
trace, but their effect is: each call on an object comes after the previous call on
it. So a call waits until the other thread has made that previous call. Waiting for
a position covers all earlier positions, so few waits remain.

The law: every call waits only for calls that were recorded before it. Hence no two
threads wait for each other, whatever their speed.

A thread waits on a condition and never polls. A thread that fails stops all others:
waiting threads are woken, and running threads check at the end of each segment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Condition

from .traces.trace import Op, Trace

__all__ = ["Board", "Progress", "Segment", "Stopped", "Wait", "plan"]


class Stopped(Exception):  # not an error itself: another thread raised the error
    """Another thread failed, so this thread stops."""


@dataclass(frozen=True)
class Wait:
    """The condition for a segment to start: a thread has made a number of its calls.

    Attributes:
        thread: number of the thread to wait for.
        position: number of calls that it must have made.
    """

    thread: int
    position: int


@dataclass(frozen=True)
class Segment:
    """Consecutive calls of one thread, with no wait between them.

    Attributes:
        start, end: positions in the thread's calls.
        waits: conditions for the first call.
        awaited: whether another thread waits for the end of this segment.
    """

    start: int
    end: int
    waits: tuple[Wait, ...]
    awaited: bool


@dataclass
class _Cuts:
    """The positions that cut a thread's calls into segments."""

    waits: dict[int, list[Wait]] = field(default_factory=dict)
    awaited: set[int] = field(default_factory=set)

    def segments(self, length: int, longest: int) -> list[Segment]:
        """Return the segments."""
        starts = {*self.waits, *self.awaited, *range(0, length, longest)} - {length}
        edges = [*sorted(starts), length]
        return [
            Segment(start, end, tuple(self.waits.get(start, ())), end in self.awaited) for start, end in pairwise(edges)
        ]


def plan(trace: Trace, longest: int) -> tuple[list[list[Op]], list[list[Segment]]]:
    """Return each thread's calls, and their segments of at most ``longest`` calls."""
    calls: list[list[Op]] = [[] for _ in range(trace.threads)]
    cuts = [_Cuts() for _ in calls]
    # For each thread, the last position of every other thread that it has waited for.
    known: list[dict[int, int]] = [{} for _ in calls]
    last: list[Wait | None] = [None] * trace.objects
    for op in trace.ops:
        mine, before = calls[op.thread], last[op.object]
        if before and before.thread != op.thread and known[op.thread].get(before.thread, 0) < before.position:
            known[op.thread][before.thread] = before.position
            cuts[op.thread].waits.setdefault(len(mine), []).append(before)
            cuts[before.thread].awaited.add(before.position)
        mine.append(op)
        last[op.object] = Wait(op.thread, len(mine))
    return calls, [cut.segments(len(mine), longest) for cut, mine in zip(cuts, calls, strict=True)]


class Progress:
    """The number of calls that a thread has made; others wait for it to reach a position."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._reached = 0
        self._stopped = False

    def reach(self, position: int) -> None:
        """Record the number of calls made. Called by the thread itself."""
        with self._changed:
            self._reached = position
            self._changed.notify_all()

    def wait_for(self, position: int) -> None:
        """Wait until ``position`` calls are made. Called by any other thread.

        Raises:
            Stopped: if the replay stops first.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._reached >= position or self._stopped)
            if self._reached < position:
                raise Stopped

    def stop(self) -> None:
        """Wake all waiting threads, and let no other wait. Called by any thread."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()


class Board:
    """The state that the main thread watches: calls made, threads running, the first error.

    Args:
        threads: number of threads.
        step: calls between two reports.
    """

    def __init__(self, threads: int, step: int) -> None:
        self.progress: Sequence[Progress] = [Progress() for _ in range(threads)]
        self.error: BaseException | None = None
        self._changed = Condition()
        self._running = threads
        self._step = step
        self._made = 0
        self._reported = 0

    def made(self, calls: int) -> None:
        """Count calls.

        Raises:
            Stopped: if another thread has failed.
        """
        with self._changed:
            self._made += calls
            if self._made - self._reported >= self._step:
                self._changed.notify()
            if self.error is not None:
                raise Stopped

    def failed(self, error: BaseException) -> None:
        """Record the first error, and stop all threads."""
        with self._changed:
            self.error = self.error or error
        for progress in self.progress:
            progress.stop()

    def ended(self) -> None:
        """Record that a thread has ended."""
        with self._changed:
            self._running -= 1
            self._changed.notify()

    def watch(self, report: Callable[[int], None]) -> None:
        """Wait until every thread has ended, and report the number of calls every ``step`` calls."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: not self._running or self._made - self._reported >= self._step)
                running, self._reported = self._running, self._made
            report(self._reported)
            if not running:
                return
