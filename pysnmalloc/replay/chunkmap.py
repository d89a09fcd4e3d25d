"""The chunk map as text: one cell for each chunk that was ever allocated (§2.4).

    0x001000000  S7a S3b M2a L-- --- --- --- .           a few chunks: kind, fill, owner
    0x001000000  SSSSSSSSMMMM*SSS----....                many: one letter for several chunks

A cell's first letter names the kind of chunk, its digit shows how full the chunk is
(tenths in use; ``#`` is full), and its last letter names the owner. The law: every
chunk is drawn, in order of address, and letters carry all meaning; colour only
repeats it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ..inspection.statistics import ChunkEntry

__all__ = ["Cell", "ChunkMap", "Row", "draw"]

LETTERS = {"superslab": "S", "medium": "M", "large": "L", "jump": "-", "free": "."}
MEANINGS = {
    "superslab": "S superslab",
    "medium": "M medium slab",
    "large": "L large object",
    "jump": "- its other chunks",
    "free": ". free chunk",
    "mixed": "* several kinds",
}
OWNERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
OTHER_OWNER = "+"
DETAILED = 256  # at most so many chunks are drawn with fill and owner
DETAILED_ROW = 16
DETAILED_CELL = 4  # columns of such a cell, with the blank after it
FOLDED_ROW = 64
ROWS = 16


@dataclass(frozen=True)
class Cell:
    """One or several chunks: the text, and the kind that determines its colour (``mixed`` if several).

    Attributes:
        text: letter, fill and owner of one chunk, 3 characters; or one letter for several chunks.
        kind: of the chunks, as ``ChunkEntry`` names it.
    """

    text: str
    kind: str


@dataclass(frozen=True)
class Row:
    """A line of cells.

    Attributes:
        address: of the first cell's first chunk.
        cells: in order of address, without gaps.
    """

    address: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class ChunkMap:
    """A drawn map.

    Attributes:
        rows: the lines.
        folded: number of chunks per cell.
        legend: the meaning of each letter that occurs.
        owners: the letter of each allocator, by number, in the order of the letters.
    """

    rows: tuple[Row, ...]
    folded: int
    legend: tuple[str, ...]
    owners: dict[int, str]


def draw(chunks: Sequence[ChunkEntry], owners: Sequence[int], width: int = FOLDED_ROW) -> ChunkMap:
    """Draw a map that fits on one screen.

    Args:
        chunks: all of them, in order of address.
        owners: the numbers of all allocators.
        width: columns for the cells of a row, which has fewer cells if they do not fit.
    """
    letters = {number: OWNERS[i] if i < len(OWNERS) else OTHER_OWNER for i, number in enumerate(owners)}
    folded = 1
    if len(chunks) > DETAILED:
        while len(chunks) > folded * FOLDED_ROW * ROWS:
            folded *= 2
        cells = [_folded(chunks[at : at + folded]) for at in range(0, len(chunks), folded)]
        rows = tuple(_rows(cells, chunks, folded, _fitting(FOLDED_ROW, 1, width)))
        letters = {}
    else:
        cells = [_detailed(chunk, letters) for chunk in chunks]
        rows = tuple(_rows(cells, chunks, 1, _fitting(DETAILED_ROW, DETAILED_CELL, width)))
    seen = {cell.kind for cell in cells}
    return ChunkMap(rows, folded, tuple(text for kind, text in MEANINGS.items() if kind in seen), letters)


def _fitting(cells: int, columns: int, width: int) -> int:
    """Return how many cells a row has: half as many as usual, or a quarter ..., so that addresses stay round."""
    while cells > 1 and cells * columns - (columns > 1) > width:
        cells //= 2
    return cells


def _rows(cells: Sequence[Cell], chunks: Sequence[ChunkEntry], folded: int, length: int) -> Iterator[Row]:
    """Cut cells into rows."""
    for at in range(0, len(cells), length):
        yield Row(chunks[at * folded].address, tuple(cells[at : at + length]))


def _detailed(chunk: ChunkEntry, letters: dict[int, str]) -> Cell:
    """Draw one chunk with fill and owner."""
    letter = LETTERS[chunk.kind]
    if chunk.kind in ("superslab", "medium"):
        fill = "#" if chunk.used == chunk.capacity else str(10 * chunk.used // chunk.capacity)
        text = letter + fill + letters.get(chunk.owner, OTHER_OWNER)
    else:
        text = {"large": "L--", "jump": "---"}.get(chunk.kind, letter)
    return Cell(text.ljust(3), chunk.kind)


def _folded(chunks: Sequence[ChunkEntry]) -> Cell:
    """Draw several chunks as one letter. All chunks of a large object count as one kind."""
    kinds = {chunk.kind for chunk in chunks}
    if kinds <= {"large", "jump"}:
        kinds = {"large"} if "large" in kinds else kinds
    kind = kinds.pop() if len(kinds) == 1 else "mixed"
    return Cell(LETTERS.get(kind, "*"), kind)
