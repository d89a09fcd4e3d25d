"""Schedules: an execution as a short text, independent of Python versions and line numbers (§2.2).

    A A B*3 C C=A2 B^0

    A       thread A makes its next atomic step; A*3: three steps
    C=A2    C's step reads what A's second step wrote; C=0: the first value; C=A2+1: what A's first
            plain write after that step wrote
    B^A1    B's step writes right after A's first step in the cell's order of writes; B^0: the first value

Where nothing is said, a step reads the newest write, and a write is the newest. A
fence is no step, nor is a plain access. Threads may be named by their whole name.
Where a schedule has no ``=`` and no ``^``, it is an interleaving: any model allows
it, and so do real threads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import SnmallocError

__all__ = ["Schedule", "ScheduleError", "Turn"]

_TURN = re.compile(r"(?P<thread>[^\s*=^]+)(?:\*(?P<times>\d+)|=(?P<source>[^\s*=^]+))?(?:\^(?P<after>[^\s*=^]+))?$")


class ScheduleError(SnmallocError, ValueError):
    """A schedule that cannot be understood, or that the scenario or the model does not allow.

    What to do: take the schedule that a finding shows, with the same scenario, model and weakened orders.
    """


@dataclass(frozen=True)
class Turn:
    """One step: a thread's name, what it reads, and what it writes after; None: the newest.

    Attributes:
        thread: name of the one that makes the step.
        source: the write that it reads: ``0``, the first value; ``A2``, that of A's second step; ``A2+1``, A's
            first plain write after that step.
        after: the write behind which its own comes in the cell's order of writes, named likewise.
    """

    thread: str
    source: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        reads = f"={self.source}" if self.source is not None else ""
        return self.thread + reads + (f"^{self.after}" if self.after is not None else "")


@dataclass(frozen=True)
class Schedule:
    """Whose turn it is, step by step.

    Attributes:
        turns: one for each step, in the order in which they are made; ``A*3`` is three.
    """

    turns: tuple[Turn, ...]

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Read a schedule.

        Raises:
            ScheduleError: naming the word that is none.
        """
        turns: list[Turn] = []
        for word in text.split():
            match = _TURN.match(word)
            if match is None:
                raise ScheduleError(
                    f"“{word}” is not a turn; write A, A*3, A=B2 (reads B's step 2) or A^B2 (writes after it)"
                )
            turn = Turn(match["thread"], match["source"], match["after"])
            turns.extend([turn] * int(match["times"] or 1))
        return cls(tuple(turns))

    def __str__(self) -> str:
        words: list[tuple[str, int]] = []
        for turn in map(str, self.turns):
            if words and words[-1][0] == turn and not set("=^") & set(turn):
                words[-1] = turn, words[-1][1] + 1
            else:
                words.append((turn, 1))
        return " ".join(word if times == 1 else f"{word}*{times}" for word, times in words)

    @property
    def interleaves(self) -> bool:
        """Whether every step reads and writes what is newest."""
        return all(turn.source is None and turn.after is None for turn in self.turns)
