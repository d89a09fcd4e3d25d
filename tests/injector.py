"""An injector: something happens at one point of a call, and then at the next, until there is none left.

    with plan.survey():                      lists the points of a call
        call()
    with plan.at(7, action):                 does the action at the seventh of them, when the call is made again
        call()
    with at_points(action):                  does the action at every point
        call()
    with at_point(7, action) as happened:    does the action at the seventh point, if there is one
        call()
    stop()                                   ends this in a forked child

A point is one at which CPython may run a handler of signals (the entry of a function, a jump backward, the return
from a call), in any function of the package; and, if lines are asked for, the beginning of each line.

From Python 3.12 on, the interpreter reports single instructions, and can be told to leave out all others. Before, a
trace function sees each instruction, which takes long. A plan therefore knows how many points each function that is
called has, and looks only at the instructions of the one in which the action is due.
"""

from __future__ import annotations

import dis
import gc
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import accumulate
from pathlib import Path
from threading import get_ident
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Literal

import pysnmalloc

PACKAGE = str(Path(pysnmalloc.__file__).parent)
MONITORED = sys.version_info >= (3, 12)
TOOL = 4  # one of the numbers that no kind of tool has

if TYPE_CHECKING:
    from _typeshed import TraceFunction

Event = Literal["call", "line", "return", "exception", "opcode"]


@cache
def _after_calls(code: CodeType) -> frozenset[int]:
    """The offsets of instructions after a call or a jump backward."""
    found, after = set[int](), False
    for each in dis.get_instructions(code):
        if after and each.opname != "CACHE":
            found.add(each.offset)
        after = each.opname.startswith(("CALL", "JUMP_BACKWARD"))
    return frozenset(found)


@contextmanager
def _without_collector() -> Iterator[None]:
    """A finalizer would add points to some of the runs."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@contextmanager
def at_points(action: Callable[[], None], *, lines: bool = False) -> Iterator[None]:
    """Do an action at every point of what this thread calls inside."""

    def follow(frame: FrameType, event: Event, _: object) -> TraceFunction:
        if _is_point(frame, event, lines=lines):
            action()
        return follow

    watched = _monitored(action, lines=lines) if MONITORED else _traced(lambda _: follow)
    with _without_collector(), watched:
        yield


@contextmanager
def at_point(number: int, action: Callable[[], object], *, lines: bool = False) -> Iterator[list[int]]:
    """Do an action at a point of what is called inside, if there is one. The list has its number afterwards."""
    happened: list[int] = []
    left = number

    def point() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            happened.append(number)
            action()

    with at_points(point, lines=lines):
        yield happened


class Plan:
    """The points of a call.

    Attributes:
        lines: whether the beginning of each line is one.
        totals: how many there are in each function called and in all before it, in the order of the calls; or, where
            all can be looked at, how many there are.
    """

    def __init__(self, *, lines: bool = False) -> None:
        self.lines = lines
        self.totals: list[int] = []

    @property
    def points(self) -> range:
        """The numbers of all points."""
        return range(1, self.totals[-1] + 1)

    @contextmanager
    def survey(self) -> Iterator[None]:
        """List the points of what is called inside."""
        counts: list[int] = []

        def count() -> None:
            counts[-1] += 1

        def entered(_: FrameType) -> TraceFunction:
            entry = len(counts)
            counts.append(0)

            def follow(frame: FrameType, event: Event, _: object) -> TraceFunction:
                counts[entry] += _is_point(frame, event, lines=self.lines)
                return follow

            return follow

        if MONITORED:
            counts.append(0)
        with _without_collector(), _monitored(count, lines=self.lines) if MONITORED else _traced(entered):
            yield
        self.totals = list(accumulate(counts))

    @contextmanager
    def at(self, number: int, action: Callable[[], None]) -> Iterator[None]:
        """Do an action at a point of the same call, which is made inside, by the same function."""
        at = at_point(number, action, lines=self.lines) if MONITORED else self._at(number, action)
        with at as happened:
            yield
        assert happened, "the call differs from the one in the survey"

    @contextmanager
    def _at(self, number: int, action: Callable[[], None]) -> Iterator[list[int]]:
        entry = bisect_left(self.totals, number)
        entries, left = -1, number - (self.totals[entry - 1] if entry else 0)
        happened: list[int] = []

        def entered(_: FrameType) -> TraceFunction | None:
            nonlocal entries
            entries += 1
            return follow if entries == entry else None

        def follow(frame: FrameType, event: Event, _: object) -> TraceFunction:
            nonlocal left
            left -= _is_point(frame, event, lines=self.lines)
            if left == 0:
                sys.settrace(None)  # nothing else happens, so the rest can be fast
                left = -1
                happened.append(number)
                action()
            return follow

        with _without_collector(), _traced(entered):
            yield happened


def stop() -> None:
    """Let nothing else happen, in a child that was forked inside."""
    if sys.version_info >= (3, 12):
        sys.monitoring.set_events(TOOL, 0)
    else:
        sys.settrace(None)


# Until Python 3.11.


def _is_point(frame: FrameType, event: Event, *, lines: bool) -> bool:
    if event == "opcode":
        return frame.f_lasti in _after_calls(frame.f_code)
    return event == "call" or (lines and event == "line")


@contextmanager
def _traced(entered: Callable[[FrameType], TraceFunction | None]) -> Iterator[None]:
    """Call a function whenever one of the package is entered; it returns what follows the instructions there."""

    def trace(frame: FrameType, event: Event, argument: object) -> TraceFunction | None:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        follow = entered(frame)
        if follow is None:
            return None
        frame.f_trace_opcodes = True
        return follow(frame, event, argument)

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


# From Python 3.12 on.


@contextmanager
def _monitored(point: Callable[[], None], *, lines: bool) -> Iterator[None]:
    """Call a function at every point of this thread."""
    monitoring = sys.monitoring  # type: ignore[attr-defined]
    events, thread = monitoring.events, get_ident()

    def entered(code: CodeType, _: int) -> object:
        if not code.co_filename.startswith(PACKAGE):
            return monitoring.DISABLE
        if get_ident() == thread:
            point()
        return None

    def executed(code: CodeType, offset: int) -> object:
        return entered(code, offset) if offset in _after_calls(code) else monitoring.DISABLE

    callbacks = {events.PY_START: entered, events.PY_RESUME: entered, events.INSTRUCTION: executed}
    if lines:
        callbacks[events.LINE] = entered
    monitoring.use_tool_id(TOOL, "injector")
    for event, callback in callbacks.items():
        monitoring.register_callback(TOOL, event, callback)
    monitoring.set_events(TOOL, sum(callbacks))
    try:
        yield
    finally:
        monitoring.set_events(TOOL, 0)
        for event in callbacks:
            monitoring.register_callback(TOOL, event, None)
        monitoring.free_tool_id(TOOL)
