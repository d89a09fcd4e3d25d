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
    """An execution told, wrong or not, to its end or not.

    Attributes:
        before: the structure at the start.
        steps: one per atomic step.
        graph: the execution.
        broken: what broke it at the end, if anything did.
        wrong: its name, (kind, detail). What only the judge sees when all have ended is not looked for.
        scenario, model: where.
        threads: names, in the order of lanes.
        schedule: the execution as a short text.
        weakened: sites that were given another order, and which.
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
        """How often one step is another thread's than the one before."""
        threads = [step.thread for step in self.steps]
        return sum(a != b for a, b in pairwise(threads))
