"""What an exploration found, as data (§2.2)."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from ...atomics import Order
from .finding import Finding
from .shown import Shown

__all__ = ["Outcome", "Result", "frozen"]


def frozen(value: object) -> Hashable:
    """Return a value that can be counted: tuples for lists and dicts, a text for what cannot be compared by value."""
    if isinstance(value, list | tuple):
        return tuple(map(frozen, value))
    if isinstance(value, dict):
        return tuple((frozen(key), frozen(each)) for key, each in value.items())
    if isinstance(value, set | frozenset):
        return frozenset(map(frozen, value))
    try:
        hash(value)
    except Exception:  # any that a class raises
        return repr(value)
    return value


@dataclass(frozen=True)
class Outcome:
    """The outcome of an execution: the threads' results, by lane, and the judge's verdict.

    Attributes:
        results: what each thread's function returned.
        judged: what the scenario's ``judge`` returned, all threads having ended.
    """

    results: tuple[Hashable, ...]
    judged: Hashable = None


@dataclass(frozen=True)
class Result(Shown):
    """What an exploration found.

    Attributes:
        scenario, model: what was explored.
        how: how executions were explored, in words.
        exhausted: whether no execution was left out.
        within: the bound within which none was left out, if there is one.
        executions: how many were explored, including those cut off by a failure.
        classes: how many different ones, by what reads from what and the order of writes.
        unfair: executions left aside because a thread waits forever for a value already stored.
        outcomes: each with the number of executions that had it.
        findings: the failures, one per kind, the shortest seen.
        runs: how often the threads' functions were run.
        threads: names, in the order of an outcome's results.
        weakened: sites with a changed order, and that order.
    """

    scenario: str
    model: str
    how: str
    exhausted: bool
    within: str | None
    executions: int
    classes: int
    unfair: int
    outcomes: dict[Outcome, int]
    findings: tuple[Finding, ...]
    runs: int
    threads: tuple[str, ...] = ()
    weakened: tuple[tuple[str, Order], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.findings

    @property
    def verdict(self) -> str:
        """One of three honest answers, in words."""
        if self.findings:
            return "wrong: " + ", ".join(finding.kind for finding in self.findings)
        if self.exhausted:
            return "proved for all executions"
        if self.within is not None:
            return f"proved for all executions with {self.within}"
        return f"nothing wrong in {self.executions:,} executions ({self.how}); no proof"
