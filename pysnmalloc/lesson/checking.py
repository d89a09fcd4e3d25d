"""Checks: the judge of an exercise turns an answer into a verdict (§2).

    check("0.1", answer) ──► the judge of exercise 0.1, in ``tutorials`` ──► Right, Look again, Not yet

The judges of a tutorial are loaded when one of its exercises is checked. A judge is found
by the number of its exercise. It is asked twice: an answer that keeps something from one
call to the next may be right the first time.

The law: a check ends with a verdict, whatever the answer does. Only Ctrl-C leaves it otherwise.
"""

from __future__ import annotations

import importlib

from . import tutorials
from .done import note
from .judging import JUDGES, Judge, Open, Trouble, once, where
from .kept import Kept
from .running.budget import Spent
from .running.underway import underway
from .verdict import State, Verdict

__all__ = ["check"]

STUB = "replace the `...` with your answer, run that cell, and then run this one again"


def check(number: str, answer: object) -> Verdict:
    """Check an answer and report at once whether it is right. A right answer is recorded for ``progress``.

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
    kept = Kept(answer)
    with underway(f"Exercise {number}"):
        try:
            trouble = _first(judge, answer)
            if trouble is None and not once(number) and (trouble := _first(judge, answer)):
                words = f"every call was right the first time, but not when all were made again: {trouble.words}"
                trouble = Trouble(words, trouble.case, trouble.finding)
        except Open:
            return Verdict(number, State.OPEN, STUB + ".")
    if trouble is None:
        note(number)
        return Verdict(number, State.RIGHT, "every case that was tried gives the expected result.")
    return Verdict(number, State.WRONG, trouble.words + kept.told(), trouble.case, trouble.finding)


def _first(judge: Judge, answer: object) -> Trouble | None:
    """Return the first error that a judge finds.

    A judge expects what answers do. This is the net below it: what it does not expect becomes an error as well.

    Raises:
        Open: if the answer is the stub.
    """
    try:
        trouble = next(judge(answer), None)
    except Open:
        raise
    except (Exception, SystemExit, Spent) as error:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return Trouble(f"the check cannot go on, because your answer led to {said}{where(error)}.")
    return Trouble(trouble) if isinstance(trouble, str) else trouble


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
