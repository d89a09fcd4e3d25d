"""Where all executions of a scenario begin, and how one can break off (§2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..threads.ops import PLAIN_WRITE, Op, Value
from ..threads.segment import Cells
from ..threads.tree import ThreadTree
from .event import Clock, Event

if TYPE_CHECKING:
    from .graph import Graph

__all__ = ["Broken", "Race", "Start", "ThreadFailed", "Uninitialised"]


class Start:
    """Where all executions of a scenario begin: memory after set-up, trees of the threads.

    Attributes:
        fresh: bytes that must be written before they are read.
    """

    def __init__(
        self, image: bytes, trees: Sequence[ThreadTree], cells: Cells, fresh: frozenset[int] = frozenset()
    ) -> None:
        self.image = image
        self.fresh = fresh
        self.trees = tuple(trees)
        self.cells = cells
        self.nothing: Clock = (0,) * len(self.trees)
        self._inits: dict[int, Event] = {}

    def init(self, cell: int) -> Event:
        """Return the write of a cell's first value: before everything."""
        event = self._inits.get(cell)
        if event is None:
            low, high = (int.from_bytes(self.image[at : at + 8], "little") for at in (cell, cell + 8))
            value: Value = (low, high) if cell in self.cells.pairs else low
            event = self._inits[cell] = Event(-1, 0, Op(PLAIN_WRITE, cell, cell=cell), "W", value, None, -1, -1)
            event.porf = event.hb = event.message = self.nothing
        return event


class Broken(Exception):
    """Something that must not be has come up in an execution, which ends there.

    Attributes:
        graph: the execution.
        threads: those that have to do with it, the one in which it came up last.
    """

    def __init__(self, graph: Graph, *threads: int) -> None:
        super().__init__(threads)
        self.graph = graph
        self.threads = threads


class Race(Broken):
    """Two accesses that nothing orders, one of them a write, one of them plain."""

    def __init__(self, graph: Graph, other: int, thread: int, address: int, lines: tuple[str, str]) -> None:
        super().__init__(graph, other, thread)
        self.address = address
        self.lines = lines


class ThreadFailed(Broken):
    """A thread ended by an error."""

    def __init__(self, graph: Graph, thread: int, error: Exception) -> None:
        super().__init__(graph, thread)
        self.error = error


class Uninitialised(Broken):
    """A read of bytes that nobody wrote."""

    def __init__(self, graph: Graph, thread: int, address: int, line: str) -> None:
        super().__init__(graph, thread)
        self.address = address
        self.line = line
