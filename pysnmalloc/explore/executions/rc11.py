"""RC11: C++11's memory model as it was repaired in 2017, kept for comparison with ``cpp20`` (§2.2).

    x := 1;  y := 1, release;  y := 2, relaxed         r := y, acquire;  s := x
                                                       r = 2, s = 0: never here, but in C++20

It differs from ``cpp20`` in two rules:

    release sequences    later stores by the same thread to the cell continue one, as in C++11
    SEQ_CST              the order is ``psc``; its steps through happens-before begin and end
                         with accesses to other cells

So neither model allows all that the other one does. The model is that of Lahav, Vafeiadis, Kang, Hur
and Dreyer, "Repairing Sequential Consistency in C/C++11" (PLDI 2017). In their release sequences, as
here, a store of another thread in between does no harm; in C++11 itself, it ended the sequence.
"""

from __future__ import annotations

from typing import Self

from ..threads.ops import releases
from .cpp20 import CPP20
from .event import Clock, Event
from .psc import Psc
from .seqcst import closes_cycle
from .start import Start

__all__ = ["RC11"]


class RC11(CPP20):
    """C++11, as Lahav and others repaired it in 2017, without cycles of po and rf."""

    def __init__(self, start: Start) -> None:
        super().__init__(start)
        self.released: dict[tuple[int, int], Clock] = {}  # by thread and cell: clock of its last releasing write

    def _copy_model(self, twin: Self) -> None:
        super()._copy_model(twin)
        twin.released = self.released.copy()

    def _released(self, event: Event) -> Clock:
        """Return what the thread's last releasing write to the cell passes on; a later store continues it."""
        place = event.thread, event.op.cell
        if releases(event.op.order):
            self.released[place] = event.hb
        return self.released.get(place, self.start.nothing)

    def _closes_cycle(self, event: Event) -> bool:
        return closes_cycle(self, event, Psc)
