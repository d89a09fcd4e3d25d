"""A check of ``doctor``: some work and its outcome.

    ok        the assertion holds
    failed    the assertion does not hold
    absent    the platform lacks the feature, and the heap works without it

The law: a check asserts something that can fail. Slowness is not a failure: a check
regularly asks whether time is left, and does less work if none is.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Absent", "Check", "More", "Outcome", "Work", "demand", "make"]


class Outcome(enum.Enum):
    """The outcome of a check."""

    OK = "ok"  #: the assertion holds
    FAILED = "failed"  #: the assertion does not hold
    ABSENT = "absent"  #: this machine lacks the feature


@dataclass(frozen=True)
class Check:
    """The result of a check.

    Attributes:
        name: what was checked.
        outcome: of the check.
        detail: of the outcome.
    """

    name: str
    outcome: Outcome
    detail: str


class Absent(Exception):  # not an error: the platform lacks the feature
    """The platform lacks a feature; the heap works without it."""


More = Callable[[], bool]
"""Called regularly by a check: shows progress, and returns whether time is left."""

Work = Callable[[More], str]
"""The work of a check: returns what it found, or raises an error."""


def make(name: str, work: Work, more: More) -> Check:
    """Run one check."""
    more()
    try:
        return Check(name, Outcome.OK, work(more))
    except Absent as absent:
        return Check(name, Outcome.ABSENT, str(absent))
    except Exception as error:  # any exception is the check's finding
        return Check(name, Outcome.FAILED, f"{type(error).__name__}: {error}")


def demand(holds: bool, found: str) -> None:
    """Fail a check unless a condition holds."""
    if not holds:
        raise AssertionError(found)
