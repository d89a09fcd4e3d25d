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

A tree exists only if the function does the same after the same reads. Each run passes the branches
that earlier runs recorded, and is compared with them (``run``); ``confirm`` repeats the runs that no
other run continued. Whether the thread spins, and so waits, is found out in ``spinning``.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable

from ...atomics import Order
from ...memory import Memory
from .misuse import NotRepeatable, WrongUse
from .ops import DONE, FAILED, Op
from .proxies import ExploredAtomics, ExploredMemory, ExploredPlace
from .run import Endless, Run
from .scenario import ThreadCode
from .segment import Access, Cells, Node, Segment, Views
from .spinning import Rehearsal, last_at_same_place
from .stops import Reached, enter, where_raised

__all__ = ["ThreadTree", "TooLong"]

LUCK = 8  # the repetitions of a thread's first whole run: a coin must fall this often on the same side


class ThreadTree:
    """The tree of one thread of a scenario.

    Attributes:
        runs: the number of times that the thread's function was run to find a branch.
        sites: the kind and the order of the thread's atomic operations, by their sites in the source.
        limit: the largest number of steps.

    Args:
        run: the thread's function.
        memory: the scenario's memory; only its address space is used.
        cells: the cells that are known to be accessed atomically.
        orders: the orders to use at some sites instead of those in the source.
        lines: the largest number of lines that the function may run between two accesses.
    """

    def __init__(
        self,
        name: str,
        run: ThreadCode,
        memory: Memory,
        cells: Cells,
        orders: dict[str, Order],
        limit: int,
        lines: int,
    ) -> None:
        self.name = name
        self.runs = 0
        self.sites: dict[str, tuple[str, Order]] = {}
        self._run = run
        self._memory = memory
        self._size = len(memory.space.buffer)
        self._cells = cells
        self._words = frozenset(cells.words)
        self.limit = limit
        self._lines = lines
        self._orders = orders
        self._start: list[Segment] = []
        self._unconfirmed: dict[Node, None] = {}  # in the order in which they were found
        self._confirmed = False

    def start(self, views: Views) -> Segment:
        """Return the thread's first segment.

        Raises:
            NotRepeatable: if the thread does not do what it did before.
        """
        for segment in self._start:
            if segment.fits(views):
                return segment
        segment = self._go(None, [], views)
        self._start.append(segment)
        return segment

    def step(self, node: Node, result: Hashable, views: Views) -> Segment:
        """Return the segment that follows a result of a node's operation. Cost: a run of the function if it is new.

        Raises:
            NotRepeatable: if the thread does not do what it did before.
        """
        ways = node.after.get(result)
        if ways is None:
            ways = node.after[result] = []
        for segment in ways:
            if segment.fits(views):
                return segment
        segment = self._go(node, [*node.script, result], views)
        ways.append(segment)
        return segment

    def spins(self, node: Node) -> bool:
        """Return whether the thread, reading once more what it read at ``op.again``, does the same again for ever.

        Cost: a run of the function the first time, with ``REPEATED`` operations if the answer is yes.
        """
        if node.spins is None:
            op = node.op
            assert op.again is not None
            rehearsal = Rehearsal(node.script, node.deeds, self._words, op.again.at, op.at, self._lines)
            memory = ExploredMemory(self._memory, rehearsal)
            try:
                with rehearsal.watch:
                    enter(self._run, ExploredPlace(memory, ExploredAtomics(rehearsal, self._orders)))
            except KeyboardInterrupt:
                raise
            except BaseException:  # it ends the loop, so there is none, or the rehearsal is over
                pass
            node.spins = rehearsal.same
        return node.spins

    def confirm(self) -> None:
        """Repeat each run that no other run has repeated, and the first run that reached the end a few times more.

        Raises:
            NotRepeatable: if the thread does not do what it did before.
        """
        nodes, self._unconfirmed = list(self._unconfirmed), {}
        for node in nodes:
            times = 1 if self._confirmed or node.op.kind != DONE else LUCK
            self._confirmed |= node.op.kind == DONE
            for _ in range(times):
                self._repeat(node, self._run)

    def compare(self, run: ThreadCode) -> None:
        """Repeat the first run that nothing has repeated with another function, which should do the same.

        Raises:
            NotRepeatable: if it does not.
        """
        for node in self._unconfirmed:
            self._repeat(node, run)
            return

    def _go(self, parent: Node | None, script: list[Hashable], views: Views) -> Segment:
        """Run the function on recorded results up to its next operation, and return the segment before it."""
        self.runs += 1
        deeds = parent.deeds if parent is not None else ()
        run = Run(self.name, self._size, self._cells, self._words, script, deeds, views, self._lines)
        op = self._end(run, self._run)
        depth, ops = (parent.depth + 1, (*parent.ops, parent.op)) if parent is not None else (0, ())
        if parent is not None:
            self._unconfirmed.pop(parent, None)
        if depth > self.limit:
            op = Op(FAILED, values=(TooLong(self.limit),))
        op.wrote = bool(run.writes)
        op.again = last_at_same_place(op, ops)
        if op.site is not None and op.kind != FAILED:
            self.sites[op.site.name] = op.kind, op.order
        node = Node(op, run.script, depth, run.deeds, ops)
        self._unconfirmed[node] = None
        return Segment(run.needs, list(_last_writes(run.writes)), run.where, node)

    def _repeat(self, node: Node, code: ThreadCode) -> None:
        """Run a function once more up to a node, if it is not one at which a limit ended the thread."""
        before = node.op
        if before.kind == FAILED and isinstance(before.values[0], TooLong | Endless):
            return
        run = Run(self.name, self._size, self._cells, self._words, node.script, node.deeds, None, self._lines)
        op = self._end(run, code)
        if (op.kind in (DONE, FAILED) or before.kind in (DONE, FAILED)) and not _same_end(op, before):
            site = before.site or op.site
            line = site.line if site is not None else ""
            raise NotRepeatable(self.name, line, _ended(op), _ended(before))

    def _end(self, run: Run, code: ThreadCode) -> Op:
        """Run a function, and return the operation at which it was stopped, or its end."""
        explored = ExploredMemory(self._memory, run)
        place = ExploredPlace(explored, ExploredAtomics(run, self._orders))
        try:
            with run.watch:
                result = enter(code, place)
            op = self._returned(run, result)
        except Reached:
            op = run.op
        except KeyboardInterrupt:
            raise  # the user's
        except BaseException as error:  # sys.exit as well: a thread's end is not the end of the search
            # While the function unwinds, it may fail in a way that it would not if the operation had a result.
            op = run.op if run.stopped else Op(FAILED, values=(error,), site=where_raised(error))
        if run.new is not None:
            raise run.new
        run.demand_same(lambda: _ended(op))
        return op if run.failure is None else Op(FAILED, values=(run.failure,))

    def _returned(self, run: Run, result: object) -> Op:
        """Return the end of a function that returned."""
        if run.stopped and run.failure is None and run.new is None:
            line = run.op.site.line if run.op.site is not None else ""
            return Op(FAILED, values=(WrongUse(SWALLOWED.format(line)),))
        if inspect.isgenerator(result) or inspect.iscoroutine(result) or inspect.isasyncgen(result):
            if not inspect.isasyncgen(result):
                result.close()
            kind = type(result).__name__
            return Op(FAILED, values=(WrongUse(NOT_RUN.format(kind, result.__qualname__)),))
        return Op(DONE, values=(result,))


NOT_RUN = (
    "the thread returned a {0}, so nothing of `{1}` ran; a thread is a function that does its steps itself, without "
    "yield and without async"
)
SWALLOWED = (
    "the thread caught the exception by which the explorer stops it, and went on: catch Exception or what you expect, "
    "not everything, around `{0}`"
)


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


def _same_end(one: Op, other: Op) -> bool:
    """Return whether a thread ended in the same way twice."""
    if one.kind != other.kind:
        return False
    first, second = one.values[0], other.values[0]
    if type(first) is not type(second):
        return False
    return one.kind == FAILED or type(first).__eq__ is object.__eq__ or first == second or repr(first) == repr(second)


def _ended(op: Op) -> str:
    """Return how a thread ended, in words."""
    if op.kind == DONE:
        return f"returned {op.values[0]!r}"
    return f"raised {op.values[0]!r}" if op.kind == FAILED else f"reached {op.kind}"
