"""A thread as a tree of what it may read: its function runs once per branch, and the search walks the tree.

    ●─ load back ─┬─ 64 ──► ● store 64 ──► ● done
                  └─ 96 ──► ● store 96 ──► ...        a node: the atomic operation that comes next

The next step of a thread depends only on what it has read so far. Its behaviour is therefore
a tree, with a node for each atomic operation and a branch for each possible result. When the
search takes a branch for the first time, it runs the thread's function from the start and
feeds it the results recorded along the way. An exception stops the function at the first
operation beyond them. After that, the function does not run again: the search walks the tree.
The search needs no OS threads, no generators, and no change to the source.

The plain accesses between two atomic operations form a ``segment``. The values that they read
are part of the branch.
"""

from __future__ import annotations

import sys
from collections.abc import Hashable

from ...atomics import Order
from ...memory import Memory
from . import proxies
from .ops import DONE, FAILED, PLAIN_READ, PLAIN_WRITE, Op
from .proxies import ExploredAtomics, ExploredMemory, ExploredPlace
from .scenario import ThreadCode
from .segment import Access, Cells, NewCell, Node, Segment, Views, Where, plain_site

__all__ = ["ThreadTree", "TooLong"]

_RECORDING = (__file__, proxies.__file__)


class _Reached(BaseException):
    """The function has reached an operation that has no recorded result."""


class ThreadTree:
    """The tree of one thread of a scenario.

    Attributes:
        runs: the number of times that the thread's function was run.
        sites: the kind and the order of the thread's atomic operations, by their sites in the source.

    Args:
        run: the thread's function.
        memory: the scenario's memory; only its address space is used.
        cells: the cells that are known to be accessed atomically.
        orders: the orders to use at some sites instead of those in the source.
    """

    def __init__(
        self, name: str, run: ThreadCode, memory: Memory, cells: Cells, orders: dict[str, Order], limit: int
    ) -> None:
        self.name = name
        self.runs = 0
        self.sites: dict[str, tuple[str, Order]] = {}
        self._run = run
        self._cells = cells
        self._limit = limit
        self._explored = ExploredMemory(memory, self)
        self._orders = orders
        self._start: list[Segment] = []
        self._script: list[Hashable] = []
        self._at = 0
        self._begin: tuple[list[Access], list[Access], dict[int, Where]] = ([], [], {})
        self._seen: dict[int, int] = {}
        self._views: Views | None = None
        self._op = Op(DONE)

    def start(self, views: Views) -> Segment:
        """Return the thread's first segment."""
        for segment in self._start:
            if segment.fits(views):
                return segment
        segment = self._go([], 0, views)
        self._start.append(segment)
        return segment

    def step(self, node: Node, result: Hashable, views: Views) -> Segment:
        """Return the segment that follows a result of a node's operation. Cost: a run of the function if it is new."""
        ways = node.after.get(result)
        if ways is None:
            ways = node.after[result] = []
        for segment in ways:
            if segment.fits(views):
                return segment
        segment = self._go([*node.script, result], node.depth + 1, views)
        ways.append(segment)
        return segment

    def _go(self, script: list[Hashable], depth: int, views: Views) -> Segment:
        """Run the function on recorded results up to its next operation, and return the segment before it."""
        self.runs += 1
        self._script, self._at, self._views = list(script), 0, views
        needs, writes, where = self._begin = ([], [], {})
        self._seen = {}
        place = ExploredPlace(self._explored, ExploredAtomics(self, self._orders))
        try:
            outcome = self._run(place)
            self._op = Op(DONE, values=(outcome,))
        except _Reached:
            pass
        except NewCell:
            raise
        except Exception as error:
            self._op = Op(FAILED, values=(error,))
        if depth > self._limit:
            self._op = Op(FAILED, values=(TooLong(self._limit),))
        return Segment(needs, list(_last_writes(writes)), where, Node(self._op, self._script, depth))

    # The methods that explored code calls: see `proxies.Recorder`.

    def replayed(self) -> tuple[bool, Hashable]:
        """Return whether the next atomic operation has a recorded result, and that result."""
        at = self._at
        if at < len(self._script):
            self._at = at + 1
            return True, self._script[at]
        return False, None

    def reach(self, op: Op) -> Hashable:
        """Stop the function at a new operation."""
        if op.cell:
            self._cells.want(op.cell)
        if op.site is not None:
            self.sites[op.site.name] = op.kind, op.order
        self._op = op
        raise _Reached

    def is_pair(self, address: int) -> bool:
        """Return whether a word is half of a cell of two words."""
        return address & ~15 in self._cells.pairs

    def make_pair(self, address: int) -> None:
        """Make the word and the one after it a single cell."""
        self._cells.want(address, pair=True)

    def read(self, shift: int, index: int) -> int:
        """Perform a plain read."""
        at = self._at
        if at < len(self._script):
            self._at = at + 1
            value = self._script[at]
            assert isinstance(value, int)
            return value
        word = index << shift >> 3
        if word in self._cells.words:
            self._plain_step(PLAIN_READ, shift, index)
        value = self._byte_value(shift, index)
        self._script.append(value)
        self._at += 1
        return value

    def write(self, shift: int, index: int, value: int) -> None:
        """Perform a plain write."""
        if self._at < len(self._script):
            # Replayed: the write was performed when its segment was entered, unless it is an operation of its own.
            if index << shift >> 3 in self._cells.words:
                self._at += 1
            return
        if index << shift >> 3 in self._cells.words:
            self._plain_step(PLAIN_WRITE, shift, index, value)
        if not 0 <= value < 1 << (8 << shift):
            raise ValueError(f"{value} does not fit into {1 << shift} bytes at {index << shift:#x}")
        _, writes, where = self._begin
        writes.append((shift, index, value))
        where.setdefault(index << shift, _where())
        seen = self._seen
        for byte in range(index << shift, (index << shift) + (1 << shift)):
            seen[byte] = value & 0xFF
            value >>= 8

    def _byte_value(self, shift: int, index: int) -> int:
        """Return a plain word's value, from the segment's writes or else from memory, which the segment then needs."""
        needs, _, where = self._begin
        first, size, seen = index << shift, 1 << shift, self._seen
        mine = sum(first + i in seen for i in range(size))
        assert self._views is not None
        value = self._views[shift][index]  # an IndexError is the thread's own error, as on a heap
        if mine < size:
            needs.append((shift, index, value)) if not mine else needs.extend(
                (0, first + i, self._views[0][first + i]) for i in range(size) if first + i not in seen
            )
            where.setdefault(first, _where())
        if mine:
            value = sum(
                (seen[b] if b in seen else self._views[0][b]) << 8 * (b - first) for b in range(first, first + size)
            )
        return value

    def _plain_step(self, kind: str, shift: int, index: int, value: int = 0) -> None:
        """Stop the function at a plain access to a cell that is also accessed atomically."""
        code, line = _where()
        address = index << shift
        cell, part = self._cells.cell_of(address >> 3)
        if kind == PLAIN_WRITE and not 0 <= value < 1 << (8 << shift):
            raise ValueError(f"{value} does not fit into {1 << shift} bytes at {address:#x}")
        values = (value,) if kind == PLAIN_WRITE else ()
        self._op = Op(
            kind, address, values, Order.RELAXED, plain_site((code, line)), cell=cell, part=part, size=1 << shift
        )
        raise _Reached


class TooLong(Exception):
    """A thread took more steps than the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return f"more than {self.limit} steps"


def _last_writes(writes: list[Access]) -> list[Access]:
    """Drop each write that a later write to the same word replaces."""
    last = {(shift, index): place for place, (shift, index, _) in enumerate(writes)}
    return [access for place, access in enumerate(writes) if last[access[:2]] == place]


def _where() -> Where:
    """Return the function that makes the access, and the line, outside the modules that record."""
    frame = sys._getframe(1)
    while frame.f_code.co_filename in _RECORDING and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code, frame.f_lineno
