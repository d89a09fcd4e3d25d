"""A finding of the explorer, step by step (§2.2, §2.5).

    finding ─► one frame per atomic step: the thread, its operation, the value read and the possible
               alternatives, the structure afterwards

The module imports nothing from the explorer: any object with these fields can be shown.
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
        """The thread's name."""

    @property
    def site(self) -> str:
        """The function and the operation."""

    @property
    def line(self) -> str:
        """The source line."""

    @property
    def operation(self) -> str:
        """The operation in words."""

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
        """The values that could have been read instead, and where they were written."""

    @property
    def drawing(self) -> Sequence[str]:
        """The structure after the step."""


class Found(Protocol):
    """A fault, and the execution that shows it."""

    @property
    def kind(self) -> str:
        """Name of the fault."""

    @property
    def detail(self) -> str:
        """What was observed."""

    @property
    def scenario(self) -> str:
        """Name of the scenario."""

    @property
    def model(self) -> str:
        """Name of the memory model."""

    @property
    def before(self) -> Sequence[str]:
        """The structure at the start."""

    @property
    def steps(self) -> Sequence[Atomic]:
        """The atomic steps."""


def step_finding(finding: Found, *, id: str = "") -> Stepper:
    """Return a finding as a stepper: the start, every atomic step, and the fault."""
    title = f"{finding.kind}: {finding.scenario} under {finding.model}"
    start = Frame("Start", "No step has been taken.", pictures=_drawn(finding.before))
    frames = [start, *map(_frame, finding.steps)]
    end = Frame(finding.kind, finding.detail, pictures=frames[-1].pictures)
    return Stepper([*frames, end], title=title, id=id)


def _frame(step: Atomic) -> Frame:
    """Return the frame of one atomic step."""
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
    """Return a text drawing as HTML."""
    return (f"<pre>{escape(chr(10).join(lines))}</pre>",) if lines else ()
