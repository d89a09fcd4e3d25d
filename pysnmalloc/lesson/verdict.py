"""A verdict: what a check says of an answer, as words and for a notebook (§2).

    right     every case was as it must be
    open      there is no answer yet
    wrong     the first thing that is not as it must be

It tells apart by words and a sign, not by colour alone.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from html import escape

__all__ = ["State", "Verdict"]


class State(enum.Enum):
    """What became of an answer: the value is the sign and the word in front of a verdict."""

    RIGHT = "✔ Right."  #: as wanted
    OPEN = "… Not yet."  #: the answer is still to be written
    WRONG = "✘ Look again."  #: something else than was wanted


STYLE = (
    ".snm-verdict{border-left:4px solid currentColor;padding:.4em .8em;margin:.3em 0;white-space:pre-wrap;"
    "font:inherit;color:inherit}.snm-verdict code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em;"
    "background:none;color:inherit;padding:0;border:0}"
)


@dataclass(frozen=True)
class Verdict:
    """What a check says.

    Attributes:
        exercise: its number, as in ``0.1``.
        state: right, open or wrong.
        words: what was found; code is in backquotes.
    """

    exercise: str
    state: State
    words: str

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return self.state is State.RIGHT

    def __repr__(self) -> str:
        return f"{self.state.value} Exercise {self.exercise}: {self.words}"

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        words = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(self.words))
        return (
            f"<style>{STYLE}</style><div class='snm-verdict' role='status' data-state='{self.state.name.lower()}'>"
            f"<strong>{self.state.value}</strong> Exercise {escape(self.exercise)}: {words}</div>"
        )
