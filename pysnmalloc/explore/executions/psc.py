"""SEQ_CST in RC11: the relation psc, which differs from the S of ``seqcst`` in one step (§2.2).

    scb       po, (po to another cell; hb; po from another cell), hb to the same cell, mo, or fr
    psc_base  base of ``seqcst``, with this scb
    psc_F     fences of ``seqcst``

The definitions are from Lahav, Vafeiadis, Kang, Hur and Dreyer, "Repairing Sequential Consistency in
C/C++11" (PLDI 2017). C++20 dropped the condition that the cells differ.
"""

from __future__ import annotations

from collections.abc import Iterator

from .event import Event
from .seqcst import Steps

__all__ = ["Psc"]


class Psc(Steps):
    """The steps of psc."""

    def _ends(self, thread: list[Event]) -> Iterator[int]:
        """Yield, for each event of a thread, how many events are before it and the ones before it at its own cell."""
        cell: int | None = None  # that of the previous event; a fence has none
        count = 0
        for event in thread:
            before, cell = cell, event.op.cell if event.kind != "F" else None
            if cell is None or cell != before:
                count = event.index
            yield count
