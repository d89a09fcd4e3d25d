"""Text: lines of words, each with a kind, for terminals of any width (for the pictures of §2).

    page.row(("head", "dim"), ("0x0041", "bold"))
    page.grid([("#", "used"), ("1", "free"), (".", "bump")], labels=lambda i: f"{16 * i:#06x}")

The text can be read without colour; a terminal with colours shows each kind in its
own. The colour codes are defined here, so that no package is needed; rich gets its
markup. No line is wider than the page, unless a single word is.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence

__all__ = ["NARROWEST", "Page"]

Span = tuple[str, str]  # words, and their kind

NARROWEST = 30  #: the least number of characters in a line
ANSI = {
    "used": "34",
    "free": "32",
    "header": "35",
    "home": "33",
    "bump": "2",
    "dim": "2",
    "bold": "1",
    "changed": "1;33",
}
RICH = {
    "used": "blue",
    "free": "green",
    "header": "magenta",
    "home": "yellow",
    "bump": "dim",
    "dim": "dim",
    "bold": "bold",
    "changed": "bold yellow",
}


class Page:
    """A page on which a picture is written, from top to bottom.

    Args:
        width: columns.
        changed: names of the facts to mark.

    Attributes:
        told: names of the facts that have a place in the text where a change is marked.
    """

    def __init__(self, width: int, changed: frozenset[str] = frozenset()) -> None:
        self.width = max(width, NARROWEST)
        self.changed = changed
        self.told = set[str]()
        self._lines: list[list[Span]] = []

    def title(self, text: str) -> None:
        """Write a heading."""
        for line in textwrap.wrap(text, self.width):
            self._lines.append([(line, "bold")])

    def row(self, *spans: Span) -> None:
        """Write a line without wrapping it."""
        self._lines.append(list(spans))

    def paragraph(self, text: str, *, kind: str = "", indent: str = "") -> None:
        """Write words over as many lines as they need; later lines begin with ``indent``."""
        for line in textwrap.wrap(text, self.width, subsequent_indent=indent, break_on_hyphens=False):
            self._lines.append([(line, kind)])

    def marked(self, fact: str) -> str:
        """Return the mark before a fact's line: a star if the fact changed, otherwise blanks."""
        self.told.add(fact)
        return "* " if fact in self.changed else "  "

    def grid(self, cells: Sequence[Span], *, columns: int, label: Callable[[int], str], gap: str = "") -> None:
        """Write cells of equal width in rows, each row labelled by its first cell's index.

        ``columns`` is the number of cells in a row; it is halved until they fit.
        """
        if not cells:
            return
        margin = max(len(label(0)), len(label(len(cells) - 1))) + 2
        each = max(len(word) for word, _ in cells) + len(gap)
        while columns > 1 and margin + columns * each > self.width:
            columns = (columns + 1) // 2
        for first in range(0, len(cells), columns):
            row: list[Span] = [(label(first).rjust(margin - 2) + "  ", "dim")]
            for word, kind in cells[first : first + columns]:
                row.append((word.ljust(each), kind))
            self._lines.append(row)

    def plain(self) -> str:
        """Return the page without colour."""
        return "\n".join("".join(word for word, _ in line).rstrip() for line in self._lines)

    def ansi(self) -> str:
        """Return the page with a terminal's colour codes."""
        return self._rendered(lambda word, kind: f"\x1b[{ANSI[kind]}m{word}\x1b[0m" if kind in ANSI else word)

    def markup(self) -> str:
        """Return the page in rich's markup."""

        def marked(word: str, kind: str) -> str:
            word = word.replace("[", r"\[")
            return f"[{RICH[kind]}]{word}[/]" if kind in RICH else word

        return self._rendered(marked)

    def _rendered(self, render: Callable[[str, str], str]) -> str:
        """Return the page with every span rendered."""
        return "\n".join("".join(render(word, kind) for word, kind in _joined(line)) for line in self._lines)


def _joined(line: Iterable[Span]) -> list[Span]:
    """Join adjacent spans of the same kind."""
    joined: list[Span] = []
    for word, kind in line:
        if joined and joined[-1][1] == kind:
            joined[-1] = (joined[-1][0] + word, kind)
        else:
            joined.append((word, kind))
    return joined
