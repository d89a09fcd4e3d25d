"""Tools that every notebook uses: predictions, intended failures, and checks that answer at once (§2).

    predict("How many bytes does malloc(100) take?", {"100": ..., "112": ...}, right="112")
    with fails(AssertionError): ...
    check("0.1", my_function)

          your answer ──► judge ──► verdict        right, not yet, or the first error:
                           ▲                       the call, its result, and the expected result
                        bytes, oracles

The law: a judge computes the right result from bytes or with its own code. It never
asks the answer whether it is right. It trusts neither the answer's ``==`` nor its
claims, and it passes only copies to the answer.

Left out: grading and time limits. A check in a notebook helps; it does not grade.
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
