"""Questions on superslabs: which slab is taken next, and the list of free ones in the ``next`` bytes (§2.8)."""

from __future__ import annotations

from ...config import CLASSROOM
from ..question import Dice, Problem, mistakes
from ..slabs import SLAB_SIZE
from .superslabs import COUNT, SMALL, SuperslabBench, SuperslabState, SuperslabStep

__all__ = ["make"]

CALLS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6}
SETTING = (
    f"A superslab of {COUNT} slabs of {SLAB_SIZE:,} bytes; slab 0 is the short one, with a header of "
    f"{CLASSROOM.superslab_header} bytes. Every slab in use holds one object, and none has room for what the "
    "calls ask for. Its header, and the next bytes of the free slabs:"
)


def make(dice: Dice, level: int) -> Problem:
    """Make up a problem."""
    bench = SuperslabBench()
    with bench.heap:
        bench.prepare(dice)
        first = bench.state()
        for _ in range(CALLS[level] - 1):
            bench.play(dice, take=bench.may(dice))
        kind = dice.pick(["slab", "slab", "head", "next", "used"])
        bench.play(dice, take=kind == "slab" or (kind != "next" and bench.may(dice)))
        last = bench.steps[-1]
        if kind == "next" and last.slab == 0:  # the short slab has none
            kind = "used"
        asked, answer, known = _ASK[kind](last, first)
        return Problem(
            setting=SETTING,
            state=first.lines(),
            calls=tuple(step.call for step in bench.steps),
            asked=asked,
            answer=answer,
            steps=tuple(step.told() for step in bench.steps),
            mistakes=mistakes(answer, *known),
        )


_Asked = tuple[str, int, list[tuple[int | None, str]]]


def _slab(step: SuperslabStep, first: SuperslabState) -> _Asked:
    """Which slab does the last call take?"""
    was = step.before
    small = step.size <= SMALL[-1]
    known: list[tuple[int | None, str]] = [
        (
            0,
            "The short slab is in use already."
            if small
            else f"The short slab is for classes of up to {SMALL[-1]} bytes only.",
        ),
        (was.head if was.head else None, f"A class of up to {SMALL[-1]} bytes takes the short slab if it is free."),
        (min(was.free, default=None), "That is the lowest free slab. The list starts at head, whatever the addresses."),
        (was.listed()[-1] if was.head else None, "That is the list's last. The list is a stack: head comes first."),
        (step.after.head or None, "That is head after the call: one step too far."),
        (was.nexts[was.head], "That is a next byte. It is relative: own index + next + 1."),
        (first.head, "That was head before the calls; they changed it."),
    ]
    return f"Which slab does the last call take ({step.call[0]} is in it)?", step.slab, known


def _head(step: SuperslabStep, first: SuperslabState) -> _Asked:
    """What is head after the last call?"""
    was = step.before
    relative = was.nexts[was.head] if was.head else None
    known: list[tuple[int | None, str]] = [
        (relative if step.size else None, "That is the next byte itself. It is relative: own index + next + 1."),
        (
            was.head + relative if step.size and relative is not None else None,
            "The 1 is missing: own index + next + 1, so that zeroed memory is the list 1, 2, 3, ...",
        ),
        (was.head, "That is head before the last call, which changed it."),
        (min(step.after.free, default=None), "That is the lowest free slab. head is the one given back last."),
        (0 if step.slab == 0 else None, "head is for full-length slabs; the short one is only a bit of used."),
        (first.head, "That was head before the calls."),
    ]
    return "What is head of the superslab then?", step.after.head, known


def _next(step: SuperslabStep, _first: SuperslabState) -> _Asked:
    """What is the next byte of the slab that was given back?"""
    was, slab = step.before, step.slab
    known: list[tuple[int | None, str]] = [
        (was.head, "That is the next free slab's index. The byte is relative to the own index: index - own - 1."),
        (
            (was.head - slab) % COUNT,
            "The 1 is missing: index - own - 1, so that zeroed memory is the list 1, 2, 3, ...",
        ),
        (was.head - slab - 1, f"The byte counts modulo {COUNT} here: it is never negative."),
        ((was.head - slab - 1) % 256, f"Here it counts modulo the {COUNT} slabs; 256 is the paper's superslab."),
        ((slab - was.head - 1) % COUNT, "The other way round: from the own index to the next one's."),
    ]
    return f"What is the next byte of slab {slab} then?", step.after.nexts[slab] or 0, known


def _used(step: SuperslabStep, first: SuperslabState) -> _Asked:
    """What is used after the last call?"""
    now = step.after
    long = COUNT - 1 - len(now.free)
    short = not now.short_free
    known: list[tuple[int | None, str]] = [
        (long + short, "That is the number of slabs in use. used counts full-length ones twice."),
        (2 * (long + short), "The short slab counts 1, not 2: it is the lowest bit of used."),
        (2 * long, "The short slab is in use, which counts 1."),
        (2 * len(now.free) + (not short), "That counts the free slabs; used counts those in use."),
        (first.used, "That was used before the calls."),
    ]
    return "What is used of the superslab then?", now.used, known


_ASK = {"slab": _slab, "head": _head, "next": _next, "used": _used}
