"""One run of a thread's function: recorded results first, then one new step, where the function is stopped (§2.2).

    script      7   None   96  │ next       the results of the operations and of the plain reads so far
    deeds       load store load│ load       what the function did: compared with what it did the last time
                                    ▲
                                    └─ Reached: an exception that the function must not catch

While a run replays, it compares each access with the one that an earlier run made there. A difference
means that the function depends on something that the explorer does not see (``NotRepeatable``).

After the stop, the function unwinds (``stops``). Operations in ``finally`` and in ``__exit__`` are
part of that: they are stopped too, and record nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from types import CodeType
from typing import NoReturn

from ...atomics import Order
from .misuse import NotRepeatable, WrongUse, demand_operation, demand_plain
from .ops import DONE, PLAIN_READ, PLAIN_WRITE, READING, Deed, Op
from .segment import Access, Cells, NewCell, Views, Where, plain_site
from .stops import Reached, stack, stop_again, where
from .watching import Watch

__all__ = ["Endless", "Run"]

PLAIN_ACCESSES = 100_000  # between two atomic operations; a loop that makes more does not end by itself


class Endless(WrongUse):
    """A thread loops over plain memory, which no other thread may change, or over its own variables."""


class Run:
    """The recorder of one run of a thread's function. See ``proxies.Recorder``.

    Attributes:
        script: everything that the function read, the new plain reads included.
        deeds: everything that it did.
        op: the operation at which it was stopped.
        stopped, failure, new: whether it was stopped, the misuse that ends the thread, a cell that was not known.
        needs, writes, where: of the segment before the new step.
        watch: the watch over the run, in which the function has to run.

    Args:
        name: the thread's name.
        size: the number of bytes of memory.
        cells: the cells that are known to be accessed atomically; the run may find another one.
        words: the numbers of the words in them when the thread's tree was begun.
        script: the results to replay.
        expected: what the function did with these results before.
        views: the plain memory; None for a run that only repeats what is recorded.
        lines: the largest number of lines that the function may run between two accesses.
    """

    def __init__(
        self,
        name: str,
        size: int,
        cells: Cells,
        words: Container[int],
        script: Sequence[Hashable],
        expected: Sequence[Deed],
        views: Views | None,
        lines: int,
    ) -> None:
        self.name = name
        self.script: list[Hashable] = list(script)
        self.deeds: list[Deed] = []
        self.op = Op(DONE)
        self.stopped = False
        self.failure: Exception | None = None
        self.new: NewCell | None = None
        self.needs: list[Access] = []
        self.writes: list[Access] = []
        self.where: dict[int, Where] = {}
        self._size = size
        self._cells = cells
        self._words = words
        self._expected = expected
        self._views = views
        self._only_repeats = views is None
        self._at = 0
        self._plain = 0
        self._caught = 0
        self._seen: dict[int, int] = {}
        self._lines = lines
        self.watch = Watch(self._endless, lines)

    # What explored code calls.

    def replayed(self, deed: Deed) -> tuple[bool, Hashable]:
        """Note an atomic operation; return whether it has a recorded result, and that result."""
        self._did(deed)
        at = self._at
        if at < len(self.script):
            self._at = at + 1
            return True, self.script[at]
        return False, None

    def allow(self, kind: str, address: int, values: tuple[Hashable, ...], order: Order, part: int) -> None:
        """End the thread if hardware has no such operation."""
        try:
            demand_operation(kind, address, values, order, part, self._size)
        except WrongUse as error:
            self._fail(error)

    def reach(self, op: Op) -> Hashable:
        """Stop the function at a new operation."""
        if op.cell:
            self._want(op.cell)
        self._stop_at(op)

    def is_pair(self, address: int) -> bool:
        """Return whether a word is half of a cell of two words."""
        return address & ~15 in self._cells.pairs

    def make_pair(self, address: int) -> None:
        """Make the word and the one after it a single cell."""
        self._want(address, pair=True)

    def read(self, shift: int, index: int) -> int:
        """Perform a plain read."""
        self._did((shift, index))
        at = self._at
        if at < len(self.script):
            self._at = at + 1
            value = self.script[at]
            assert isinstance(value, int)
            return value
        demand_plain(shift, index, self._size)
        if index << shift >> 3 in self._words:
            self._plain_step(PLAIN_READ, shift, index)
        value = self._byte_value(shift, index)
        self.script.append(value)
        self._at += 1
        return value

    def write(self, shift: int, index: int, value: int) -> None:
        """Perform a plain write."""
        self._did((shift, index, value))
        if self._at < len(self.script):
            # Replayed: the write was performed when its segment was entered, unless it is an operation of its own.
            if index << shift >> 3 in self._words:
                self._at += 1
            return
        demand_plain(shift, index, self._size)
        if not isinstance(value, int):
            raise TypeError(f"a word of memory is a whole number, and {value!r} is not")
        if not 0 <= value < 1 << (8 << shift):
            raise ValueError(f"{value} does not fit into {1 << shift} bytes at {index << shift:#x}")
        if index << shift >> 3 in self._words:
            self._plain_step(PLAIN_WRITE, shift, index, value)
        self._count()
        self.writes.append((shift, index, value))
        self.where.setdefault(index << shift, where())
        seen = self._seen
        for byte in range(index << shift, (index << shift) + (1 << shift)):
            seen[byte] = value & 0xFF
            value >>= 8

    # The end of a run.

    def demand_same(self, end: Callable[[], str]) -> None:
        """Raise ``NotRepeatable`` if the function did not do what it did before; ``end`` says how it ended."""
        if isinstance(self.failure, NotRepeatable):
            raise self.failure
        if self.failure is None and len(self.deeds) < len(self._expected):
            before = self._expected[len(self.deeds)]
            line = plain_site((before[4], _line_at(before[4], before[5]))).line if len(before) == 6 else ""
            raise self._differs(end(), line)

    def _did(self, deed: Deed) -> None:
        """Note an access, and compare it with what was done here before."""
        if self.watch.counting:
            self.watch.access()
        if self.stopped:
            self._again()
        at = len(self.deeds)
        if (at < len(self._expected) and self._expected[at] != deed) or (
            at == len(self._expected) and self._only_repeats
        ):
            self.failure = self._differs(_told(deed), plain_site(where()).line)
            self._stop()
        self.deeds.append(deed)

    def _differs(self, now: str, line: str) -> NotRepeatable:
        """Return the error for a function that does not do what it did before."""
        at = len(self.deeds)
        return NotRepeatable(
            self.name, line, now, _told(self._expected[at]) if at < len(self._expected) else "it ended"
        )

    def _want(self, cell: int, *, pair: bool = False) -> None:
        """Stop the function at a cell that was not known to be atomic."""
        try:
            self._cells.want(cell, pair=pair)
        except NewCell as new:
            self.new = new
            self._stop()

    def _fail(self, error: WrongUse) -> NoReturn:
        """End the thread, whatever it catches."""
        self.failure = type(error)(f"{error}: `{plain_site(where()).line}`")
        self._stop()

    def _stop_at(self, op: Op) -> NoReturn:
        """Stop the function at an operation."""
        op.at = len(self.script)
        if op.kind in READING:
            op.stack = stack()
        self.op = op
        self._stop()

    def _stop(self) -> NoReturn:
        """Stop the function."""
        self.stopped = True
        raise Reached

    def _again(self) -> NoReturn:
        """Stop a function that was stopped before, and still makes accesses."""
        self._caught += 1
        stop_again(self._caught)

    def _count(self) -> None:
        """Count a plain access since the last atomic operation."""
        self._plain += 1
        if self._plain > PLAIN_ACCESSES:
            self._fail(
                Endless(
                    f"the thread makes more than {PLAIN_ACCESSES:,} plain accesses without an atomic operation; no "
                    "other thread may change what it reads, so it does not end"
                )
            )

    def _endless(self) -> NoReturn:
        """End the thread in a loop that makes no access."""
        if self.stopped:
            raise Reached
        if self._only_repeats or len(self.deeds) < len(self._expected):
            self.failure = self._differs(f"no access in {self._lines:,} lines", plain_site(where()).line)
            self._stop()
        self._fail(Endless(f"the thread runs more than {self._lines:,} lines without an access, so it does not end"))

    def _byte_value(self, shift: int, index: int) -> int:
        """Return a plain word's value, from the segment's writes or else from memory, which the segment then needs."""
        self._count()
        first, size, seen = index << shift, 1 << shift, self._seen
        mine = sum(first + i in seen for i in range(size))
        assert self._views is not None
        value = self._views[shift][index]
        if mine < size:
            self.needs.append((shift, index, value)) if not mine else self.needs.extend(
                (0, first + i, self._views[0][first + i]) for i in range(size) if first + i not in seen
            )
            self.where.setdefault(first, where())
        if mine:
            value = sum(
                (seen[b] if b in seen else self._views[0][b]) << 8 * (b - first) for b in range(first, first + size)
            )
        return value

    def _plain_step(self, kind: str, shift: int, index: int, value: int = 0) -> NoReturn:
        """Stop the function at a plain access to a cell that is also accessed atomically."""
        address, values = index << shift, (value,) if kind == PLAIN_WRITE else ()
        cell, part = self._cells.cell_of(address >> 3)
        op = Op(kind, address, values, Order.RELAXED, plain_site(where()), cell=cell, part=part, size=1 << shift)
        op.partial = shift < 3 or self.is_pair(address)
        self._stop_at(op)


def _line_at(code: CodeType, offset: int) -> int:
    """Return the line of an instruction."""
    return next((line for start, end, line in code.co_lines() if start <= offset < end and line), code.co_firstlineno)


def _told(deed: Deed) -> str:
    """Return what a thread did, in words."""
    if len(deed) == 2:
        return f"a plain read at {deed[1] << deed[0]:#x}"
    if len(deed) == 3:
        return f"a plain write of {deed[2]} at {deed[1] << deed[0]:#x}"
    kind, address, values, order, _, _ = deed
    asked = (_asked(address), *map(str, values), _asked(order))
    return f"{kind}({', '.join(asked)})"


def _asked(argument: object) -> str:
    """Return an address or an order in words, or whatever was given in its place."""
    if isinstance(argument, Order):
        return argument.value
    return f"{argument:#x}" if isinstance(argument, int) else repr(argument)
