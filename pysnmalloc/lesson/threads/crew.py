"""A crew: the thread that calls an answer, and all threads that the answer starts (§2.2).

    run ─► start the caller ─► look, look, ... ─► all have ended: what the answer returned
                                     └──────────► given up: Spent, with where each thread stands

A thread that has done its work does not end before somebody joins it or the answer has returned, so that an
answer which does not wait for its threads is found out each time.

Safety: members are entered under a lock. A thread that is given up is a daemon. It ends at its next line. If
it waits for ever, it holds up neither a later check nor the end of Python.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from threading import Thread
from typing import Final

from ..running.budget import Spent, place
from ..running.memory import Room
from ..running.underway import pulse
from .member import Member
from .patience import GRIEF, WAITING, Patience
from .standins import measured, watched

__all__ = ["Crew", "NoThreads"]

LOOK: Final = 0.1
"""Seconds between two looks at the crew."""

GLANCE: Final = 0.002
"""Seconds between two looks of a thread that lingers."""

GLANCES: Final = 45
"""Looks of a thread that lingers at which no other has done anything, before it goes on."""

DEEDS: Final = 5_000
"""How many deeds the threads of an answer may do."""

THREADS: Final = 64
"""How many threads an answer may start."""

_sleep = time.sleep  # while an answer runs, ``time.sleep`` is another


class NoThreads(Exception):
    """This Python cannot start threads."""


class Crew:
    """The threads of one call of an answer.

    Attributes:
        members: the thread that called the answer, and those that were started, in that order.
        over: why the crew was given up, in words; empty as long as it was not.
        left: the members that had not ended when the answer returned.
        room: the memory that it may still take before it is given up; None before it runs.
    """

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.over = ""
        self.left: list[Member] = []
        self.room: Room | None = None
        self._members: dict[Thread, Member] = {}
        self._failed: list[Member] = []
        self._returned = False
        self._bell = threading.Event()
        self._lock = threading.Lock()

    @property
    def started(self) -> list[Member]:
        """The members that the answer started, in the order in which it did."""
        return self.members[1:]

    @property
    def failures(self) -> list[str]:
        """How threads failed that the answer started, in words, in the order in which they did."""
        return [f"{each.named} {each.failure}" for each in self._failed]

    # The thread that checks.

    def run(self, answer: Callable[..., object], *arguments: object) -> object:
        """Call an answer, wait until all of its threads have ended, and return what it returned.

        Raises:
            NoThreads: if Python cannot start a thread. Nothing was called.
            Spent: if threads wait or loop for ever, or do or take too much.
            BaseException: the error that the answer itself raised.
        """
        caller, returned = self._enter(Thread(daemon=True)), []

        def work() -> None:
            caller.work(lambda: returned.append(answer(*arguments)))
            self.left = [each for each in self.started if each.thread.is_alive()]
            self._returned = True
            self._bell.set()

        vars(caller.thread)["run"] = work
        try:
            with measured() as self.room, watched(self):
                self._launch(caller)
                self._watch()
        except BaseException:
            self.give_up("was interrupted")
            raise
        if caller.failure and caller.error is not None:
            raise caller.error
        if not all(each.done for each in self.members) or any(isinstance(each.error, Spent) for each in self.members):
            raise Spent(self.over, lambda: None)
        return returned[0]

    def _launch(self, caller: Member) -> None:
        """Start the thread that calls the answer."""
        try:
            caller.thread.start()
        except RuntimeError as error:
            self.dismiss(caller.thread)
            raise NoThreads(str(error)) from None

    def _watch(self) -> None:
        """Wait until all members have ended, or give up."""
        patience = Patience()
        while not self.over and not self._has_ended():
            something_ended = self._bell.wait(LOOK)
            self._bell.clear()
            pulse()
            if something_ended:
                continue
            deeds, steps = sum(each.deeds for each in self.members), sum(each.steps for each in self.members)
            failed = any(each.failure for each in self.members)
            if lost := patience.lost(deeds, steps, failed=failed):
                self.give_up_where(lost)
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

    # The members, and the judge's things that they use.

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
        """Hold the calling thread until no other does anything any more, so that the others show whether they wait.

        Args:
            until: the thread goes on as soon as this returns True.
        """
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

    def give_up_where(self, what: str) -> None:
        """End every member at its next line, and tell where each stands that has not ended.

        Args:
            what: what the threads do. One that waits is not in a loop, whatever is around its line.
        """
        frames, told = sys._current_frames(), []
        for each in self.members:
            if not each.done:
                at = place(frames.get(each.thread.ident or 0), with_loop=what != WAITING)
                told.append(f"{each.named} is{at.removeprefix(',') or ' on its way'}")
        frames.clear()  # this frame is one of them, and would hold the others
        self.give_up(f"{what}: {'; '.join(told)}")

    # The stand-ins.

    def has(self, thread: Thread) -> bool:
        """Return whether a thread is a member."""
        return thread in self._members

    def enlist(self, thread: Thread) -> None:
        """Make a thread, which a member is about to start, a member as well.

        Raises:
            Spent: if there are too many.
        """
        if len(self.members) > THREADS:
            self.give_up(f"starts more than {THREADS} threads")
        self.deed()
        member, run = self._enter(thread), thread.run
        thread.daemon = True

        def work() -> None:
            member.work(run)
            if member.failure:
                self._failed.append(member)
            self.linger(lambda: member.awaited or self._returned)
            self._bell.set()

        vars(thread)["run"] = work

    def dismiss(self, thread: Thread) -> None:
        """Forget a thread that could not be started."""
        self.members.remove(self._members.pop(thread))

    def settle(self, thread: Thread) -> None:
        """Wait until a thread takes its first step, so that of a pool's threads, the first has the first task."""
        member = self._members[thread]
        self.linger(lambda: member.steps > 0 or member.done)

    def await_(self, thread: Thread) -> None:
        """Record that somebody joins a member, which may end now."""
        self._members[thread].awaited = True

    def _enter(self, thread: Thread) -> Member:
        """Make a thread a member."""
        with self._lock:
            member = self._members[thread] = Member(self, thread, len(self.members))
            self.members.append(member)
        return member
