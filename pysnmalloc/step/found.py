"""A finding of the explorer, step by step (§2.2, §2.5).

    finding ─► one frame per atomic step: who, what, what was read and what else could have been,
               the structure afterwards

Nothing of the explorer is imported: whatever has these fields can be shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol

from .frame import Frame
from .stepper import Stepper

__all__ = ["step_finding"]


class Atomic(Protocol):
    """One atomic step of a finding."""

    @property
    def thread(self) -> str:
        """Who."""

    @property
    def site(self) -> str:
        """Function and operation."""

    @property
    def line(self) -> str:
        """The source line."""

    @property
    def operation(self) -> str:
        """What, in words."""

    @property
    def read(self) -> str | None:
        """The value read."""

    @property
    def written(self) -> str | None:
        """The value stored."""

    @property
    def source(self) -> str | None:
        """Where the value read was written."""

    @property
    def alternatives(self) -> Sequence[tuple[str, str]]:
        """What else could have been read, and where it was written."""

    @property
    def drawing(self) -> Sequence[str]:
        """The structure after the step."""


class Found(Protocol):
    """What is wrong, and the execution that shows it."""

    @property
    def kind(self) -> str:
        """Its name."""

    @property
    def detail(self) -> str:
        """What exactly was seen."""

    @property
    def scenario(self) -> str:
        """Where."""

    @property
    def model(self) -> str:
        """By which memory model."""

    @property
    def before(self) -> Sequence[str]:
        """The structure at the start."""

    @property
    def steps(self) -> Sequence[Atomic]:
        """One per atomic step."""


def step_finding(finding: Found, *, id: str = "") -> Stepper:
    """Return a finding as a stepper: the start, every atomic step, and what is wrong then."""
    title = f"{finding.kind}: {finding.scenario} under {finding.model}"
    start = Frame("The start", "Nothing was done yet.", pictures=_drawn(finding.before))
    frames = [start, *map(_frame, finding.steps)]
    end = Frame(finding.kind, finding.detail, pictures=frames[-1].pictures)
    return Stepper([*frames, end], title=title, id=id)


def _frame(step: Atomic) -> Frame:
    """The frame of one atomic step."""
    words = [f"{step.thread}: {step.operation}."]
    if step.read is not None:
        words.append(f"It reads {step.read}, from {step.source}.")
    words += [f"It could have read {value}, from {where}." for value, where in step.alternatives]
    if step.written is not None:
        words.append(f"It stores {step.written}.")
    return Frame(
        title=step.thread,
        words=" ".join(words),
        section="§2.2, §2.5",
        source=f"{step.site}: {step.line}",
        pictures=_drawn(step.drawing),
    )


def _drawn(lines: Sequence[str]) -> tuple[str, ...]:
    """A drawing in letters."""
    return (f"<pre>{escape(chr(10).join(lines))}</pre>",) if lines else ()
