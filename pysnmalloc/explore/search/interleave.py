"""Every interleaving, one by one, to show what reduction saves (§2.2).

    A A B   A B A   B A A        a step is an atomic operation, with the plain accesses and
                                 fences after it

A thread that spins waits, as in the search; see ``threads.spinning``.

The model is sequential consistency: memory is a table that each step reads and changes.
The walk makes a step, visits all that can follow, and undoes the step. Interleavings thus
share the work of their common beginning. Threads of a and b steps have (a + b)! / a! b!
interleavings, which is why reduction matters.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable

from ..executions.start import Start
from ..threads.ops import DONE, FAILED, FENCE, WAIT, Op, Value
from ..threads.segment import Node, Segment

__all__ = ["Interleavings"]

Undo = list[tuple[int, int, int]]  # plain writes to undo: log2 of the bytes, index, old value; -1, cell, old value


class Interleavings:
    """All interleavings of a scenario.

    Args:
        leaf: called at the end of each interleaving with its class: what every step read, and the order of
            writes. It returns whether to continue.

    Attributes:
        nodes: for each thread, the operation that it makes next.
        path: the thread of each step so far.
        values: for each cell that was stored to, its value.
    """

    def __init__(self, start: Start, leaf: Callable[[Hashable], bool]) -> None:
        self._start = start
        self._leaf = leaf
        self.image = bytearray(start.image)
        u8 = memoryview(self.image)
        self._views = (u8, u8.cast("H"), u8.cast("I"), u8.cast("Q"))
        self.values: dict[int, Value] = {}
        self.nodes: list[Node] = []
        self._writers: dict[int, list[tuple[int, int]]] = {}  # by cell, the thread and step of each write
        self.path: list[int] = []
        self._seen: list[list[tuple[int, int]]] = [[] for _ in start.trees]  # by thread, the write that each step read
        # Per thread, its steps, whose effect each read (see ``Event.effect``), and whether it changed anything.
        self._made: list[list[tuple[Op, tuple[int, int], bool]]] = [[] for _ in start.trees]
        self._effects: dict[int, list[tuple[int, int]]] = {}

    def run(self) -> bool:
        """Visit all interleavings and return whether ``leaf`` never stopped the walk."""
        undo: Undo = []
        for tree in self._start.trees:
            segment = tree.start(self._views)
            self._do(segment, undo)
            self.nodes.append(segment.node)
        for thread in range(len(self.nodes)):
            self._pass(thread, undo)
        frames = sys.getrecursionlimit()
        sys.setrecursionlimit(frames + 2 * sum(tree.limit + 1 for tree in self._start.trees))
        try:
            return self._visit()
        finally:
            sys.setrecursionlimit(frames)

    def latest(self) -> bytes:
        """Return all bytes as they are now."""
        image = bytearray(self.image)
        for cell, value in self.values.items():
            for at, word in enumerate(value if isinstance(value, tuple) else (value,)):
                image[cell + 8 * at : cell + 8 * at + 8] = word.to_bytes(8, "little")
        return bytes(image)

    def _visit(self) -> bool:
        """Make every possible next step in turn and visit all that follows; return whether to continue."""
        nodes, ended = self.nodes, True
        for thread, node in enumerate(nodes):
            op = node.op
            if op.kind in (DONE, FAILED) or (op.kind == WAIT and self._value(op) == op.values[0]):
                continue
            if op.again is not None and self._spins(thread, node, op.again):
                continue
            ended = False
            if not self._step(thread, node, op):
                return False
        return self._leaf(self._class()) if ended else True

    def _step(self, thread: int, node: Node, op: Op) -> bool:
        """Make a step, visit all that follows, and undo the step; return whether to continue."""
        cell, seen = op.cell, self._seen[thread]
        before = self.values.get(cell)
        old = self._value_of(cell) if before is None else before
        result, new = op.run(old)
        writers = self._writers.setdefault(cell, [(-1, 0)])
        effects = self._effects.setdefault(cell, [(-1, 0)])
        self.path.append(thread)
        seen.append(writers[-1] if op.reads else (-2, 0))
        idle = new is None or (op.changes and new == old)
        self._made[thread].append((op, effects[-1], not idle))
        if new is not None:
            self.values[cell] = new
            writers.append((thread, len(seen)))
            effects.append(effects[-1] if idle else writers[-1])
        undo: Undo = []
        segment = self._start.trees[thread].step(node, result, self._views)
        self._do(segment, undo)
        self.nodes[thread] = segment.node
        if segment.node.op.kind == FENCE or segment.node.op.plain:
            self._pass(thread, undo)
        going_on = self._visit()
        self.nodes[thread] = node
        self._take_back(undo)
        seen.pop()
        self._made[thread].pop()
        self.path.pop()
        if new is not None:
            writers.pop()
            effects.pop()
            self.values[cell] = old
        return going_on

    def _spins(self, thread: int, node: Node, again: Op) -> bool:
        """Return whether a thread would read again what it read at ``again``, and has changed nothing since."""
        for op, effect, changed in reversed(self._made[thread]):
            if changed:
                return False
            if op is again:
                newest = self._effects.get(op.cell, [(-1, 0)])[-1]
                return effect == newest and self._start.trees[thread].spins(node)
        return False

    def _pass(self, thread: int, undo: Undo) -> None:
        """Make the fences and plain accesses that come next, which are not steps."""
        node = self.nodes[thread]
        while node.op.kind == FENCE or node.op.plain:
            result: Hashable = None
            if node.op.plain:
                result, new = node.op.run(self._value(node.op))
                if new is not None:
                    assert isinstance(new, int)
                    undo.append((-1, node.op.cell, self._value_of(node.op.cell)))  # type: ignore[arg-type]
                    self.values[node.op.cell] = new
            segment = self._start.trees[thread].step(node, result, self._views)
            self._do(segment, undo)
            node = self.nodes[thread] = segment.node

    def _do(self, segment: Segment, undo: Undo) -> None:
        """Make a segment's plain writes."""
        for shift, index, value in segment.writes:
            view = self._views[shift]
            undo.append((shift, index, view[index]))
            view[index] = value

    def _take_back(self, undo: Undo) -> None:
        """Undo plain writes."""
        for shift, index, value in reversed(undo):
            if shift < 0:
                self.values[index] = value
            else:
                self._views[shift][index] = value

    def _value(self, op: Op) -> Value:
        """Return the value of an operation's cell or, for a wait, of its part of the cell."""
        value = self._value_of(op.cell)
        return value if not isinstance(value, tuple) or op.part == 2 or op.kind != WAIT else value[op.part]

    def _value_of(self, cell: int) -> Value:
        """Return a cell's value."""
        value = self.values.get(cell)
        return value if value is not None else self._start.init(cell).value

    def _class(self) -> Hashable:
        """Return what this interleaving shares with all equivalent ones."""
        return tuple(map(tuple, self._seen)), tuple(tuple(w) for _, w in sorted(self._writers.items()))
