"""The table of progress: all tutorials and their exercises, each done or open (§2).

     0. Bytes and addresses
        ✔ 0.1 done   … 0.2 open

A sign and a word distinguish the two, not colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from html import escape

from .contents import EXERCISES, TUTORIALS, numbered
from .record import recorded

__all__ = ["Progress", "progress"]

DONE, OPEN = ("✔", "done"), ("…", "open")

STYLE = (
    ".snm-progress{border-collapse:collapse;color:inherit}"
    ".snm-progress caption{text-align:left;padding:.4em 0;color:inherit}"
    ".snm-progress th,.snm-progress td{text-align:left!important;vertical-align:top!important;padding:.3em .6em;"
    "border:1px solid currentColor;color:inherit;background:none}"
)


@dataclass(frozen=True)
class Progress:
    """Which exercises are done.

    Attributes:
        dates: the exercises that are done, each with the date.
    """

    dates: Mapping[str, date]

    def __repr__(self) -> str:
        lines = [self._summary()]
        for index, tutorial in enumerate(TUTORIALS):
            states = ["{0} {2} {1}".format(*self._state(number), number) for number in numbered(index)]
            lines += [f"{index:2}. {tutorial.title}", f"    {'   '.join(states)}"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Show the table in a notebook."""
        most = max(len(tutorial.exercises) for tutorial in TUTORIALS)
        head = "".join(f"<th scope='col'>Exercise {index}</th>" for index in range(1, most + 1))
        rows = "".join(self._row(index, most) for index in range(len(TUTORIALS)))
        return (
            f"<style>{STYLE}</style><table class='snm-progress'><caption>{escape(self._summary())}</caption>"
            f"<thead><tr><th scope='col'>Tutorial</th>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _row(self, index: int, columns: int) -> str:
        """Return the row of a tutorial."""
        cells = [self._cell(number, title) for number, title in numbered(index).items()]
        cells += ["<td></td>"] * (columns - len(cells))
        return f"<tr><th scope='row'>{index}. {escape(TUTORIALS[index].title)}</th>{''.join(cells)}</tr>"

    def _cell(self, number: str, title: str) -> str:
        """Return the cell of an exercise."""
        sign, word = self._state(number)
        since = f" {self.dates[number].isoformat()}" if number in self.dates else ""
        return f"<td data-exercise='{word}'>{number} {escape(title)}<br><strong>{sign} {word}</strong>{since}</td>"

    def _state(self, number: str) -> tuple[str, str]:
        """Return the sign and the word of an exercise."""
        return DONE if number in self.dates else OPEN

    def _summary(self) -> str:
        """Return how many exercises are done, and which one is next."""
        open_ = [number for number in EXERCISES if number not in self.dates]
        if not open_:
            return f"All {len(EXERCISES)} exercises are done."
        return f"Exercises done: {len(self.dates)} of {len(EXERCISES)}. Next: {open_[0]}, {EXERCISES[open_[0]]}."


def progress() -> Progress:
    """Return which exercises are done, as recorded in the working folder.

    A check that finds an answer right records it in the file ``pysnmalloc-progress.txt``.
    """
    return Progress(recorded())
