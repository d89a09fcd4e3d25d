"""Stopping a thread's function, and where in the source it is (§2.2).

    enter ─► the thread's function ─► ... ─► proxies ─► run: raise Reached
       └──────── the frames that count ────────┘

A function that catches the stop and goes on forever is thrown out of its loop by a trace function,
which raises the stop again at one line after the other, until it is one that is in no ``try``.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NoReturn

from .ops import Site
from .scenario import Place, ThreadCode
from .segment import Where, plain_site

__all__ = [
    "LINES_TRIED",
    "Reached",
    "enter",
    "entered",
    "is_of_thread",
    "records",
    "stack",
    "stop_again",
    "where",
    "where_raised",
]

CAUGHT = 100  # stops that a function may catch before it is thrown out of its loop
LINES_TRIED = 40  #: the most lines of such a loop

_RECORDERS = ("misuse", "proxies", "run", "spinning", "stops", "tree", "watching")
_RECORDING = frozenset(str(Path(__file__).with_name(f"{name}.py")) for name in _RECORDERS)


def _entry(code: ThreadCode, place: Place) -> Iterator[Hashable]:
    """Yield what a thread's function returns. Its frames are those above this one.

    A generator has exceptions of its own that are being handled, and a function that was thrown out leaves some there.
    """
    yield code(place)


def enter(code: ThreadCode, place: Place) -> Hashable:
    """Run a thread's function, and return what it returns."""
    try:
        return next(_entry(code, place))
    except RuntimeError as error:
        if isinstance(error.__cause__, StopIteration):  # which no generator may raise
            raise error.__cause__ from None
        raise


_ENTRY = _entry.__code__


class Reached(BaseException):
    """The function has reached an operation that has no recorded result."""


def records(frame: FrameType) -> bool:
    """Return whether a frame is one of the modules that record."""
    return frame.f_code.co_filename in _RECORDING


def is_of_thread(frame: FrameType) -> bool:
    """Return whether a frame that begins is the thread's: it is called by the entry, or by a frame that is traced."""
    caller = frame.f_back
    return caller is not None and not records(frame) and (caller.f_code is _ENTRY or caller.f_trace is not None)


def where() -> Where:
    """Return the function that makes the access, and the line, outside the modules that record."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename in _RECORDING and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lineno


def entered(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames of the functions that the thread is in, the innermost first, without those that record."""
    while frame is not None and frame.f_code is not _ENTRY:
        if frame.f_code.co_filename not in _RECORDING:
            yield frame
        frame = frame.f_back


def stack() -> tuple[tuple[CodeType, int], ...]:
    """Return where the function and all that it calls are, as code and offset in it."""
    return tuple((frame.f_code, frame.f_lasti) for frame in entered(sys._getframe(1)))


def where_raised(error: BaseException) -> Site | None:
    """Return the place in the source at which an error was raised, outside the modules that record."""
    found, trace = None, error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if code.co_filename not in _RECORDING:
            found = plain_site((code, trace.tb_lineno))
        trace = trace.tb_next
    return found


def stop_again(caught: int) -> NoReturn:
    """Stop a function that caught the stop so many times.

    If this happens too often, raise the stop at one of the function's next lines, each time at a later one. Some line
    of a loop is in no ``try``, so the function leaves the loop.
    """
    if caught > CAUGHT:
        _throw_out(caught % LINES_TRIED)
    raise Reached


def _throw_out(lines: int) -> None:
    """Raise the stop again after so many lines of the function, wherever that is: some line is in no ``try``.

    No function is traced that begins later: it may be a callback of the collector or of a weak reference, which would
    lose the stop.
    """
    left = lines

    def trace(frame: FrameType, event: str, argument: object) -> Any:  # noqa: ARG001  # itself, as tracing requires
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                raise Reached
        return trace

    for frame in entered(sys._getframe(1)):
        frame.f_trace = trace
    sys.settrace(lambda *_: None)
