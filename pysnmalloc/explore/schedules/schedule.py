"""Schedules: an execution as a short text, independent of Python versions and line numbers (§2.2).

    A A B*3 C C=A2 B^0

    A       thread A takes its next atomic step; A*3: three steps
    C=A2    C's step reads what A's second step wrote; C=0: the first value; C=A2+1: what A's first
            plain write to the same word after that step wrote
    B^A1    B's step writes right after A's first step in the cell's modification order; B^0: right
            after the first value

Without ``=``, a step reads the newest write. Without ``^``, a write becomes the newest. Fences
and plain accesses are not steps. The name of a thread may have more than one letter. A schedule
without ``=`` and ``^`` is an interleaving, which every model allows and real threads can run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import SnmallocError

__all__ = ["Schedule", "ScheduleError", "Turn"]

_TURN = re.compile(r"(?P<thread>[^\s*=^]+)(?:\*(?P<times>\d+)|=(?P<source>[^\s*=^]+))?(?:\^(?P<after>[^\s*=^]+))?$")


class ScheduleError(SnmallocError, ValueError):
    """A schedule is malformed, or the scenario or the model does not allow it.

    What to do: use the schedule that a finding shows, with the same scenario, model and weakened orders.
    """


@dataclass(frozen=True)
class Turn:
    """One step of a thread, with the write that it reads and the write that its own write follows.

    Attributes:
        thread: the name of the thread that takes the step.
        source: the write that the step reads: ``0``, the first value; ``A2``, the write of A's second step; ``A2+1``,
            A's first plain write to the same word after that step; None, the newest write.
        after: the write that the step's own write follows in the cell's modification order, named in the same way;
            None, the newest write.
    """

    thread: str
    source: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        reads = f"={self.source}" if self.source is not None else ""
        return self.thread + reads + (f"^{self.after}" if self.after is not None else "")


@dataclass(frozen=True)
class Schedule:
    """The order in which threads take their steps.

    Attributes:
        turns: one turn for each step, in the order in which the steps are taken; ``A*3`` is three turns.
    """

    turns: tuple[Turn, ...]

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Parse a schedule.

        Raises:
            ScheduleError: if a word is not a turn; the message names the word.
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
        """Whether every step reads the newest write and every write becomes the newest."""
        return all(turn.source is None and turn.after is None for turn in self.turns)
