"""Threads of an answer: they are watched, none waits or loops for ever, and each is named (§2.2).

    crew = Crew()                         caller ──► answer(...)      joins
    crew.run(answer, heap, 3, 20)            ├── thread 1 ─────┤        ▲
                                             ├── thread 2 ─────┼────────┘
    crew.linger()  holds one of them         └── thread 3 ─────┘

The answer runs in a thread of its own, so that the check goes on if it does not. Every thread that it
starts is a member of the crew, in the order of start. A member reports its deeds (calls of a judge's
heap, and the start and end of threads), and its steps are traced. The crew looks ten times a second. It
gives up if there was no deed and no step, or many steps without a deed, each time it looked for five
seconds. A machine that is busy delays the looks as well, so a slow thread is not a stuck one.

A thread that has done its work does not end before somebody joins it, so that an answer which does not
wait for its threads is found out each time. ``time.sleep`` is short, because a thread that sleeps in
place of waiting for another must be found out, too.

Safety: each count is written by one thread. A thread that is given up is a daemon. It ends at its next
line; if it waits for ever, it does so without holding up a later check or the end of Python.
"""

from __future__ import annotations

import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from types import FrameType
from typing import Final

from .judging import where
from .running.budget import LINES, MEMORY, Spent, TraceFunction, is_own, place
from .running.underway import pulse

__all__ = ["Crew", "Member", "NoThreads"]

LOOK: Final = 0.1
"""Seconds between two looks at the crew."""

PATIENCE: Final = 50
"""Looks at which nothing has moved, or at which nothing was done in many steps, before the crew is given up."""

GRIEF: Final = 10
"""Looks at which nothing has moved after a thread has failed. The others may wait for it in vain."""

GLANCE: Final = 0.002
"""Seconds between two looks of a thread that lingers."""

GLANCES: Final = 45
"""Looks of a thread that lingers at which no other has done anything, before it goes on."""

DEEDS: Final = 5_000
"""How many deeds the threads of an answer may do."""

THREADS: Final = 64
"""How many threads an answer may start."""

TURN: Final = 256
"""Steps after which a thread lets others run: one that looks again and again must not hold up what it waits for."""

NAP: Final = 0.0005
_sleep = time.sleep


class NoThreads(Exception):
    """This Python cannot start threads."""


class Member:
    """A thread of the crew.

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

    def __init__(self, crew: Crew, thread: Thread, index: int) -> None:
        self.thread = thread
        self.index = index
        self.deeds = self.steps = 0
        self.error: BaseException | None = None
        self.done = False
        self.awaited = False
        self.foreign = False
        self._crew = crew
        self._base: FrameType | None = None

    def __str__(self) -> str:
        return f"thread {self.index}" if self.index else "your function itself"

    @property
    def named(self) -> str:
        """The thread with its name, as text."""
        return f"thread {self.index} ({self.thread.name})" if self.index else "your function itself"

    @property
    def failure(self) -> str:
        """How the thread failed, in words that follow its name; nothing if it did not."""
        if self.error is None or isinstance(self.error, Spent):
            return ""
        if isinstance(self.error, SystemExit):
            return f"ends with SystemExit{where(self.error)}"
        return f"raises {type(self.error).__name__}: {self.error}{where(self.error)}"

    def work(self, body: Callable[[], object]) -> None:
        """Do the work of the thread, traced."""
        self._base = sys._getframe()
        sys.settrace(self.trace)
        try:
            body()
        except BaseException as error:  # the thread ends either way, and the crew tells how
            if isinstance(error, Spent):
                error.with_traceback(None)  # its frames may hold the memory that was too much
            elif self.index:
                self._crew.failed.append(self)
            self.error = error
        finally:
            self._base = None
            sys.settrace(None)
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
        if not crew.over and tracemalloc.get_traced_memory()[0] > crew.memory:
            crew.give_up(f"takes more than {MEMORY >> 20} MiB of memory: {self.named} is{_at(frame)}")
        if crew.over:
            raise Spent(crew.over, self._rearm)
        return self.trace

    def _rearm(self) -> None:
        """Turn tracing on again, after the thread has swallowed the error that was to end it."""
        if self._base is None or threading.current_thread() is not self.thread:
            return
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame is not self._base:
            frame.f_trace = self.trace
            frame = frame.f_back
        sys.settrace(self.trace)


class Crew:
    """The threads of one call of an answer.

    Attributes:
        members: the thread that called the answer, and those that were started, in that order.
        failed: the members that an error ended, except the first, in the order in which they failed.
        over: why the crew was given up, in words; empty as long as it was not.
        left: the members that had not ended when the answer returned.
        memory: how many bytes Python may hold before the crew is given up.
    """

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.memory = MEMORY
        self.failed: list[Member] = []
        self.over = ""
        self.left: list[Member] = []
        self._members: dict[Thread, Member] = {}
        self._returned = False
        self._result: object = None
        self._bell = threading.Event()
        self._lock = threading.Lock()

    @property
    def started(self) -> list[Member]:
        """The members that the answer started, in the order in which it did."""
        return self.members[1:]

    def run(self, answer: Callable[..., object], *arguments: object) -> object:
        """Call an answer, wait until all of its threads have ended, and return what it returned.

        Raises:
            NoThreads: if Python cannot start a thread. Nothing was called.
            Spent: if threads wait or loop for ever, or do or take too much.
            BaseException: the error that the answer itself raised.
        """
        caller = self._enter(Thread(daemon=True))

        def work() -> None:
            caller.work(lambda: vars(self).update(_result=answer(*arguments)))
            self.left = [each for each in self.started if each.thread.is_alive()]
            self._returned = True
            self._bell.set()

        vars(caller.thread)["run"] = work
        try:
            with _measured(self), _watched(self):
                self._launch(caller)
                self._watch()
        except KeyboardInterrupt:
            self.give_up("was interrupted")
            raise
        return self._outcome(caller)

    def _launch(self, caller: Member) -> None:
        """Start the thread that calls the answer."""
        try:
            caller.thread.start()
        except RuntimeError as error:
            self.members.clear()
            self._members.clear()
            raise NoThreads(str(error)) from None

    def _outcome(self, caller: Member) -> object:
        """Return what the answer returned, or raise what ended it."""
        if caller.error is not None and not isinstance(caller.error, Spent):
            raise caller.error
        if not all(each.done for each in self.members) or any(isinstance(each.error, Spent) for each in self.members):
            raise Spent(self.over, lambda: None)
        return self._result

    def me(self) -> Member:
        """Return the calling thread's member. A thread that was started in some unknown way becomes one."""
        thread = threading.current_thread()
        if thread in self._members:
            return self._members[thread]
        member = self._enter(thread)
        member.foreign = member.done = True
        return member

    def deed(self) -> Member:
        """Record that the calling thread does something that others can notice; return its member.

        Raises:
            Spent: if the crew was given up, or if there were too many deeds.
        """
        member = self.me()
        member.deeds += 1
        if sum(each.deeds for each in self.members) > DEEDS:
            self.give_up(f"does not come to an end: its threads have made {DEEDS:,} calls, {member.named} the last")
        if self.over:
            raise Spent(self.over, lambda: None)
        return member

    def linger(self, until: Callable[[], bool] = bool) -> None:
        """Hold the calling thread until no other does anything any more, so that the others show whether they wait."""
        me, quiet, seen = self.me(), 0, -1
        while quiet < GLANCES and not until() and not self.over:
            _sleep(GLANCE)
            deeds = sum(each.deeds for each in self.members if each is not me)
            quiet, seen = quiet + 1 if deeds == seen else 0, deeds

    def give_up(self, why: str) -> None:
        """End every member at its next line. The first reason counts."""
        with self._lock:
            self.over = self.over or why
        self._bell.set()

    def has(self, thread: Thread) -> bool:
        """Return whether a thread is a member."""
        return thread in self._members

    def enlist(self, thread: Thread) -> None:
        """Make a thread, which a member is about to start, a member as well.

        Raises:
            Spent: if there are too many.
        """
        self.deed()
        if len(self.members) > THREADS:
            self.give_up(f"starts more than {THREADS} threads")
            raise Spent(self.over, lambda: None)
        member, run = self._enter(thread), thread.run
        thread.daemon = True

        def work() -> None:
            member.work(run)
            self.linger(lambda: member.awaited or self._returned)
            self._bell.set()

        vars(thread)["run"] = work

    def dismiss(self, thread: Thread) -> None:
        """Forget a thread that could not be started."""
        self.members.remove(self._members.pop(thread))

    def await_(self, thread: Thread) -> None:
        """Record that somebody joins a member, which may end now."""
        self._members[thread].awaited = True

    def _enter(self, thread: Thread) -> Member:
        """Make a thread a member."""
        with self._lock:
            member = self._members[thread] = Member(self, thread, len(self.members))
            self.members.append(member)
        return member

    def _watch(self) -> None:
        """Wait until all members have ended, or give up."""
        deeds = steps = looks = quiet = counted = 0
        while not self._has_ended():
            self._bell.wait(LOOK)
            looked = not self._bell.is_set()
            self._bell.clear()
            pulse()
            if self.over:
                break
            now_deeds, now_steps = sum(each.deeds for each in self.members), sum(each.steps for each in self.members)
            if now_deeds != deeds:
                looks, counted = 0, now_steps
            quiet = quiet + looked if (now_deeds, now_steps) == (deeds, steps) else 0
            looks += looked
            deeds, steps = now_deeds, now_steps
            failed = any(each.error is not None for each in self.members)
            if quiet >= (GRIEF if failed else PATIENCE):
                self.give_up(f"waits for ever: {self._places()}")
            elif looks >= 2 * PATIENCE or (looks >= PATIENCE and steps - counted > LINES):
                self.give_up(f"does not come to an end: {self._places()}")
        self._bury()

    def _has_ended(self) -> bool:
        """Return whether the answer has returned and all of its threads have ended."""
        if not self._returned or not all(each.done for each in self.members):
            return False
        known = [each.thread for each in self.members if not each.foreign]
        for thread in known:  # they end at once
            thread.join(LOOK)
        return not any(thread.is_alive() for thread in known)

    def _bury(self) -> None:
        """Wait for members that end at their next line. Keep Python from waiting for others at its own end."""
        for _ in range(GRIEF):
            if all(each.done for each in self.members):
                return
            _sleep(LOOK / 4)
        from concurrent.futures import thread as pools  # loaded only if a thread is lost

        for each in self.members:
            if not each.done:
                getattr(pools, "_threads_queues", {}).pop(each.thread, None)

    def _places(self) -> str:
        """Return where each member stands that has not ended, as text."""
        frames = sys._current_frames()
        going = [each for each in self.members if not each.done]
        return "; ".join(f"{each.named} is{_at(frames.get(each.thread.ident or 0))}" for each in going)


def _at(frame: FrameType | None) -> str:
    """Return where a thread stands, as words that follow “is”."""
    return place(frame).removeprefix(",") or " on its way"


@contextmanager
def _measured(crew: Crew) -> Iterator[None]:
    """Measure memory. What traces the calling thread would count its looks at the crew, so it must not."""
    traced, measured = sys.gettrace(), tracemalloc.is_tracing()
    sys.settrace(None)
    if not measured:
        tracemalloc.start()
    crew.memory = MEMORY + tracemalloc.get_traced_memory()[0]
    try:
        yield
    finally:
        if not measured:
            tracemalloc.stop()
        sys.settrace(traced)


@contextmanager
def _watched(crew: Crew) -> Iterator[None]:
    """Let a crew know of each thread that its members start and join, and let them sleep only shortly."""
    start, join, sleep = Thread.start, Thread.join, time.sleep

    def watched_start(thread: Thread) -> None:
        if not crew.has(threading.current_thread()):
            return start(thread)
        crew.enlist(thread)
        try:
            start(thread)
        except RuntimeError:
            crew.dismiss(thread)
            raise

    def watched_join(thread: Thread, timeout: float | None = None) -> None:
        if crew.has(thread) and threading.current_thread() is not thread:
            crew.await_(thread)
        join(thread, timeout)

    def watched_sleep(seconds: float, /) -> None:
        sleep(min(seconds, GLANCE) if crew.has(threading.current_thread()) else seconds)

    _set(watched_start, watched_join, watched_sleep)
    try:
        yield
    finally:
        _set(start, join, sleep)


def _set(start: Callable[..., None], join: Callable[..., None], sleep: Callable[..., None]) -> None:
    """Let these functions start threads, join them, and sleep."""
    for owner, name, function in ((Thread, "start", start), (Thread, "join", join), (time, "sleep", sleep)):
        setattr(owner, name, function)
