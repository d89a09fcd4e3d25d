"""Lessons: predictions, intended failures, and checks that answer at once, for every notebook (§2).

    predict("How many bytes does malloc(100) take?", {"100": ..., "112": ...}, right="112")
    with fails(AssertionError): ...
    check("0.1", my_function)
    progress()

          your answer ──► judge ──► verdict        right, not yet, or the first error:
                           ▲                       the call, its result, and the expected result
                        bytes, oracles

The law: a judge computes the right result from bytes or with its own code. It never asks the answer
whether it is right. It trusts neither the answer's ``==`` nor its claims, and it passes only copies to
the answer. A check ends, whatever the answer does. Read ``judging`` first, then the judges of one
tutorial. Left out: grading.

Imported by: labs, cli.

    values, compared, verdict, running/, kept, judging, source, prediction, failing, exploring, threads/,
    material/, tutorials/, done/, checking
"""

from .checking import check
from .done import Progress, progress
from .failing import fails
from .judging import JUDGES, Fitting, Judge, Trouble, Wanted, call, exercise, same
from .prediction import Prediction, predict
from .verdict import Case, Verdict

__all__ = [
    "JUDGES",
    "Case",
    "Fitting",
    "Judge",
    "Prediction",
    "Progress",
    "Trouble",
    "Verdict",
    "Wanted",
    "call",
    "check",
    "exercise",
    "fails",
    "predict",
    "progress",
    "same",
]
