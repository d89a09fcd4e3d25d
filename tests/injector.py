"""An injector: something happens at one point of a call, and then at the next, until there is none left.

    with plan.survey():                      lists the points of a call
        call()
    with plan.at(7, action):                 does the action at the seventh of them, when the call is made again
        call()
    with at_points(action):                  does the action at every point
        call()
    with at_point(7, action) as happened:    does the action at the seventh point, if there is one
        call()

A point is one at which CPython may run a handler of signals (the entry of a function, a jump backward, the return
from a call), in any function of the package; and, if lines are asked for, the beginning of each line.

To look at every instruction takes long. A plan therefore knows how many points each function that is called has, and
looks only at the instructions of the one in which the action is due.
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
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Literal

import pysnmalloc

PACKAGE = str(Path(pysnmalloc.__file__).parent)

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

    before, collects = sys.gettrace(), gc.isenabled()
    gc.disable()  # a finalizer would add points to some of the runs
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
        if collects:
            gc.enable()


@contextmanager
def at_points(action: Callable[[], None], *, lines: bool = False) -> Iterator[None]:
    """Do an action at every point of what is called inside."""

    def follow(frame: FrameType, event: Event, _: object) -> TraceFunction:
        if _is_point(frame, event, lines=lines):
            action()
        return follow

    with _traced(lambda _: follow):
        yield


@contextmanager
def at_point(number: int, action: Callable[[], None]) -> Iterator[list[int]]:
    """Do an action at a point of what is called inside, if there is one. The list has its number afterwards."""
    happened: list[int] = []
    left = number

    def point() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            sys.settrace(None)  # nothing else happens, so the rest can be fast
            happened.append(number)
            action()

    with at_points(point):
        yield happened


class Plan:
    """The points of a call.

    Attributes:
        lines: whether the beginning of each line is one.
        totals: how many there are in each function called and in all before it, in the order of the calls.
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

        def entered(_: FrameType) -> TraceFunction:
            entry = len(counts)
            counts.append(0)

            def follow(frame: FrameType, event: Event, _: object) -> TraceFunction:
                counts[entry] += _is_point(frame, event, lines=self.lines)
                return follow

            return follow

        with _traced(entered):
            yield
        self.totals = list(accumulate(counts))

    @contextmanager
    def at(self, number: int, action: Callable[[], None]) -> Iterator[None]:
        """Do an action at a point of the same call, which is made inside, by the same function."""
        entry = bisect_left(self.totals, number)
        entries, left = -1, number - (self.totals[entry - 1] if entry else 0)
        done = False

        def entered(_: FrameType) -> TraceFunction | None:
            nonlocal entries
            entries += 1
            return follow if entries == entry else None

        def follow(frame: FrameType, event: Event, _: object) -> TraceFunction:
            nonlocal left, done
            left -= _is_point(frame, event, lines=self.lines)
            if left == 0:
                sys.settrace(None)  # nothing else happens, so the rest can be fast
                left, done = -1, True
                action()
            return follow

        with _traced(entered):
            yield
        assert done, "the call differs from the one in the survey"
