"""How the benchmarks measure: subjects in turn, short slices, medians of ratios.

    round 1:  A B C D      A slice of each subject follows the other within milliseconds, so when the
    round 2:  A B C D      machine slows down it slows all of them. The ratio is taken round by round,
    ...                    and the median of the ratios is quoted. Times are for orientation only.

Where a process happens to have its objects is worth some per cent to all its rounds, so
groups are measured in several processes, one after another, and the middle one is quoted.

The collector is off while a slice runs. Modules must come from .pyc files: on free-threaded Python, code
compiled from source in the same process shares the reference counts of its own constants.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from statistics import median

STEADY = 1.12  # how far the slowest and fastest of a turn's spins may be apart
Slice = Callable[[], float]  # runs a slice and returns nanoseconds per unit of work


@dataclass(frozen=True)
class Figure:
    """One measured ratio and what it is held against.

    Attributes:
        nanoseconds: medians of ours and theirs, per unit of work.
        target: the bound, None where there is none for this interpreter.
        at_least: whether the bound is a lower one.
        note: what else is to be known about it.
    """

    name: str
    ratio: float
    nanoseconds: tuple[float, float]
    target: float | None
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool:
        """Tell whether the bound holds."""
        if self.target is None:
            return True
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def interleave(subjects: dict[str, Slice], rounds: int, warm_up: int = 3) -> dict[str, list[float]]:
    """Run a slice of every subject in turn, ``rounds`` times; return each subject's times."""
    times: dict[str, list[float]] = {name: [] for name in subjects}
    for turn in range(warm_up + rounds):
        gc.collect(0)  # not between slices: it walks all objects, and the next slice would begin with cold caches
        gc.disable()
        try:
            for name, run in subjects.items():
                taken = run()
                if turn >= warm_up:
                    times[name].append(taken)
        finally:
            gc.enable()
    return times


def ratio(times: dict[str, list[float]], ours: str, theirs: str) -> tuple[float, tuple[float, float]]:
    """Return the median of the round-by-round ratios, and both medians."""
    pairs = [a / b for a, b in zip(times[ours], times[theirs], strict=True)]
    return median(pairs), (median(times[ours]), median(times[theirs]))


def in_processes(group: Callable[[], list[Figure]], count: int) -> Iterator[Figure]:
    """Measure a group in so many new processes; yield the middle of each figure, and between what the others were."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        runs = [pool.submit(group).result() for _ in range(count)]
    for figures in zip(*runs, strict=True):
        ordered = sorted(figures, key=lambda figure: figure.ratio)
        note = f"{ordered[0].ratio:.2f} to {ordered[-1].ratio:.2f} in {count} processes"
        yield replace(ordered[count // 2], note=note)


def timed(work: Callable[[], object], units: int, lead: Callable[[], object] = lambda: None) -> Slice:
    """Make a slice of a function that does ``units`` units of work, after an untimed ``lead`` that fetches its data."""

    def run() -> float:
        lead()
        start = time.perf_counter_ns()
        work()
        return (time.perf_counter_ns() - start) / units

    return run


def spin() -> int:
    """Return the nanoseconds of a loop over small integers, the fastest of three: this thread's speed just now."""
    return min(_loop() for _ in range(3))


def _loop() -> int:
    start, value = time.perf_counter_ns(), 0
    for step in range(2_000):
        value = step & 127 ^ value
    return time.perf_counter_ns() - start


def steady(spins: list[int]) -> bool:
    """Tell whether the machine gave all of a turn's threads a processor alike, before and after their slices."""
    return max(spins) <= STEADY * min(spins)


def interpreter() -> str:
    """Name this interpreter as the tables do: 3.11, 3.13, 3.13t."""
    free_threaded = "t" if not getattr(sys, "_is_gil_enabled", lambda: True)() else ""
    return f"{sys.version_info.major}.{sys.version_info.minor}{free_threaded}"
