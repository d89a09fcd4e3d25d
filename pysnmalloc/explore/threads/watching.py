"""Watching a function that makes no access: a loop over variables only, which never comes to a step (§2.2).

    while True: pass              calls nothing of the explorer, so nothing stops it there
    while not self.ready: pass    what is kept outside of the memory does not change while only one thread runs

    tick ─► no tick until the function ends: it is never traced
       └──► a trace function counts lines until the next access; very many are an endless loop

To trace every run would make exploring slower by half. So a timer ticks from time to time, and a run in
which it ticks is traced from there on. The time decides only when to begin to count, and the count of
lines decides what an endless loop is. Where no timer can tick, as outside of the main thread, every run
is traced.

Left out: a loop inside a function of C, such as ``sum(itertools.count())``, which runs no line. A run
that somebody else traces, as a debugger does, is left to that tool.
"""

from __future__ import annotations

import dis
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

from .stops import LINES_TRIED, entered, is_of_thread, records

__all__ = ["LINES", "Watch", "ticking"]

LINES = 1_000_000  #: between two accesses; a loop that runs more does not end by itself
TICK = 0.1  # seconds of the processor between two ticks

# `while True: pass` in one line: on Python 3.11 a jump to itself, which runs its line only once.
_TO_ITSELF = bytes((dis.opmap["JUMP_BACKWARD"], 1))


class Watch:
    """The watch over one run of a function, as a context. Afterwards, what was traced before is traced again.

    Attributes:
        counting: whether the function is traced now.

    Args:
        end: called in the function when it has run too many lines; it raises.
        lines: the largest number of lines between two accesses.
    """

    __slots__ = ("_always", "_around", "_end", "_ended", "_left", "_lines", "_traced", "counting")

    def __init__(self, end: Callable[[], NoReturn], lines: int) -> None:
        self.counting = False
        self._end = end
        self._ended = 0
        self._left = self._lines = lines

    def __enter__(self) -> None:
        self._traced = sys.gettrace()
        self._around, _here.watch = _here.watch, self
        self._always = not _here.ticking
        if self._always:
            self.count(None)

    def __exit__(self, *_: object) -> None:
        _here.watch = self._around
        if sys.gettrace() is not self._traced:
            sys.settrace(self._traced)

    def count(self, frame: FrameType | None) -> None:
        """Count the lines from now on; ``frame`` is the one that runs, if the function has begun."""
        if self.counting or self._traced is not None or (frame is not None and records(frame)):
            return
        self.counting = True
        for each in entered(frame):
            _trace_in(each).f_trace = self._trace
        sys.settrace(self._trace)

    def access(self) -> None:
        """Note an access while lines are counted: it ends the count, or begins it anew."""
        if not self._ended:
            self._left = self._lines
        if not self._always:
            self.counting = False
            sys.settrace(self._traced)

    def _trace(self, frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG002  # itself, as tracing requires
        """Count a line."""
        if event == "call":
            if not is_of_thread(frame):
                return None  # the explorer's, and what that calls
            _trace_in(frame)
        elif event in ("line", "opcode"):
            self._left -= 1
            if self._left < 0:
                # The error ends the tracing. If the function catches it, the next tick begins again, at another line.
                self.counting = False
                self._ended += 1
                self._left = self._ended % LINES_TRIED
                self._end()
        return self._trace


class _Here(threading.local):
    """What belongs to the OS thread that explores: whether a timer ticks for it, and the run that is under way."""

    ticking = False
    watch: Watch | None = None


_here = _Here()


@contextmanager
def ticking() -> Iterator[None]:
    """Let a timer tick, if there is one and nobody else uses it. It is that of the processor's time, ``SIGVTALRM``."""
    if not _is_free():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _tick)
    signal.setitimer(signal.ITIMER_VIRTUAL, TICK, TICK)
    around, _here.ticking = _here.ticking, True
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        _here.ticking = around


def _is_free() -> bool:
    """Return whether this thread can have the timer, and it does not tick already."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        return False
    return signal.getitimer(signal.ITIMER_VIRTUAL)[0] == 0 and signal.getsignal(signal.SIGVTALRM) in (
        signal.SIG_DFL,
        signal.SIG_IGN,
        _tick,
    )


def _tick(_: int, frame: FrameType | None) -> None:
    """Count the lines of the function that runs, if one does."""
    if _here.watch is not None and frame is not None:
        _here.watch.count(frame)


def _trace_in(frame: FrameType) -> FrameType:
    """Let each instruction be traced where a line may run for ever; return the frame."""
    if _TO_ITSELF in frame.f_code.co_code:
        frame.f_trace_opcodes = True
    return frame
