"""Findings: what can go wrong, by name, and the execution that shows it, step by step (§2.2, §2.5).

    kind                         found by
    data race                    two accesses without order, one plain, one a write
    uninitialised read           a read of bytes that must be written first, and were not
    deadlock                     threads wait for values that nobody will store
    livelock within N steps      a thread goes on and on
    law broken: ...              a law of ``check``
    double free, invalid pointer the library's own errors
    lost message, ABA, ...       what the scenario's judge says

A finding is told by its execution, put in one line: one row per atomic step. Where
memory is weak a row says what the step read, from which step, and what else it
could have read; so the line is just one way to tell it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...atomics import Order
from ...errors import DoubleFree, InvalidPointer, LawBroken, SnmallocError
from ..executions.start import Broken, Race, ThreadFailed, Uninitialised
from ..threads.scenario import Scenario, Wrong
from ..threads.tree import TooLong

__all__ = ["Finding", "Printer", "Step", "named", "named_error"]


class Printer(Protocol):
    """What IPython prints with."""

    def text(self, text: str) -> object:
        """Print a text."""


@dataclass(frozen=True)
class Step:
    """One atomic step of an execution.

    Attributes:
        number: from 1.
        thread: its name.
        site: function and operation, as in ``weaken``.
        line: the source line.
        operation: in words, with the memory order.
        read: the value read, None for a store.
        written: the value stored, None for a load or a compare-exchange that failed.
        source: where the value read was written: ``step 3`` or ``the start``.
        alternatives: what else could have been read: (value, where it was written).
        after: the place of the store in the cell's modification order, where it is not the newest.
        newest: what is newest in the cell, (value, where it was written), where the step read or wrote something older.
        drawing: the structure after the step.
    """

    number: int
    thread: str
    site: str
    line: str
    operation: str
    read: str | None
    written: str | None
    source: str | None
    alternatives: tuple[tuple[str, str], ...]
    after: str | None
    drawing: tuple[str, ...]
    newest: tuple[str, str] | None = None


@dataclass(frozen=True)
class Finding:
    """Something wrong, and the shortest execution known that leads to it.

    Attributes:
        kind: its name.
        detail: what exactly was seen.
        scenario, model: where.
        threads: names, in the order of lanes.
        schedule: the execution as a short text, see ``schedule``.
        steps: one per atomic step.
        switches: how often the line goes from one thread to another.
        before: the structure at the start.
        weakened: sites that were given another order, and which.
        note: what the scenario has to say about it.
    """

    kind: str
    detail: str
    scenario: str
    model: str
    threads: tuple[str, ...]
    schedule: str
    steps: tuple[Step, ...]
    switches: int
    before: tuple[str, ...] = ()
    weakened: tuple[tuple[str, Order], ...] = ()
    note: str = ""

    def __str__(self) -> str:
        from .text import finding_text  # how it is shown is a layer above

        return finding_text(self)

    def _repr_pretty_(self, printer: Printer, _cycle: bool) -> None:
        """Show it where there is no HTML."""
        printer.text(str(self))

    def _repr_html_(self) -> str:
        from .html import finding_html

        return finding_html(self)


def named(scenario: Scenario, broken: Broken, names: tuple[str, ...]) -> tuple[str, str]:
    """Name what broke an execution: (kind, detail)."""
    if isinstance(broken, Race):
        first, second = (names[thread] for thread in broken.threads)
        return "data race", (
            f"nothing orders {first}'s and {second}'s accesses of {scenario.field(broken.address)}, "
            f"of which one writes: `{broken.lines[0]}` and `{broken.lines[1]}`"
        )
    if isinstance(broken, Uninitialised):
        return "uninitialised read", (
            f"{names[broken.threads[-1]]} reads {scenario.field(broken.address)}, which nobody wrote: `{broken.line}`"
        )
    assert isinstance(broken, ThreadFailed)
    kind, detail = named_error(broken.error)
    return kind, f"{names[broken.threads[-1]]}: {detail}"


def named_error(error: Exception) -> tuple[str, str]:
    """Name an error of a thread or of a judge: (kind, detail)."""
    if isinstance(error, Wrong):
        return error.kind, error.detail
    if isinstance(error, LawBroken):
        return f"law broken: {error.law}", f"{error.reason}\n{error.dump}"
    if isinstance(error, TooLong):
        return f"livelock within {error.limit} steps", str(error)
    if isinstance(error, DoubleFree):
        return "double free", str(error)
    if isinstance(error, InvalidPointer):
        return "invalid pointer", str(error)
    if isinstance(error, SnmallocError):
        return type(error).__name__, str(error)
    return f"error: {type(error).__name__}", str(error)
