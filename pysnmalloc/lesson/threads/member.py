"""A member of a crew: one thread of an answer, traced, with what it has done and how it failed (§2.2).

Safety: only the thread itself writes its counts. Others read them, and may read old ones.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from threading import Thread
from types import FrameType
from typing import Final, Protocol

from ..judging import where
from ..running.budget import GLANCE, MEMORY, Spent, TraceFunction, is_own
from ..running.memory import Room

__all__ = ["Member"]

TURN: Final = 256
"""Steps after which a thread lets others run: one that looks again and again must not hold up what it waits for."""

REFUSALS: Final = 10
"""How often a thread may swallow the error that is to end it. Then it sleeps for good: nothing else can end it."""

NAP: Final = 0.0005
_sleep = time.sleep  # while an answer runs, ``time.sleep`` is another


class Overseer(Protocol):
    """What a member knows of its crew.

    Attributes:
        over: why the crew was given up; empty as long as it was not.
        room: the memory that the answer may still take.
    """

    over: str
    room: Room | None

    def give_up_where(self, what: str) -> None:
        """End every member at its next line, and tell where each stands."""


class Member:
    """A thread of a crew.

    Attributes:
        thread: the thread.
        index: its place in the order in which the threads were started; 0 is the one that called the answer.
        deeds: how many things it has done that others can notice.
        steps: how many lines and calls it has taken.
        error: the error that ended it.
        done: whether its work is done, or has failed.
        awaited: whether somebody joins it.
        foreign: whether it was started by other means than ``Thread.start``, so that nothing is known of its end.
    """

    def __init__(self, crew: Overseer, thread: Thread, index: int) -> None:
        self.thread = thread
        self.index = index
        self.deeds = self.steps = 0
        self.error: BaseException | None = None
        self.done = self.awaited = self.foreign = False
        self._crew = crew
        self._base: FrameType | None = None
        self._refusals = 0

    def __str__(self) -> str:
        return f"thread {self.index}" if self.index else "your function itself"

    @property
    def named(self) -> str:
        """The thread with its name, as text."""
        return f"{self} ({self.thread.name})" if self.index else str(self)

    @property
    def failure(self) -> str:
        """How the thread failed, in words that follow its name; nothing if it did not, or if it was given up."""
        if self.error is None or isinstance(self.error, Spent):
            return ""
        if isinstance(self.error, SystemExit):
            return f"ends with SystemExit{where(self.error)}"
        return f"raises {type(self.error).__name__}: {self.error}{where(self.error)}"

    def work(self, body: Callable[[], object]) -> None:
        """Do the work of the thread, traced."""
        traced = sys.gettrace()
        self._base = sys._getframe()
        sys.settrace(self.trace)
        try:
            body()
        except Spent as error:
            self.error = error.with_traceback(None)  # its frames may hold the memory that was too much
        except BaseException as error:  # the thread ends either way, and its crew tells how
            self.error = error
        finally:
            self._base = None
            sys.settrace(traced)
            self.deeds += 1
            self.done = True

    def trace(self, frame: FrameType, event: str, _value: object) -> TraceFunction | None:
        """Count a line or a call. This is a trace function, as ``sys.settrace`` takes it. Libraries are not traced."""
        if event == "call" and not is_own(frame.f_code.co_filename):
            return None
        self.steps += 1
        if self.steps % TURN == 0:
            _sleep(NAP)
        crew = self._crew
        if not crew.over and crew.room is not None and self.steps % GLANCE == 0 and crew.room.is_spent():
            crew.give_up_where(f"takes more than {MEMORY >> 20} MiB of memory")
        if crew.over:
            self._refusals += 1
            if self._refusals > REFUSALS:
                threading.Event().wait()
            raise Spent(crew.over, self._rearm)
        return self.trace

    def _rearm(self) -> None:
        """Turn tracing on again, after the thread has swallowed the error that was to end it."""
        if self._base is None or threading.current_thread() is not self.thread:
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self._base:
            if is_own(frame.f_code.co_filename):
                frame.f_trace = self.trace
            frame = frame.f_back
        sys.settrace(self.trace)
