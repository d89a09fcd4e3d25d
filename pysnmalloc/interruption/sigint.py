"""Ctrl-C: SIGINT is held back while the main thread is changing a heap (§2.1).

    SIGINT ─► Held ──┬─ no call is under way ─► the former handler, which raises KeyboardInterrupt
                     └─ a call is under way ──► noted, until the call is complete

Python runs handlers of signals in the main thread, at function entries, jumps backward and
after calls. A handler that raises there would leave a list of slabs half linked. ``Held`` is a
handler around the one that it finds, and calls it when the call is complete.

Jupyter sets its own handler for each cell, and a program may do so at any time. Every call that
leaves the hot path therefore looks whether ``Held`` is in place, which costs 0.1 µs. It stays
in place afterwards. ``asyncio.run`` then finds a handler that is not Python's own and leaves it
there, so that Ctrl-C raises KeyboardInterrupt in the event loop.

The law: what is noted is the frame of the call. A call is under way if and only if its frame is
on the stack, so no exception can leave SIGINT held back for ever.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import wraps
from threading import get_ident
from types import CodeType, FrameType
from typing import ParamSpec, TypeVar, cast

__all__ = [
    "HANDLERS",
    "SIGINT",
    "Handlers",
    "Held",
    "Thread",
    "get_handler",
    "here",
    "interrupted",
    "is_on_stack",
    "undone_by",
    "uninterrupted",
    "uninterrupted_hook",
]

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")
Handler = Callable[[int, "FrameType | None"], object]
SIGINT = int(signal.SIGINT)  #: the number of the signal

try:  # the functions behind those of `signal`, whose names of signals take 2 to 6 µs to look up
    import _signal  # type: ignore[import-not-found]
except ImportError:
    _signal = signal
get_handler: Callable[[int], object] = _signal.getsignal  #: the handler of a signal, by its number
_set_handler: Callable[[int, Handler], object] = _signal.signal


def is_on_stack(frame: FrameType | None, top: FrameType | None) -> bool:
    """Return whether a frame is among a frame and its callers; None is not."""
    if frame is None:
        return False
    while top is not None and top is not frame:
        top = top.f_back
    return top is not None


class Handlers:
    """The state of SIGINT. Only the main thread changes it.

    Attributes:
        main: the identifier of the main thread, in which Python runs the handlers of signals.
        frame: the frame of the innermost function that must be complete first, None if there is none.
        thread: the state of the main thread, whose outermost section must be complete as well.
        hooks: the code of functions that must be complete wherever they are on the stack.
        waiting: the handler to call then, None if no SIGINT came.
    """

    __slots__ = ("frame", "hooks", "main", "thread", "waiting")

    def __init__(self) -> None:
        self.main = threading.main_thread().ident
        self.frame: FrameType | None = None
        self.thread: Thread | None = None
        self.hooks: set[CodeType] = set()
        self.waiting: Handler | None = None

    def prepare(self) -> None:
        """Put ``Held`` around the handler in place, unless SIGINT is ignored or ends the process."""
        former = get_handler(SIGINT)
        if callable(former) and not isinstance(former, Held):
            try:
                _set_handler(SIGINT, Held(former))
            except ValueError:  # only the main interpreter has signals
                return

    def is_under_way(self, top: FrameType | None) -> bool:
        """Return whether a call that must be complete first is on the stack, at a frame or below it."""
        noted = self.frame, self.thread.frame if self.thread is not None else None
        while top is not None and top not in noted and top.f_code not in self.hooks:
            top = top.f_back
        return top is not None

    def may_deliver(self) -> bool:
        """Return whether the signal may arrive when the outermost section ends: no other function must be complete."""
        return self.frame is None or not is_on_stack(self.frame, sys._getframe())

    def deliver(self) -> None:
        """Let the signal that waits arrive, unless an outer call must be complete first.

        Raises:
            KeyboardInterrupt: or whatever the handler raises.
        """
        if not self.is_under_way(sys._getframe()):
            former, self.waiting = self.waiting, None
            if former is not None:
                former(SIGINT, sys._getframe(1))


class Held:
    """A handler that holds SIGINT back for another handler, the former one."""

    __slots__ = ("former",)

    def __init__(self, former: Handler) -> None:
        self.former = former

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        """Note the signal if a call is under way; otherwise, hand it on."""
        if HANDLERS.is_under_way(frame):
            HANDLERS.waiting = self.former
        else:
            self.former(signum, frame)


HANDLERS = Handlers()  #: the state of SIGINT in this process


class Thread:
    """What one thread is in the middle of. Only that thread touches it.

    Attributes:
        ident: the thread's identifier.
        main: whether it is the main thread, in which Python runs the handlers of signals.
        frame: the frame of the outermost section that is under way, None if there is none.
        kept: frees from inside it, each a function and an address, to be done when it ends.
        freeing: the frame that is doing them, None if there is none.
    """

    __slots__ = ("frame", "freeing", "ident", "kept", "main")

    def __init__(self) -> None:
        self.ident = get_ident()
        self.main = self.ident == HANDLERS.main
        if self.main:
            HANDLERS.thread = self
        self.frame: FrameType | None = None
        self.kept: list[tuple[Callable[[int], None], int]] = []
        self.freeing: FrameType | None = None


class _Here(threading.local):
    """One ``Thread`` for each thread."""

    def __init__(self) -> None:
        self.thread = Thread()


_here = _Here()


def here() -> Thread:
    """Return what the calling thread is in the middle of."""
    return _here.thread


def interrupted() -> bool:
    """Return whether SIGINT is waiting for the call under way, which may then be undone in the place of completed."""
    return HANDLERS.waiting is not None and get_ident() == HANDLERS.main


def uninterrupted(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that SIGINT must not cut in two. Cost: 1 µs in the main thread."""
    return _complete(function, None)


def undone_by(undo: Callable[[A, int], None]) -> Callable[[Callable[P, int]], Callable[P, int]]:
    """Decorate a method that SIGINT must not cut in two. If it comes, its caller never sees the result; it is undone.

    Args:
        undo: takes the method's object and the result.
    """
    return lambda method: _complete(method, undo)


def _complete(function: Callable[P, T], undo: Callable[[A, T], None] | None) -> Callable[P, T]:
    """Return the function that ``uninterrupted`` and ``undone_by`` put in the place of another."""

    @wraps(function)
    def complete(*args: P.args, **kwargs: P.kwargs) -> T:
        if get_ident() != HANDLERS.main:
            return function(*args, **kwargs)
        before = HANDLERS.frame
        try:
            HANDLERS.prepare()
            HANDLERS.frame = sys._getframe()
            result = function(*args, **kwargs)
            if undo is not None and HANDLERS.waiting is not None and not is_on_stack(before, sys._getframe()):
                undo(cast("A", args[0]), result)
        finally:
            HANDLERS.frame = before
            if HANDLERS.waiting is not None:
                HANDLERS.deliver()
        return result

    return complete


def uninterrupted_hook(function: Callable[[], None]) -> Callable[[], None]:
    """Decorate a hook of the interpreter, in which an exception would be lost: SIGINT arrives after the next call."""
    HANDLERS.hooks.add(function.__code__)
    return function


def _is_main() -> None:
    """In a forked child, the thread that forked is the main thread. A signal waits for no call of the former one."""
    if HANDLERS.main != get_ident():
        HANDLERS.main = get_ident()
        HANDLERS.frame = HANDLERS.waiting = None
        HANDLERS.thread = here()
        HANDLERS.thread.main = True


if hasattr(os, "register_at_fork"):
    for _ in range(2):  # as ``fork`` does
        os.register_at_fork(after_in_child=_is_main)
