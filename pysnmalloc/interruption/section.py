"""A section: a call on an allocator, which is completed or loudly cut off, and never entered twice (§2.1).

    run("malloc", undo, work, size)
      SIGINT                      waits
      work ─┬─ returns            frees that were kept meanwhile are done; SIGINT arrives
            ├─ raises our error   the same, since our errors are raised before anything is changed
            └─ anything else      the allocator is cut off: every later call raises CutOff

The hot path needs no section. Between its first store and its last there is no call and no jump
backward, so neither a handler nor the collector runs there. The calls that it makes in rare cases
run in a section, and so does every other call that changes an allocator.

The law: an allocator is in at most one section. Two allocators of a thread may be in one each, one
inside the other, unless the thread holds the lock of the atomic operations, for which it would
wait for ever.

No step that could fail ends a section. If an exception arrives while a section ends, the next call
finds a frame that is not on the stack, and ignores it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import get_ident
from types import FrameType, SimpleNamespace
from typing import Protocol, TypeVar

from ..errors import CutOff, Reentered, SnmallocError
from .sigint import HANDLERS, SIGINT, Held, Thread, get_handler, here, is_on_stack

__all__ = ["Keeping", "Run", "Section", "here"]

T = TypeVar("T")


class Run(Protocol):
    """A function that runs a section, such as ``Section.run``."""

    def __call__(self, call: str, undo: Callable[[T], None] | None, work: Callable[..., T], *arguments: object) -> T:
        """Run a call to its end, or cut the allocator off."""
        ...


class Section:
    """The sections of one allocator, of which one can be entered at a time.

    Attributes:
        name: the allocator, for messages.
        thread: the state of the thread that holds the allocator.
        call: the name of the call that is under way, or was last.
        frame: the frame of that call, None if there is none.
        cut: the call that was cut off and the class of the exception, None if there is none.
        kept: how many frees came from inside another call and were kept.
    """

    __slots__ = ("_is_owned", "call", "cut", "frame", "kept", "name", "thread")

    def __init__(self, name: str, is_owned: Callable[[], bool]) -> None:
        self.name = name
        self._is_owned = is_owned  # whether this thread holds a lock that sections take
        self.thread = here()
        self.call = ""
        self.frame: FrameType | None = None
        self.cut: tuple[str, type[BaseException]] | None = None
        self.kept = 0

    def run(self, call: str, undo: Callable[[T], None] | None, work: Callable[..., T], *arguments: object) -> T:
        """Run a call to its end, or cut the allocator off. Cost: 0.4 µs; in the main thread, 0.5 µs.

        Args:
            call: its name, for messages.
            undo: takes the result back if SIGINT arrives at the end, since the caller will never see it; or None.
            work: what it does.
            *arguments: of ``work``.

        Raises:
            CutOff: if an earlier call was cut off.
            Reentered: if the call comes from inside another one.
        """
        thread = self.thread if self.thread.ident == get_ident() else here()
        outermost = thread.frame is None or not is_on_stack(thread.frame, sys._getframe())
        if not outermost or self.frame is not None or self.cut is not None:
            self.demand_outside(call)
            self.demand_whole(call)
        if thread.main and type(get_handler(SIGINT)) is not Held:
            HANDLERS.prepare()
        self.call = call
        if outermost:
            self.frame = thread.frame = sys._getframe()  # in no local variable: that would be a cycle
        else:
            self.frame = sys._getframe()
        try:
            result = work(*arguments)
            if (
                undo is not None
                and HANDLERS.waiting is not None
                and outermost
                and thread.main
                and HANDLERS.may_deliver()
            ):
                undo(result)
        except SnmallocError:
            raise
        except BaseException as error:
            self.cut = call, error.__class__  # no call here: the stack may be at its limit
            raise
        finally:
            self.frame = None
            if outermost:
                thread.frame = None
                if thread.kept:
                    _free_kept()
                if HANDLERS.waiting is not None and thread.main:
                    HANDLERS.deliver()
        return result

    def keep(self, free: Callable[[int], None], address: int) -> bool:
        """Keep a free that comes from inside another call; return whether there is such a call."""
        if not self.is_inside():
            return False
        self._current().kept.append((free, address))
        self.kept += 1
        return True

    def is_inside(self) -> bool:
        """Return whether a call would come from inside another one that it must not disturb."""
        if self.frame is not None and not is_on_stack(self.frame, sys._getframe()):
            if self.thread.ident != get_ident():
                return False  # another thread is in a call, which only checked mode can tell
            self.frame = None  # an exception arrived while the section ended
        return self.frame is not None or (self._current().frame is not None and self._is_owned())

    def demand_outside(self, call: str) -> None:
        """Raise ``Reentered`` if a call comes from inside another one that it must not disturb."""
        if self.is_inside():
            outer = self.call if self.frame is not None else "another call"
            raise Reentered(
                f"{call} was called from inside {outer}, by a finalizer, a weak-reference callback or a signal "
                f"handler, in the middle of a change; only free may be called there, and is done when {outer} ends; "
                f"call {call} before or after it (§2.1)"
            )

    def cut_off(self, call: str, error: BaseException) -> None:
        """Record that a call was cut off by an exception."""
        self.cut = call, error.__class__

    def demand_whole(self, call: str) -> None:
        """Raise ``CutOff`` if an earlier call was cut off."""
        if self.cut is not None:
            raise self._refusal(call)

    def _current(self) -> Thread:
        """Return the state of the calling thread; at the thread's end, without making its locals anew."""
        return self.thread if self.thread.ident == get_ident() else here()

    def _refusal(self, call: str) -> CutOff:
        """Return the error that tells what was cut off."""
        assert self.cut is not None
        within, error = self.cut
        return CutOff(
            f"{call}: {self.name} was cut off in the middle of {within} by {error.__name__}, so its lists may be half "
            "changed, and it refuses every call; use another allocator (heap.release(heap.own()) gives up the "
            "thread's own one), or make a new heap (§2.1)"
        )


class Keeping:
    """A context in which frees from inside are kept, although no section is under way: they are done at its end."""

    __slots__ = ("_before", "_thread")

    def __enter__(self) -> None:
        thread = self._thread = here()
        self._before, thread.frame = thread.frame, sys._getframe(1)

    def __exit__(self, *_: object) -> None:
        self._thread.frame = self._before
        _free_kept()


def _free_kept() -> None:
    """Do the frees that this thread kept. Their callers are gone, so an error goes where those of finalizers go."""
    thread = here()
    if any(each is not None and is_on_stack(each, sys._getframe()) for each in (thread.frame, thread.freeing)):
        return
    try:
        thread.freeing = sys._getframe()
        while thread.kept:
            free, address = thread.kept.pop(0)
            try:
                free(address)
            except Exception as error:
                sys.unraisablehook(
                    SimpleNamespace(
                        exc_type=type(error),
                        exc_value=error,
                        exc_traceback=error.__traceback__,
                        err_msg=f"free({address:#x}) was called from inside another call, and done after it",
                        object=free,
                    )
                )
    finally:
        thread.freeing = None
