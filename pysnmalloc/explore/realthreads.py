"""A schedule on real threads: the interleaving of a finding, run by threads of the operating system (§2.2).

    schedule          A         A           B         A
                      │         │           │         │         a turn: an atomic operation, and
    A  plain code ─┤  load ──┤  exchange ┤            store     what follows it up to the thread's
    B              plain code ┤              load ──┤           next one, where it stops (┤)

Each thread of the scenario is an OS thread, on the real bytes, with the real atomics. The
turnstile lets the threads pass in the order of the schedule. At the start, each thread runs to
its first operation, in the order of the lanes.

The law: one thread runs at a time, and everything that it did happens before the next turn. The
run shows that the explorer and real threads agree on what the code does, and a debugger can step
through a finding. Real threads show neither a data race nor an uninitialised read. A schedule
with = or ^ is not an interleaving, and ``run_on_threads`` refuses it.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from threading import Thread

from ..atomics import Atomics, AtomicsLock, Order
from ..memory import Memory
from .findings.naming import named_error
from .findings.result import Outcome
from .schedules.schedule import Schedule, ScheduleError
from .search.exploration import Exploration
from .threads.scenario import Place, Scenario
from .turnstile import Stopped, Turnstile

__all__ = ["Ran", "run_on_threads"]


@dataclass(frozen=True)
class Ran:
    """The result of running a schedule on real threads.

    Attributes:
        outcome: the threads' results and the judge's, as in ``Result.outcomes``; None if there is a failure, or
            if a thread waits for a value that was stored after the thread's turn.
        kind, detail: the name of the failure and its description, as in a finding; empty if there is no failure.
    """

    outcome: Outcome | None
    kind: str = ""
    detail: str = ""


def run_on_threads(scenario: Scenario, schedule: str) -> Ran:
    """Replay an interleaving on real threads. After the last turn, every thread must have ended or wait forever.

    Cost: a switch of threads for each turn.

    Args:
        scenario: the scenario to run; it is copied, not changed.
        schedule: the schedule, as a finding shows it.

    Raises:
        ScheduleError: if the schedule is not an interleaving, or does not fit this scenario.
    """
    turns = Schedule.parse(schedule)
    if not turns.interleaves:
        raise ScheduleError(
            f"“{schedule}” has steps that do not read or write the newest value (= or ^). Real threads in Python are "
            "sequentially consistent and cannot do that; replay the schedule in the explorer"
        )
    exploration = Exploration(scenario, "sc", {}, 0)
    turnstile = Turnstile(exploration.names, [turn.thread for turn in turns.turns])
    lanes = [_Lane(number, exploration, turnstile) for number in range(len(exploration.names))]
    threads = [Thread(target=lane.run, name=name) for lane, name in zip(lanes, exploration.names, strict=True)]
    try:
        for thread in threads:
            thread.start()
        turnstile.open()
        for thread in threads:
            thread.join()
    finally:  # no thread may be left behind after an interrupt
        turnstile.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
    return _verdict(exploration, turnstile, lanes)


def _verdict(exploration: Exploration, turnstile: Turnstile, lanes: list[_Lane]) -> Ran:
    """Return the result of the run."""
    for lane in lanes:
        if isinstance(lane.error, Exception):
            kind, detail = named_error(lane.error)
            return Ran(None, kind, f"{exploration.names[lane.number]}: {detail}")
        if lane.error is not None:
            raise lane.error
    turnstile.demand_ended()
    memory = exploration.memory
    if turnstile.waiting:
        waits = sorted(turnstile.waiting.items())
        if any(memory.u64[address >> 3] != value for _, (address, value) in waits):
            return Ran(None)  # a waiting thread would continue if it had another turn
        return Ran(None, *exploration.deadlock({lane: address for lane, (address, _) in waits}))
    judged = exploration.judged(bytes(memory.space.buffer[:]), tuple(lane.result for lane in lanes))
    return Ran(judged) if isinstance(judged, Outcome) else Ran(None, *judged)


class _Lane:
    """A thread of the scenario, and the OS thread that runs it.

    Attributes:
        result, error: the value that the thread returned, and the error that ended it.
    """

    def __init__(self, number: int, exploration: Exploration, turnstile: Turnstile) -> None:
        self.number = number
        self.result: Hashable = None
        self.error: BaseException | None = None
        self._code = exploration.code[number]
        self._memory = exploration.memory
        self._lock = exploration.lock
        self._turnstile = turnstile

    def run(self) -> None:
        """Run the thread's code. The OS thread calls this method."""
        turnstile = self._turnstile
        try:
            turnstile.enter(self.number)
            memory = self._memory.own_views()
            self.result = self._code(_TurnPlace(memory, _TurnAtomics(memory, self._lock, self), self))
            turnstile.end(self.number)
        except Stopped:
            pass
        except BaseException as error:  # after any error, no thread may be left at a gate
            self.error = error
            turnstile.stop()

    def come(self) -> None:
        """End the turn before an atomic operation, and wait for the next turn."""
        self._turnstile.next(self.number)

    def wait_for_ever(self, address: int, unlike: int) -> None:
        """Wait for a word that no thread had changed by this turn."""
        self._turnstile.wait_for_ever(self.number, address, unlike)


class _TurnAtomics(Atomics):
    """The atomics, with each operation in a turn of its thread. Fences are not steps."""

    __slots__ = ("_lane",)

    def __init__(self, memory: Memory, lock: AtomicsLock, lane: _Lane) -> None:
        super().__init__(memory, lock)
        self._lane = lane

    def load(self, address: int, order: Order) -> int:
        self._lane.come()
        return super().load(address, order)

    def poll(self, address: int) -> int:
        self._lane.come()
        return super().poll(address)

    def speculate(self, address: int) -> int:
        self._lane.come()
        return super().speculate(address)

    def load_links(self, first: int, offset: int, most: int) -> list[int]:
        passed = [first]
        while len(passed) <= most and (after := self.load(passed[-1] + offset, Order.ACQUIRE)):  # each load is a step
            passed.append(after)
        return passed

    def store(self, address: int, value: int, order: Order) -> None:
        self._lane.come()
        super().store(address, value, order)

    def exchange(self, address: int, value: int, order: Order) -> int:
        self._lane.come()
        return super().exchange(address, value, order)

    def fetch_add(self, address: int, amount: int, order: Order) -> int:
        self._lane.come()
        return super().fetch_add(address, amount, order)

    def compare_exchange(self, address: int, expected: int, desired: int, order: Order) -> tuple[bool, int]:
        self._lane.come()
        return super().compare_exchange(address, expected, desired, order)

    def compare_exchange_2(
        self, address: int, expected: tuple[int, int], desired: tuple[int, int], order: Order
    ) -> tuple[bool, tuple[int, int]]:
        self._lane.come()
        return super().compare_exchange_2(address, expected, desired, order)


class _TurnPlace(Place):
    """A place on a real thread that takes turns."""

    def __init__(self, memory: Memory, atomics: _TurnAtomics, lane: _Lane) -> None:
        super().__init__(memory, atomics)
        self._lane = lane

    def wait(self, address: int, unlike: int, order: Order) -> int:
        """Wait in one step: the word must have changed before the thread's turn."""
        value = self.atomics.load(address, order)
        if value == unlike:
            self._lane.wait_for_ever(address, unlike)
        return value
