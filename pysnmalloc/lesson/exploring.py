"""A judge that explores: it runs an answer in every execution that a memory model allows (§2.2, §2.5).

    answer ─► a scenario with its own judge ─► explorer ─► no error, or the shortest
                                                           execution that fails, in words

The law: the explorer runs the answer and watches its memory. The scenario decides
from the final bytes whether the result is right; the answer has no say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from ..explore import Finding, Scenario, explore
from .judging import Trouble, call

__all__ = ["answered", "explored", "story"]

MODELS = ("sc", "cpp20")
"""First try threads that take turns, then weaker memory."""

STEPS, EXECUTIONS, PATIENCE = 200, 20_000, 200

T = TypeVar("T")


def answered(returned: T) -> T:
    """Return the value that an answer returned.

    Raises:
        NotImplementedError: if the value is ``...``, the stub. ``explored`` reports it as "not yet".
    """
    if returned is ...:
        raise NotImplementedError
    return returned


def explored(answer: object, name: str, scenario: Scenario) -> Iterator[Trouble | str]:
    """Explore a scenario that calls an answer, and yield its errors in the order found.

    Args:
        answer: a function.
        name: the name that the exercise gives to it.
        scenario: a scenario in which threads call it.
    """
    if not callable(answer):
        yield from call(answer, name, wanted=None)
        return
    for model in MODELS:
        result = explore(scenario, model, steps=STEPS, executions=EXECUTIONS, patience=PATIENCE)
        for finding in result.findings:
            if finding.kind == "error: NotImplementedError":
                yield from call(_not_yet, name, wanted=None)
            yield f"`{name}` fails in an execution {_kind(finding)}\n{story(finding)}"


def _not_yet() -> None:
    """Stand in for the stub."""
    raise NotImplementedError


def _kind(finding: Finding) -> str:
    """Describe the model and the error."""
    model = "in which threads simply take turns" if finding.model == "sc" else "that only C++'s weak memory allows"
    return f"{model}. {finding.kind[:1].upper()}{finding.kind[1:]}: {finding.detail}"


def story(finding: Finding) -> str:
    """Return the steps of a finding, one per line."""
    lines = []
    for step in finding.steps:
        read = f", reads {step.read} from {step.source}" if step.read is not None else ""
        newest = f", though the newest is {' from '.join(step.newest)}" if step.newest is not None else ""
        lines.append(f"{step.number:4}  {step.thread}: {step.operation}{read}{newest}")
    return "\n".join(lines)
