"""Tables that never cut a number: in columns where they fit, else one block of lines for each record.

    class   object size   objects          class 12
    ─────────────────────────────            object size  320 B
    12            320 B         7            objects      7

The law: no cell is cut and no word is broken, however narrow the terminal. A column of
numbers is as wide as its widest cell; only columns of words are wrapped. What is still
too long for a line stands in it whole, and the terminal wraps it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from rich.box import SIMPLE_HEAD, Box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["Records", "SideBySide", "whole"]

PLAIN_HEAD = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
"""``SIMPLE_HEAD`` for encodings without lines; rich would draw a frame."""
NARROWEST = 16  # columns of a column of words, unless its words are fewer
UNLIMITED = 10_000
GAP = 3  # columns between two tables side by side
Cell = Text | str
Row = tuple[Text, ...]


def whole(text: str, style: str = "") -> Text:
    """Return a line that is never wrapped or cut, such as a path."""
    return Text(text, style=style, no_wrap=True, overflow="ignore")


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

    def add_row(self, *cells: Cell) -> None:
        """Add a record."""
        self._sections[-1].append(tuple(cell if isinstance(cell, Text) else Text(cell) for cell in cells))

    def add_section(self) -> None:
        """Separate the records above from those below."""
        self._sections.append([])

    def needed(self) -> int:
        """Return the columns that the table needs at least to be a table."""
        return max(self._least, self._between() + sum(self._needs(index) for index in range(len(self._columns))))

    def _between(self) -> int:
        """Return the columns between the columns."""
        return 3 * (len(self._columns) - 1)

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
        """Return the widths of all columns, where columns of words share the room that is left."""
        widths = [self._widest(index) for index in range(len(self._columns))]
        for _ in range(sum(widths) + self._between() - room):
            index = max(self._words, key=lambda index: widths[index] - self._needs(index))
            widths[index] -= 1
        return widths

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Measure the table, unless it is shown as blocks."""
        if self.needed() > options.max_width:
            return Measurement(options.max_width, options.max_width)
        return Measurement.get(console, options, self._table(options))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show columns, or blocks."""
        if self.needed() <= options.max_width:
            yield self._table(options)
        else:
            yield from self._blocks(options.max_width)

    def _table(self, options: ConsoleOptions) -> Table:
        """Return the table in columns."""
        table = Table(
            title=Text(self._title, style="bold") if self._title else None,
            title_justify="left",
            box=PLAIN_HEAD if options.ascii_only else SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 1),
            pad_edge=False,
            min_width=self._least or None,
        )
        widths = self._widths(options.max_width)
        for index, (heading, width) in enumerate(zip(self._columns, widths, strict=True)):
            words = index in self._words
            justify: JustifyMethod = "right" if index and not words else "left"
            edges = (index == 0) + (index == len(widths) - 1)  # rich adds two blanks, also where there is an edge
            table.add_column(heading, justify=justify, no_wrap=not words, min_width=width - edges)
        for place, section in enumerate(self._sections):
            if place:
                table.add_section()
            for row in section:
                table.add_row(*row)
        return table

    def _blocks(self, width: int) -> Iterator[Text]:
        """Yield one block of lines for each record."""
        if self._title:
            yield from _lines(self._title, width, "", style="bold")
        pairs = len(self._columns) == 2
        between = False
        for section in self._sections:
            for row in section:
                if between and not pairs:
                    yield Text()
                between = True
                yield from self._pair(row, width) if pairs else self._block(row, width)

    def _pair(self, row: Row, width: int) -> Iterator[Text]:
        """Yield a record of two cells: on one line if it fits, else the second cell below the first."""
        name, value = row
        if name.cell_len + 2 + value.cell_len <= width:
            yield whole(f"{name.plain}  {value.plain}")
        else:
            yield from _lines(name.plain, width, "")
            yield from _lines(value.plain, width, "  ", style=str(value.style))

    def _block(self, row: Row, width: int) -> Iterator[Text]:
        """Yield the lines of a record: its name, then each heading with its cell."""
        longest = max(map(len, self._columns[1:]))
        yield from _lines(f"{self._columns[0]} {row[0].plain}".strip(), width, "", style="bold")
        for heading, cell in zip(self._columns[1:], row[1:], strict=True):
            if not cell.plain:
                continue
            line = f"  {heading.ljust(longest)}  {cell.plain}"
            if len(line) <= width:
                yield whole(line, str(cell.style))
            else:
                yield from _lines(f"{heading}: {cell.plain}" if heading else cell.plain, width, "  ", str(cell.style))


def _lines(text: str, width: int, indent: str, style: str = "") -> Iterator[Text]:
    """Yield a text in lines, without breaking a word."""
    lines = wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    for line in lines or [""]:
        yield whole(line, style)


class SideBySide:
    """Two tables side by side where they fit, else one below the other."""

    def __init__(self, left: Records, right: Records) -> None:
        self._left = left
        self._right = right

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Show both."""
        wide = options.update(max_width=UNLIMITED)
        both = [Measurement.get(console, wide, table).maximum for table in (self._left, self._right)]
        if sum(both) + GAP > options.max_width:
            yield Group(self._left, Text(), self._right)
            return
        grid = Table.grid(padding=(0, GAP, 0, 0), pad_edge=False)
        grid.add_row(self._left, self._right)
        yield grid
