"""A verdict: the result of a check, as text and for a notebook (§2).

    right     every case gave the expected result
    open      there is no answer yet
    wrong     the first error

Words and a sign distinguish the three, not colour alone.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from html import escape

__all__ = ["State", "Verdict"]


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


@dataclass(frozen=True)
class Verdict:
    """The result of a check.

    Attributes:
        exercise: the number of the exercise, as in ``0.1``.
        state: right, open or wrong.
        words: the explanation, with code in backquotes.
    """

    exercise: str
    state: State
    words: str

    @property
    def right(self) -> bool:
        """Tell whether the answer is right."""
        return self.state is State.RIGHT

    def __repr__(self) -> str:
        return f"{self.state.value} Exercise {self.exercise}: {self.words}"

    def _repr_html_(self) -> str:
        """Show the verdict in a notebook."""
        words = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(self.words))
        return (
            f"<style>{STYLE}</style><div class='snm-verdict' role='status' data-state='{self.state.name.lower()}'>"
            f"<strong>{self.state.value}</strong> Exercise {escape(self.exercise)}: {words}</div>"
        )
