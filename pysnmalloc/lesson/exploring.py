"""A judge that explores: it runs an answer in every execution that a memory model allows (§2.2, §2.5).

    answer ─► a scenario with its own judge ─► explorer ─► no error, or the shortest
                                                           execution that fails, and the
                                                           order that allows it

The law: the explorer runs the answer and watches its memory. The scenario decides
from the final bytes whether the result is right; the answer has no say.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

from ..atomics import Order
from ..explore import Finding, Scenario, ScheduleError, Step, Wrong, explore, replay
from .judging import Trouble, where
from .running.underway import pulse
from .source import codes

__all__ = ["answered", "explored", "told"]

MODELS = ("cpp20", "sc")
"""Weak memory allows all that threads do when they take turns. Only a failure is explored again, in the second."""

STEPS, LINES, EXECUTIONS, PATIENCE = 100, 10_000, 5_000, 200

STRONGER = {
    "load": Order.ACQUIRE,
    "store": Order.RELEASE,
    **dict.fromkeys(("exchange", "fetch_add", "compare_exchange", "fence"), Order.ACQ_REL),
}

T = TypeVar("T")


def answered(answer: Callable[..., T], *arguments: Hashable) -> T:
    """Call an answer in a thread of a scenario, and return what it returns.

    Raises:
        Wrong: if the answer raises an error; it names the answer's own line.
    """
    try:
        return answer(*arguments)
    except NotImplementedError as error:
        raise Wrong("a part is still to be written", f"an execution comes to it{where(error)}") from error
    except (Exception, SystemExit, GeneratorExit) as error:
        name = type(error).__name__
        raise Wrong(f"error: {name}", f"{str(error) or name}{where(error)}") from error


def explored(answer: object, name: str, scenario: Scenario) -> Iterator[Trouble]:
    """Explore a scenario that calls an answer, and yield the error of the shortest execution that fails, if one does.

    Args:
        answer: a function.
        name: the name that the exercise gives to it.
        scenario: a scenario in which threads call it, by ``answered``.
    """
    found: list[Finding] = []
    for model in MODELS:
        pulse()
        result = explore(
            scenario,
            model,
            steps=STEPS,
            lines=LINES,
            executions=EXECUTIONS,
            patience=PATIENCE,
            progress=lambda _: pulse(),
        )
        if not result.findings:
            break
        found = [*result.findings]
    for finding in found[:1]:
        blamed = _blamed(answer, scenario, finding) if finding.model != "sc" else ""
        yield Trouble(f"`{name}` fails in an execution {told(finding)}{blamed}", finding=finding)


def told(finding: Finding) -> str:
    """Return the model and the error of a finding, in words that follow "an execution"."""
    model = "in which threads simply take turns" if finding.model == "sc" else "that only C++'s weak memory allows"
    return f"{model}. {finding.kind[:1].upper()}{finding.kind[1:]}: {finding.detail}"


def _blamed(answer: object, scenario: Scenario, finding: Finding) -> str:
    """Return the answer's lines whose orders allow an execution, as a sentence, or nothing if none does."""
    own = {code.co_qualname.rpartition("<locals>.")[2] for code in codes(answer)}
    steps = {step.site: step for step in finding.steps if step.site.partition(" ")[0] in own}
    weak = dict.fromkeys(step.line for step in steps.values() if _is_forbidden(scenario, finding, step))
    return f". The order is too weak at your line {' or '.join(f'`{line}`' for line in weak)}" if weak else ""


def _is_forbidden(scenario: Scenario, finding: Finding, step: Step) -> bool:
    """Return whether an execution could not happen if a step of it released and acquired, as far as it can."""
    kind = step.operation.partition("(")[0]
    try:
        return replay(scenario, finding.schedule, finding.model, {step.site: STRONGER[kind]}) is None
    except KeyError:
        return False
    except ScheduleError:
        return True
