"""Lessons: what a notebook needs more than once: predictions, intended failures, checks that answer at once (§2).

    predict("How many bytes does malloc(100) take?", {"100": ..., "112": ...}, right="112")
    with fails(AssertionError): ...
    check("0.1", my_function)

          your answer ──► judge ──► verdict        right, not yet, or the first thing that is wrong:
                           ▲                       the call, its result, the result that is right
                        bytes, oracles

The law: a judge computes what is right from bytes, or by code of its own. It never asks the answer
whether it is right: it believes neither its ``==`` nor its claims, and gives it a copy to work on.
Read ``judging`` first, then the judges of one tutorial. Left out: grading, and time limits.

Imported by: nothing beside it.

    verdict, judging, prediction, failing, exploring, tutorials/, checking
"""

from .checking import check
from .failing import fails
from .judging import JUDGES, Judge, Wanted, call, exercise, same
from .prediction import Prediction, predict
from .verdict import Verdict

__all__ = [
    "JUDGES",
    "Judge",
    "Prediction",
    "Verdict",
    "Wanted",
    "call",
    "check",
    "exercise",
    "fails",
    "predict",
    "same",
]
