"""Checks: the judge of an exercise turns an answer into a verdict (§2).

    check("0.1", answer) ──► the judge of exercise 0.1, in ``tutorials`` ──► Right, Look again, Not yet

The judges of a tutorial are loaded when one of its exercises is checked. A judge is found
by the number of its exercise.
"""

from __future__ import annotations

import importlib

from . import tutorials
from .judging import JUDGES, Judge, Open
from .verdict import State, Verdict

__all__ = ["check"]

STUB = "replace the `...` with your answer, run that cell, and then run this one again"


def check(number: str, answer: object) -> Verdict:
    """Check an answer and report at once whether it is right.

    Args:
        number: the number of the exercise in the notebook: ``"0.1"`` is the first of tutorial 0.
        answer: a value, a function or a class, as the exercise asks.

    Raises:
        ValueError: if there is no such exercise.
    """
    # Until this call, imports do not see a file that was created in JupyterLite.
    importlib.invalidate_caches()
    judge = _judge(number)
    if answer is ...:
        return Verdict(number, State.OPEN, STUB + ".")
    try:
        trouble = next(judge(answer), None)
    except Open:
        return Verdict(number, State.OPEN, STUB + ".")
    if trouble is None:
        return Verdict(number, State.RIGHT, "every case that was tried gives the expected result.")
    return Verdict(number, State.WRONG, trouble)


def _judge(number: str) -> Judge:
    """Return the judge of an exercise."""
    tutorial, _, _ = number.partition(".")
    if tutorial.isdecimal():
        name = f"{tutorials.__name__}.tutorial_{int(tutorial):02}"
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as missing:
            if missing.name != name:
                raise
    if number not in JUDGES:
        known = ", ".join(sorted(JUDGES)) or "none"
        raise ValueError(f"check({number!r}): there is no such exercise; the loaded tutorials have {known}")
    return JUDGES[number]
