"""An execution told step by step, wrong or not, as data (§2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from ...atomics import Order
from ..executions.broken import Broken
from ..executions.execution import Execution
from .finding import Step
from .shown import Shown

__all__ = ["Told"]


@dataclass(frozen=True)
class Told(Shown):
    """A told execution, correct or not, complete or not.

    Attributes:
        before: the structure at the start.
        steps: one per atomic step.
        graph: the execution.
        broken: what broke it at the end, if anything did.
        wrong: its name, (kind, detail). The judge is not asked.
        scenario, model: where.
        threads: names, in the order of lanes.
        schedule: the execution as a short text.
        weakened: sites with a changed order, and that order.
        command: the scenario's name on the command line, if it has one there.
    """

    before: tuple[str, ...]
    steps: tuple[Step, ...]
    graph: Execution
    broken: Broken | None
    wrong: tuple[str, str] | None
    scenario: str
    model: str
    threads: tuple[str, ...]
    schedule: str
    weakened: tuple[tuple[str, Order], ...] = ()
    command: str = ""

    @property
    def switches(self) -> int:
        """How often a step is by another thread than the step before it."""
        threads = [step.thread for step in self.steps]
        return sum(a != b for a, b in pairwise(threads))
