"""What a notebook needs more than once: predictions, failures that are meant, checks that answer at once (§2).

    predict("How many bytes does malloc(100) take?", {"100": ..., "112": ...}, right="112")
    with fails(AssertionError): ...
    check("0.1", my_function)

          your answer ──► judge ──► verdict        right, not yet, or the first thing that is wrong:
                           ▲                       what was asked, what came, what it should have been
                        bytes, oracles

The law: a judge computes what is right from bytes, or by code of its own. It never
asks the answer whether it is right: neither its ``==`` nor its claims are believed,
and what it is given to work on is a copy.

Left out: grading, and time limits. A notebook's check helps; it gives no marks.
"""

from .checking import JUDGES, Judge, Wanted, call, check, exercise, same
from .failing import fails
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
