"""Segments: the plain accesses of a thread between two atomic operations, and where they lead (§2.2).

    ● load back = 96 ──[ reads u16 at 64 = 7, writes u64 at 128 ]──► ● store 96
      node               segment                                       node

A thread enters a segment if memory holds the values that the segment's reads expect. All
writes of the segment are then performed at once. A plain access to a cell that is also
accessed atomically is not part of a segment. It is an operation of its own, because its
order matters. The explorer discovers such cells as it runs: each new one raises ``NewCell``.
"""

from __future__ import annotations

import linecache
from collections.abc import Hashable, Sequence
from types import CodeType

from .ops import Deed, Op, Site

__all__ = ["Access", "Cells", "NewCell", "Node", "Segment", "Views", "Where", "plain_site"]

#: Views of the same bytes as words of 1, 2, 4 and 8 bytes.
Views = tuple["memoryview[int]", "memoryview[int]", "memoryview[int]", "memoryview[int]"]
Access = tuple[int, int, int]  #: log2 of the number of bytes, index, value
Where = tuple[CodeType, int]  #: a function and a line in it


class NewCell(Exception):
    """A thread atomically accesses a cell that was not known to be atomic."""


class Cells:
    """The cells that are known to be accessed atomically by some thread.

    Attributes:
        words: the numbers (address >> 3) of all words in the cells.
        pairs: the addresses of the cells of two words.
    """

    def __init__(self) -> None:
        self.words: set[int] = set()
        self.pairs: set[int] = set()

    def want(self, cell: int, *, pair: bool = False) -> None:
        """Add a cell, and raise ``NewCell`` if it was not known."""
        if pair and cell not in self.pairs:
            self.pairs.add(cell)
            self.words.update((cell >> 3, (cell >> 3) + 1))
            raise NewCell
        if cell >> 3 not in self.words:
            self.words.add(cell >> 3)
            raise NewCell

    def cell_of(self, word: int) -> tuple[int, int]:
        """Return the cell that contains a word, and which part of the cell the word is."""
        address = word << 3
        return (address & ~15, word & 1) if address & ~15 in self.pairs else (address, 0)


class Segment:
    """The plain accesses of a thread between two atomic operations, for one set of values that the thread reads.

    Attributes:
        needs: the reads of words that the segment has not written before, with the values expected.
        writes: the last write to each word.
        read, written: the addresses of the bytes in ``needs`` and in ``writes``.
        node: the node to which the segment leads.
    """

    __slots__ = ("_where", "needs", "node", "read", "writes", "written")

    def __init__(self, needs: list[Access], writes: list[Access], where: dict[int, Where], node: Node) -> None:
        self.needs = needs
        self.writes = writes
        self.node = node
        self._where = where
        self.read = frozenset(byte for access in needs for byte in _bytes(access))
        self.written = frozenset(byte for access in writes for byte in _bytes(access))

    def fits(self, views: Views) -> bool:
        """Return whether memory holds the values that the segment's reads expect."""
        for shift, index, value in self.needs:  # noqa: SIM110  # a loop is twice as fast as all()
            if views[shift][index] != value:
                return False
        return True

    def clashes(self, other: Segment) -> frozenset[int]:
        """Return the bytes that both segments access and at least one of them writes."""
        return self.written & other.written | self.written & other.read | self.read & other.written

    def line_of(self, byte: int) -> str:
        """Return the source line that accesses a byte."""
        for first in range(byte, byte - 8, -1):
            if first in self._where:
                return plain_site(self._where[first]).line
        return ""


class Node:
    """A point at which a thread is about to perform an operation.

    Attributes:
        op: the operation.
        script: everything that the thread has read so far.
        after: the segments that follow, by the operation's result.
        depth: the number of operations before this one.
        deeds: everything that the thread has done so far, this operation included.
        ops: the operations before this one.
    """

    __slots__ = ("after", "deeds", "depth", "op", "ops", "script", "spins")

    def __init__(
        self,
        op: Op,
        script: list[Hashable],
        depth: int,
        deeds: Sequence[Deed] = (),
        ops: tuple[Op, ...] = (),
    ) -> None:
        self.op = op
        self.script = script
        self.depth = depth
        self.deeds = deeds
        self.ops = ops
        self.after: dict[Hashable, list[Segment]] = {}
        self.spins: bool | None = None  # whether the thread spins here: see ``spinning``; None if nobody asked


def _bytes(access: Access) -> range:
    """Return the addresses of the bytes of an access."""
    first = access[1] << access[0]
    return range(first, first + (1 << access[0]))


def plain_site(where: Where) -> Site:
    """Return the site of a plain access."""
    code, line = where
    name = code.co_qualname.rpartition("<locals>.")[2]
    return Site(f"{name} plain", linecache.getline(code.co_filename, line).strip())
