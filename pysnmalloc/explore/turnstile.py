"""A turnstile lets one OS thread pass at a time, in the order of a schedule (§2.2).

    A  ──► gate ─┐
    B  ──► gate ─┼─►  one runs  ─► its turn ends: it opens the gate of the next, and goes to its own
    C  ──► gate ─┘

No thread uses a clock, and a thread wakes only for its turn. If the schedule ends or does not
fit, or if a thread fails, the turnstile opens all gates. Every thread that then passes a gate
must end.
"""

from __future__ import annotations

from threading import Semaphore

from .schedules.schedule import ScheduleError

__all__ = ["Stopped", "Turnstile"]


class Stopped(BaseException):
    """The run is over, and the thread must end."""


class Turnstile:
    """Lets one thread run at a time, in the order of a schedule.

    Only the thread whose turn it is uses this state. The gates hand the state on to the next thread.

    Attributes:
        waiting: the threads that wait for a word that had not changed by their turn, with its address and value.
    """

    def __init__(self, names: tuple[str, ...], turns: list[str]) -> None:
        self._names = names
        self._turns = turns
        self._gates = [Semaphore(0) for _ in names]
        self._arrived = 0  # the number of threads that were started towards their first operation
        self._made = 0  # the number of turns made
        self._ended: set[int] = set()
        self._stopped = False
        self._refused: ScheduleError | None = None
        self.waiting: dict[int, tuple[int, int]] = {}

    def open(self) -> None:
        """Let the first thread run."""
        self._pass_on()

    def enter(self, thread: int) -> None:
        """Wait for the thread's turn."""
        self._gates[thread].acquire()
        if self._stopped:
            raise Stopped

    def next(self, thread: int) -> None:
        """End the thread's turn, and wait for its next one."""
        self._pass_on()
        self.enter(thread)

    def end(self, thread: int) -> None:
        """Record that the thread has ended, and let the next thread run."""
        self._ended.add(thread)
        self._pass_on()

    def wait_for_ever(self, thread: int, address: int, unlike: int) -> None:
        """Record that the thread waits for a word that had not changed by its turn, and end its turn."""
        self.waiting[thread] = address, unlike
        self.next(thread)

    def stop(self) -> None:
        """End all threads, wherever they are."""
        self._stopped = True
        for gate in self._gates:
            gate.release()

    def demand_ended(self) -> None:
        """Raise if the schedule does not fit.

        Raises:
            ScheduleError: if a turn was impossible, or a thread could continue after the last turn.
        """
        if self._refused is not None:
            raise self._refused
        going = [n for thread, n in enumerate(self._names) if thread not in self._ended and thread not in self.waiting]
        if going:
            raise ScheduleError(f"the schedule ends, and {', '.join(going)} could continue; give them turns as well")

    def _pass_on(self) -> None:
        """Open the gate of the thread whose turn is next, or end all threads if there is none."""
        if self._stopped:
            return
        thread = self._next()
        if thread is None:
            self.stop()
        else:
            self._gates[thread].release()

    def _next(self) -> int | None:
        """Return the thread whose turn is next, or None if there is none."""
        if self._arrived < len(self._names):
            self._arrived += 1
            return self._arrived - 1
        if self._made == len(self._turns):
            return None
        name = self._turns[self._made]
        self._made += 1
        if name not in self._names:
            self._refuse(f"there is no thread “{name}”; the threads are {', '.join(self._names)}")
            return None
        thread = self._names.index(name)
        if thread in self._ended or thread in self.waiting:
            self._refuse(f"{name} cannot take a step: it has ended or waits for a value")
            return None
        return thread

    def _refuse(self, reason: str) -> None:
        """Record why the schedule does not fit."""
        self._refused = ScheduleError(f"turn {self._made}: {reason}")
