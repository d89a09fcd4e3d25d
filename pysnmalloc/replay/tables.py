"""Tables that never cut a number: in columns where they fit, else one block of lines for each record.

    class   object size   objects          class 12
    ─────────────────────────────            object size  320 B
    12            320 B         7            objects      7

The law: no cell is cut and no word is broken, however narrow the terminal. A column of
numbers is as wide as its widest cell; only columns of words are wrapped. What is still
too long for a line stands in it whole, and the terminal wraps it. Tables of rich cut
such cells, so the columns are laid out here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from textwrap import wrap

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

__all__ = ["Records", "SideBySide", "whole"]

NARROWEST = 16  # columns of a column of words, unless its words are fewer
GAP = 3  # columns between two columns, and between two tables
Row = tuple[Text, ...]


def whole(text: str, style: str = "") -> Text:
    """Return a line that is never wrapped or cut, such as a path."""
    return Text(text, style=style, no_wrap=True, overflow="ignore")


def _wrapped(text: str, width: int, indent: str = "", style: str = "") -> list[Text]:
    """Return a text in lines, without breaking a word; an empty text is an empty line."""
    lines = wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return [whole(line, style) for line in lines or [""]]


class Records:
    """A table of records.

    Args:
        columns: the headings; the first column names the record, and the others are numbers.
        words: indices of the columns that hold words, which may be wrapped.
        title: of the table.
        least: columns that the table takes at least.
    """

    def __init__(self, *columns: str, words: Sequence[int] = (), title: str = "", least: int = 0) -> None:
        self._columns = columns
        self._words = frozenset(words)
        self._title = title
        self._least = least
        self._sections: list[list[Row]] = [[]]

    def add_row(self, *cells: Text | str) -> None:
        """Add a record."""
        self._sections[-1].append(tuple(cell if isinstance(cell, Text) else Text(cell) for cell in cells))

    def add_section(self) -> None:
        """Separate the records above from those below."""
        self._sections.append([])

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show the table."""
        yield from self.lines(options.max_width)

    def lines(self, width: int) -> list[Text]:
        """Return the lines of the table in ``width`` columns: the title, then columns or blocks."""
        fits = max(self._least, self._across(map(self._needs, range(len(self._columns))))) <= width
        title = _wrapped(self._title, self.width if fits and not self._words else width, style="bold")
        return [*(title if self._title else []), *(self._table(width) if fits else self._blocks(width))]

    @property
    def width(self) -> int:
        """The columns that the table takes if there is room."""
        return max(self._least, self._across(map(self._widest, range(len(self._columns)))))

    def _across(self, widths: Iterator[int]) -> int:
        """Return the columns of a line, with the gaps."""
        return sum(widths) + GAP * (len(self._columns) - 1)

    def _cells(self, index: int) -> list[str]:
        """Return the heading and the cells of a column."""
        return [self._columns[index], *(row[index].plain for section in self._sections for row in section)]

    def _widest(self, index: int) -> int:
        """Return the width of a column's widest cell."""
        return max(map(cell_len, self._cells(index)))

    def _needs(self, index: int) -> int:
        """Return the least width of a column: its widest cell, or for words about its longest word."""
        widest = self._widest(index)
        if index not in self._words:
            return widest
        longest = max(cell_len(word) for cell in self._cells(index) for word in ["", *cell.split()])
        return max(longest, min(NARROWEST, widest))

    def _widths(self, room: int) -> list[int]:
        """Return the widths of all columns; columns of words share the room that is left."""
        widths = [self._widest(index) for index in range(len(self._columns))]
        widths[0] += self.width - self._across(iter(widths))
        for _ in range(self._across(iter(widths)) - room):
            index = max(self._words, key=lambda index: widths[index] - self._needs(index))
            widths[index] -= 1
        return widths

    def _table(self, room: int) -> Iterator[Text]:
        """Yield the lines of the table in columns."""
        widths = self._widths(room)
        yield from self._row(tuple(Text(heading, style="bold") for heading in self._columns), widths)
        yield whole("─" * self._across(iter(widths)))
        for place, section in enumerate(self._sections):
            if place:
                yield whole("")
            for row in section:
                yield from self._row(row, widths)

    def _row(self, row: Row, widths: list[int]) -> Iterator[Text]:
        """Yield the lines of a record in columns."""
        columns = [
            _wrapped(cell.plain, width, style=str(cell.style)) if index in self._words else [cell]
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for cells in zip_longest(*columns, fillvalue=Text()):
            line = whole("")
            at = 0
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True)):
                to_the_right = 0 if index in self._words or not index else width - cell.cell_len
                line.append(" " * (at + to_the_right - line.cell_len)).append_text(cell)
                at += width + GAP
            line.rstrip()
            yield line

    def _blocks(self, width: int) -> Iterator[Text]:
        """Yield one block of lines for each record; of two cells, a line or two."""
        pairs = len(self._columns) == 2
        for place, row in enumerate(row for section in self._sections for row in section):
            if place and not pairs:
                yield whole("")
            yield from self._pair(row, width) if pairs else self._block(row, width)

    def _pair(self, row: Row, width: int) -> Iterator[Text]:
        """Yield a record of two cells: on one line if it fits, else the second cell below the first."""
        name, value = row
        if name.cell_len + 2 + value.cell_len <= width:
            yield whole(f"{name.plain}  {value.plain}")
        else:
            yield from _wrapped(name.plain, width)
            yield from _wrapped(value.plain, width, "  ", str(value.style))

    def _block(self, row: Row, width: int) -> Iterator[Text]:
        """Yield the lines of a record: its name, then each heading with its cell."""
        longest = max(map(len, self._columns[1:]))
        yield from _wrapped(f"{self._columns[0]} {row[0].plain}".strip(), width, style="bold")
        for heading, cell in zip(self._columns[1:], row[1:], strict=True):
            if not cell.plain:
                continue
            line = f"  {heading.ljust(longest)}  {cell.plain}"
            if cell_len(line) <= width:
                yield whole(line, str(cell.style))
            else:
                yield from _wrapped(f"{heading}: {cell.plain}", width, "  ", str(cell.style))


class SideBySide:
    """Two tables side by side where they fit, else one below the other."""

    def __init__(self, left: Records, right: Records) -> None:
        self._left = left
        self._right = right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show both."""
        room = options.max_width
        lefts, rights = self._left.lines(room), self._right.lines(room)
        if self._left.width + GAP + self._right.width > room:
            yield from (*lefts, Text(), *rights)
            return
        for left, right in zip_longest(lefts, rights, fillvalue=Text()):
            line = whole("").append_text(left)
            if right.plain:
                line.append(" " * (self._left.width + GAP - left.cell_len)).append_text(right)
            yield line
