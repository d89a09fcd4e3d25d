"""Checks: an answer, the judge of its exercise, a verdict (§2).

    check("0.1", answer) ──► the judge of exercise 0.1, in ``tutorials`` ──► Right, Look again, Not yet

A tutorial's judges are loaded when one of its exercises is checked, and found by the
exercise's number.
"""

from __future__ import annotations

import importlib

from . import tutorials
from .judging import JUDGES, Judge, Open
from .verdict import State, Verdict

__all__ = ["check"]

STUB = "replace the `...` by your answer, run that cell, and then this one again"


def check(number: str, answer: object) -> Verdict:
    """Check an answer, and say at once what is right or wrong.

    Args:
        number: of the exercise, as in the notebook: ``"0.1"`` is the first of tutorial 0.
        answer: whatever the exercise asks for: a value, a function, a class.

    Raises:
        ValueError: when there is no such exercise.
    """
    # A file made in JupyterLite is invisible to imports until then.
    importlib.invalidate_caches()
    judge = _judge(number)
    if answer is ...:
        return Verdict(number, State.OPEN, STUB + ".")
    try:
        trouble = next(judge(answer), None)
    except Open:
        return Verdict(number, State.OPEN, STUB + ".")
    if trouble is None:
        return Verdict(number, State.RIGHT, "every case that was tried is as it must be.")
    return Verdict(number, State.WRONG, trouble)


def _judge(number: str) -> Judge:
    """The judge of an exercise."""
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
        raise ValueError(f"check({number!r}): there is no such exercise; those of the loaded tutorials are {known}")
    return JUDGES[number]
