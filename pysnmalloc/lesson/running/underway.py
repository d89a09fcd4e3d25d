"""The check that is underway: its exercise, its calls so far, and a sign of life after a second (§2).

    with underway("Exercise 4.2"):
        ... pulse() ...          prints, once: … Exercise 4.2: still checking

``pulse`` is called wherever a check spends its time. It needs no thread, since a browser has none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Underway", "current", "pulse", "underway"]

SECONDS = 1.0
"""How long a check may be silent."""


@dataclass
class Underway:
    """A check that has begun.

    Attributes:
        title: what is checked.
        begun: when the check began, in seconds.
        calls: how many calls of the answer have returned a value.
        told: whether the sign of life has been printed.
    """

    title: str
    begun: float
    calls: int = 0
    told: bool = False


_CURRENT: ContextVar[Underway | None] = ContextVar("underway", default=None)


def current() -> Underway:
    """Return the check that is underway, or a new one if a judge is called without a check."""
    return _CURRENT.get() or Underway("", time.monotonic())


@contextmanager
def underway(title: str) -> Iterator[Underway]:
    """Begin a check of an exercise, and end it with the block."""
    check = Underway(title, time.monotonic())
    token = _CURRENT.set(check)
    try:
        yield check
    finally:
        _CURRENT.reset(token)


def pulse() -> None:
    """Print a sign of life if the check has been silent for a second. It is printed once."""
    check = _CURRENT.get()
    if check is not None and not check.told and time.monotonic() - check.begun > SECONDS:
        check.told = True
        print(f"… {check.title}: still checking", flush=True)
