"""The rows of a story: its steps, the structure where they changed it, loops folded (§2.2).

      1  store(m1.next, 0)
      2  exchange(back, m1)      ──▸ back = m1         drawn, since step 2 changed it
      3  load(flag)
      4  load(flag)
         the same 497 more times, to step 501          a long loop is shown once

Of a large drawing only the lines that changed are kept: a heap has many queues, and
a step touches one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from .finding import Step

__all__ = ["Row", "rows"]

FEW = 2  # lines of a drawing that is shown whole
LOOP, FOLDED = 4, 6  # steps of a loop, at most, and steps that are worth folding, at least


@dataclass(frozen=True)
class Row:
    """A step as it is shown.

    Attributes:
        step: the step.
        drawing: the structure, if the step changed it: all of a small one, the changed lines of a large one.
        again: the repetitions omitted after it.
    """

    step: Step
    drawing: list[str]
    again: str = ""


def rows(before: tuple[str, ...], steps: tuple[Step, ...]) -> Iterator[Row]:
    """Yield the steps, loops folded."""
    drawn, keys, at = _drawings(before, steps), [_key(step) for step in steps], 0
    while at < len(steps):
        length, times = _loop(keys, at)
        here = range(at, at + length)
        at += length * times
        again = f"the same {times - 1:,} more times, to step {steps[at - 1].number:,}" if times > 1 else ""
        yield from (Row(steps[each], drawn[each], again if each == here[-1] else "") for each in here)


def _key(step: Step) -> Hashable:
    """What makes two steps of a loop the same."""
    return step.thread, step.site, step.operation, step.read, step.written, step.drawing


def _loop(keys: list[Hashable], at: int) -> tuple[int, int]:
    """Return the length of the loop that begins here and its repetitions; (1, 1) if there is no loop."""
    for length in range(1, LOOP + 1):
        times, once = 1, keys[at : at + length]
        while keys[at + length * times : at + length * (times + 1)] == once:
            times += 1
        if length * (times - 1) >= FOLDED:
            return length, times
    return 1, 1


def _drawings(before: tuple[str, ...], steps: tuple[Step, ...]) -> list[list[str]]:
    """Return for each step what is drawn after it."""
    drawn: list[list[str]] = []
    for step in steps:
        lines = list(step.drawing)
        if lines == list(before):
            lines = []
        elif len(lines) > FEW:
            lines = [line for line in lines if line not in before] or ["(lines removed)"]
        drawn.append(lines)
        before = step.drawing
    return drawn
