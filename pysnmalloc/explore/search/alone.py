"""One thread alone, from the start to its end: an execution that every model allows (§2.2).

    values of cells ─► load ─► result ─► the thread's tree ─► store ─► values of cells ─► ...

The search finds this execution as well, and then finds its branches in the tree already. What it is for
is the order in which the threads run for the first time: see ``Exploration.rehearse``.
"""

from __future__ import annotations

from ..executions.start import Start
from ..threads.ops import DONE, FAILED, FENCE, WAIT, Value
from ..threads.segment import Segment, Views
from ..threads.tree import ThreadTree

__all__ = ["go_alone"]


def go_alone(tree: ThreadTree, start: Start) -> None:
    """Let a thread run alone until it ends, waits or spins.

    Raises:
        NewCell: if it meets a cell that was not known to be atomic.
        NotRepeatable: if the thread does not do what it did before.
    """
    u8 = memoryview(bytearray(start.image))
    views: Views = (u8, u8.cast("H"), u8.cast("I"), u8.cast("Q"))
    values: dict[int, Value] = {}
    segment = _done(tree.start(views), views)
    while (op := segment.node.op).kind not in (DONE, FAILED):
        old = values.get(op.cell)
        result, new = op.run(start.init(op.cell).value if old is None else old) if op.kind != FENCE else (None, None)
        if (op.kind == WAIT and result == op.values[0]) or (op.again is not None and tree.spins(segment.node)):
            return
        if new is not None:
            values[op.cell] = new
        segment = _done(tree.step(segment.node, result, views), views)


def _done(segment: Segment, views: Views) -> Segment:
    """Make the plain writes of a segment."""
    for shift, index, value in segment.writes:
        views[shift][index] = value
    return segment
