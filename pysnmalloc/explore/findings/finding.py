"""Findings: what can go wrong, by name, and the execution that shows it, step by step (§2.2, §2.5).

    kind                         found by
    data race                    two accesses without order, one plain, one a write
    uninitialised read           a read of bytes that must be written first, and were not
    not repeatable               a thread did something else after the same reads
    wrong use, endless loop      a thread did what no thread may do; see ``threads.misuse``
    deadlock                     threads wait, or spin, for values that no thread will store
    livelock within N steps      a thread changes things again and again, and does not end
    law broken: ...              a law of ``check``
    double free, invalid pointer the library's own errors
    lost message, ABA, ...       what the scenario's judge says

A finding shows its execution in a single order, with one row per atomic step. If memory is
weak, a row says what the step read, from which step, and what else it could have read. The
order is therefore only one of several that show the same execution.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...atomics import Order
from .shown import Shown

__all__ = ["Finding", "Step"]


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
class Finding(Shown):
    """A failure, and the shortest known execution that leads to it.

    Attributes:
        kind: its name.
        detail: what exactly was seen.
        scenario, model: where.
        threads: names, in the order of lanes.
        schedule: the execution as a short text, see ``schedule``.
        steps: one per atomic step.
        switches: how often the line goes from one thread to another.
        before: the structure at the start.
        weakened: sites with a changed order, and that order.
        note: the scenario's note on it.
        command: the scenario's name on the command line, if it has one there.
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
    command: str = ""
