"""Patience: when threads that are looked at are given up (§2.2).

    look      1    2    3   ...                    50
    deeds     7    7    7                           7     nothing moved: they wait for ever
    steps   120  120  120                         120
    steps   120 9000 ...                      120,000     steps, but no deed: they loop for ever

A thread that is ready to run on a busy machine runs sooner or later, and so does the one that looks. If
that one has run many times and the other has not even once, the other is not ready.
"""

from __future__ import annotations

from typing import Final

from ..running.budget import LINES

__all__ = ["GRIEF", "LOOKS", "WAITING", "Patience"]

WAITING: Final = "waits for ever"
"""What is said of threads that wait for each other."""

LOOKS: Final = 50
"""Looks at which nothing moved, or nothing was done in many steps, before the threads are given up."""

GRIEF: Final = 10
"""Looks at which nothing moved after a thread has failed: the others may wait for it in vain."""


class Patience:
    """Counts looks at threads that do nothing new."""

    def __init__(self) -> None:
        self._deeds = self._steps = -1
        self._quiet = 0  # looks since the last step or deed
        self._idle = 0  # looks since the last deed
        self._steps_then = 0  # at the last deed

    def lost(self, deeds: int, steps: int, *, failed: bool) -> str:
        """Look once more; return what the threads do for ever, in words, or nothing.

        Args:
            deeds: how many deeds all threads have done so far.
            steps: how many steps they have taken so far.
            failed: whether one of them has failed.
        """
        self._idle = self._idle + 1 if deeds == self._deeds else 0
        self._quiet = self._quiet + 1 if (deeds, steps) == (self._deeds, self._steps) else 0
        if deeds != self._deeds:
            self._steps_then = steps
        self._deeds, self._steps = deeds, steps
        if self._quiet >= (GRIEF if failed else LOOKS):
            return WAITING
        if self._idle >= 2 * LOOKS or (self._idle >= LOOKS and steps - self._steps_then > LINES):
            return "does not come to an end"
        return ""
