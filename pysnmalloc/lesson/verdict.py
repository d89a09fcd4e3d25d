"""A verdict: the result of a check, as text and for a notebook (§2).

    right     every case gave the expected result
    open      there is no answer yet
    wrong     the first error; `case` has the call that shows it, with its real arguments

Words and a sign distinguish the three, not colour alone.
"""

from __future__ import annotations

import copy
import enum
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from .values import plainly

if TYPE_CHECKING:
    from ..explore import Finding

__all__ = ["Case", "State", "Verdict"]


class State(enum.Enum):
    """The state of an answer. Its value, a sign and a word, starts the verdict."""

    RIGHT = "✔ Right."  #: every result is as expected
    OPEN = "… Not yet."  #: the answer is still to be written
    WRONG = "✘ Look again."  #: a result is not as expected


STYLE = (
    ".snm-verdict{border-left:4px solid currentColor;padding:.4em .8em;margin:.3em 0;white-space:pre-wrap;"
    "font:inherit;color:inherit}.snm-verdict code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em;"
    "background:none;color:inherit;padding:0;border:0}"
)


class Case:
    """A call of an answer that shows an error.

    The call can be repeated::

        verdict = check("0.1", word_at)
        word_at(*verdict.case.arguments)        or verdict.case.again()

    A message abbreviates long arguments; a case has them in full.

    Attributes:
        name: the name of the function.
    """

    def __init__(self, answer: Callable[..., object], name: str, arguments: tuple[object, ...]) -> None:
        self.name = name
        self._answer = answer
        self._arguments = arguments

    @property
    def arguments(self) -> tuple[object, ...]:
        """The arguments of the call; each time a copy, so an answer may change them."""
        return copy.deepcopy(self._arguments)

    def again(self) -> object:
        """Call the answer with these arguments again, and return what it returns. Nothing limits its steps."""
        return self._answer(*self.arguments)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(repr(plainly(each)) for each in self._arguments)})"


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Attributes:
        exercise: the number of the exercise, as in ``0.1``.
        state: right, open or wrong.
        words: the explanation, with code in backquotes.
        case: the call that shows the error, if it is in a single call.
        finding: the execution that shows the error, if the explorer found it. It is shown below the words.
    """

    exercise: str
    state: State
    words: str
    case: Case | None = field(default=None, compare=False)
    finding: Finding | None = field(default=None, compare=False)

    @property
    def right(self) -> bool:
        """Tell whether the answer is right."""
        return self.state is State.RIGHT

    def __repr__(self) -> str:
        shown = f"\n\n{self.finding}" if self.finding is not None else ""
        return f"{self.state.value} Exercise {self.exercise}: {self.words}{shown}"

    def _repr_html_(self) -> str:
        """Show the verdict in a notebook."""
        words = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(self.words))
        return (
            f"<style>{STYLE}</style><div class='snm-verdict' role='status' data-state='{self.state.name.lower()}'>"
            f"<strong>{self.state.value}</strong> Exercise {escape(self.exercise)}: {words}</div>"
            + (self.finding._repr_html_() if self.finding is not None else "")
        )
