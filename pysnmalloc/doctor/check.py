"""What a check of ``doctor`` is: some work, and how it ended.

    ok        what was looked for holds
    failed    it does not
    absent    the platform lacks the feature, and the heap does without

The law: a check asserts something that can fail. Being slow is no failure: a
check asks now and then whether there is time for more, and else does less.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Absent", "Check", "More", "Outcome", "Work", "demand", "make"]


class Outcome(enum.Enum):
    """How a check ended."""

    OK = "ok"  #: as it must be
    FAILED = "failed"  #: not as it must be
    ABSENT = "absent"  #: this machine has not what was to be looked at


@dataclass(frozen=True)
class Check:
    """A check that was made.

    Attributes:
        name: what was checked.
        outcome: how it ended.
        detail: what was found or done.
    """

    name: str
    outcome: Outcome
    detail: str


class Absent(Exception):  # not an error: the platform lacks the feature
    """The platform lacks a feature; the heap does without."""


More = Callable[[], bool]
"""Called by a check now and then: shows that it goes on, and tells whether there is time for more."""

Work = Callable[[More], str]
"""A check: says what it found or did, or raises what is wrong."""


def make(name: str, work: Work, more: More) -> Check:
    """Make one check."""
    more()
    try:
        return Check(name, Outcome.OK, work(more))
    except Absent as absent:
        return Check(name, Outcome.ABSENT, str(absent))
    except Exception as error:  # whatever it is, it is what the check found
        return Check(name, Outcome.FAILED, f"{type(error).__name__}: {error}")


def demand(holds: bool, found: str) -> None:
    """Fail a check."""
    if not holds:
        raise AssertionError(found)
