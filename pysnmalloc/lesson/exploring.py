"""A judge that explores: an answer is run in every execution that a memory model allows (§2.2, §2.5).

    answer ─► a scenario, whose judge is its own ─► explorer ─► nothing wrong, or the shortest
                                                              execution that goes wrong, in words

The law: the explorer runs the answer and watches its memory. What is right is said
by the scenario, from the bytes at the end; the answer's own word counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from ..explore import Finding, Scenario, explore
from .judging import call

__all__ = ["answered", "explored", "story"]

MODELS = ("sc", "rc11")
"""First whether threads that take turns go wrong, then whether weaker orders do."""

STEPS, EXECUTIONS, PATIENCE = 200, 20_000, 200

T = TypeVar("T")


def answered(returned: T) -> T:
    """Return what an answer returned.

    Raises:
        NotImplementedError: when it is ``...``: the stub. ``explored`` takes that for "not yet".
    """
    if returned is ...:
        raise NotImplementedError
    return returned


def explored(answer: object, name: str, scenario: Scenario) -> Iterator[str]:
    """Explore a scenario that calls an answer, and yield what goes wrong first.

    Args:
        answer: a function.
        name: what the exercise calls it.
        scenario: in which threads call it.
    """
    if not callable(answer):
        yield from call(answer, name, wanted=None)
        return
    for model in MODELS:
        result = explore(scenario, model, steps=STEPS, executions=EXECUTIONS, patience=PATIENCE)
        for finding in result.findings:
            if finding.kind == "error: NotImplementedError":
                yield from call(_not_yet, name, wanted=None)
            yield f"`{name}` goes wrong in an execution, {_kind(finding)}\n{story(finding)}"


def _not_yet() -> None:
    """Be the stub."""
    raise NotImplementedError


def _kind(finding: Finding) -> str:
    """What went wrong, and by which model."""
    turns = "with threads that simply take turns" if finding.model == "sc" else "where memory is weak as in C++"
    return f"{turns}. {finding.kind}: {finding.detail}"


def story(finding: Finding) -> str:
    """The steps of a finding, one per line."""
    lines = []
    for step in finding.steps:
        read = f", reads {step.read} from {step.source}" if step.read is not None else ""
        newest = f", though the newest is {' from '.join(step.newest)}" if step.newest is not None else ""
        lines.append(f"{step.number:4}  {step.thread}: {step.operation}{read}{newest}")
    return "\n".join(lines)
