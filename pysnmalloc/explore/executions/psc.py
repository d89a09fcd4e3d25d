"""SEQ_CST in RC11: whether the accesses and fences of that order can be put in one line (§2.2).

    scb       po, or po to another cell; hb; po from another cell, or hb to the same cell, or mo, or fr
    psc_base  ([E_sc] or [F_sc]; hb?); scb; ([E_sc] or hb?; [F_sc])
    psc_F     [F_sc]; (hb or hb; eco; hb); [F_sc]

The law: psc_base and psc_F together have no cycle. The definitions are those of
Lahav, Vafeiadis, Kang, Hur and Dreyer, "Repairing Sequential Consistency in
C/C++11" (PLDI 2017). Relations are lists of bit sets: ``r[a] >> b & 1``.

Left out: everything but SEQ_CST; that needs no such relation.
"""

from __future__ import annotations

from ...atomics import Order
from .event import Event
from .execution import Execution

__all__ = ["sc_order_exists"]

Relation = list[int]


def sc_order_exists(graph: Execution) -> bool:
    """Tell whether psc has no cycle. Cost: some thousands of steps; the square of the events."""
    events = sorted((event for thread in graph.events for event in thread), key=lambda event: event.number)
    place = {event.number: at for at, event in enumerate(events)}
    hb = _happens_before(events)
    mo, fr, rf = _orders(graph, events, place)
    eco = _closure([a | b | c for a, b, c in zip(mo, fr, rf, strict=True)])
    po, same = _program_order(events), _same_cell(events)
    po_other = [a & ~b for a, b in zip(po, same, strict=True)]
    scb = [
        a | b | (c & d) | e | f
        for a, b, c, d, e, f in zip(po, _then(_then(po_other, hb), po_other), hb, same, mo, fr, strict=True)
    ]
    fences = sum(1 << at for at, e in enumerate(events) if e.kind == "F" and e.op.order is Order.SEQ_CST)
    accesses = sum(1 << at for at, e in enumerate(events) if e.kind != "F" and _order(e) is Order.SEQ_CST)
    from_ = _then(_only(fences, len(events)), _maybe(hb))
    left = [a | b for a, b in zip(_only(accesses, len(events)), from_, strict=True)]
    to = [row & fences for row in _maybe(hb)]
    right = [a | b for a, b in zip(_only(accesses, len(events)), to, strict=True)]
    base = _then(_then(left, scb), right)
    through = [a | b for a, b in zip(hb, _then(_then(hb, eco), hb), strict=True)]
    of_fences = [row & fences if fences >> at & 1 else 0 for at, row in enumerate(through)]
    closed = _closure([a | b for a, b in zip(base, of_fences, strict=True)])
    return not any(row >> at & 1 for at, row in enumerate(closed))


def _order(event: Event) -> Order:
    """The order of an event: a failed compare-exchange's read has its own."""
    writes = event.kind == "W" or event.op.run(event.value)[1] is not None
    return event.op.order_of(writes=writes)


def _happens_before(events: list[Event]) -> Relation:
    """hb, from the clocks."""
    return [
        sum(1 << b for b, late in enumerate(events) if late is not early and early.index < late.hb[early.thread])
        for early in events
    ]


def _program_order(events: list[Event]) -> Relation:
    """Program order: po."""
    return [
        sum(1 << b for b, late in enumerate(events) if late.thread == early.thread and late.index > early.index)
        for early in events
    ]


def _same_cell(events: list[Event]) -> Relation:
    """Pairs of accesses to one cell."""
    return [
        sum(1 << b for b, e in enumerate(events) if "F" not in (e.kind, one.kind) and e.op.cell == one.op.cell)
        for one in events
    ]


def _orders(graph: Execution, events: list[Event], place: dict[int, int]) -> tuple[Relation, Relation, Relation]:
    """mo, fr and rf; the first values of cells are left out, since nothing leads to them."""
    mo, fr, rf = ([0] * len(events) for _ in range(3))
    for cell, writes in graph.mo.items():
        known = [place[write.number] for write in writes[1:]]
        for at, write in enumerate(known):
            mo[write] = sum(1 << later for later in known[at + 1 :])
        for read in graph.reads.get(cell, ()):
            assert read.source is not None
            after = writes.index(read.source)
            fr[place[read.number]] = sum(1 << later for later in known[after:])
            if after:
                rf[known[after - 1]] |= 1 << place[read.number]
    return mo, fr, rf


def _then(one: Relation, other: Relation) -> Relation:
    """one; other."""
    return [_union(row, other) for row in one]


def _union(row: int, relation: Relation) -> int:
    """All that a set leads to."""
    found = 0
    while row:
        low = row & -row
        found |= relation[low.bit_length() - 1]
        row ^= low
    return found


def _maybe(relation: Relation) -> Relation:
    """A relation, or nothing."""
    return [row | 1 << at for at, row in enumerate(relation)]


def _only(members: int, size: int) -> Relation:
    """The identity on some."""
    return [members & 1 << at for at in range(size)]


def _closure(relation: Relation) -> Relation:
    """The transitive closure."""
    closed = relation[:]
    for middle in range(len(closed)):
        row = closed[middle]
        for at, known in enumerate(closed):
            if known >> middle & 1:
                closed[at] = known | row
    return closed
