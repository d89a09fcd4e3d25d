"""Where all executions of a scenario begin: memory after set-up, and the threads (§2.2)."""

from __future__ import annotations

from collections.abc import Sequence

from ..threads.ops import PLAIN_WRITE, Op, Value
from ..threads.segment import Cells
from ..threads.tree import ThreadTree
from .event import Clock, Event

__all__ = ["Start"]


class Start:
    """The common start of all executions of a scenario: memory after set-up, and the threads' trees.

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
        """Return the write of a cell's first value, which precedes every other event."""
        event = self._inits.get(cell)
        if event is None:
            low, high = (int.from_bytes(self.image[at : at + 8], "little") for at in (cell, cell + 8))
            value: Value = (low, high) if cell in self.cells.pairs else low
            event = self._inits[cell] = Event(-1, 0, Op(PLAIN_WRITE, cell, cell=cell), "W", value, None, -1, -1)
            event.porf = event.hb = event.message = self.nothing
        return event
