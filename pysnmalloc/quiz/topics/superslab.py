"""Questions on superslabs: which slab is taken next, and the list of free slabs in the ``next`` bytes (§2.8)."""

from __future__ import annotations

from ...config import CLASSROOM
from ..question import Dice, Problem, mistakes
from ..slabs import SLAB_SIZE
from .superslabs import COUNT, SMALL, SuperslabBench, SuperslabState, SuperslabStep

__all__ = ["make"]

CALLS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6}
SETTING = (
    f"A superslab has {COUNT} slabs of {SLAB_SIZE:,} bytes; slab 0, the short slab, starts with a header of "
    f"{CLASSROOM.superslab_header} bytes. Every slab in use holds one object, and none can serve the calls below. "
    "The superslab's header and the next bytes of its free slabs are:"
)


def make(dice: Dice, level: int) -> Problem:
    """Create a problem."""
    bench = SuperslabBench()
    with bench.heap:
        bench.prepare(dice)
        first = bench.state()
        for _ in range(CALLS[level] - 1):
            bench.play(dice, take=bench.may(dice))
        kind = dice.pick(["slab", "slab", "head", "next", "used"])
        bench.play(dice, take=kind == "slab" or (kind != "next" and bench.may(dice)))
        last = bench.steps[-1]
        if kind == "next" and last.slab == 0:  # the short slab has no next byte
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
            else f"The short slab serves only classes of up to {SMALL[-1]} bytes.",
        ),
        (was.head if was.head else None, f"A class of up to {SMALL[-1]} bytes takes the short slab if it is free."),
        (min(was.free, default=None), "That is the lowest free slab. The list starts at head, whatever its address."),
        (
            was.listed()[-1] if was.head else None,
            "That is the last slab of the list. The list is a stack: head comes first.",
        ),
        (step.after.head or None, "That is head after the call: one step too far."),
        (was.nexts[was.head], "That is a next byte, which is relative: the slab is own index + next + 1."),
        (first.head, "That was head before the calls, but they changed it."),
    ]
    return f"Which slab does the last call take for {step.call[0]}?", step.slab, known


def _head(step: SuperslabStep, first: SuperslabState) -> _Asked:
    """What is head after the last call?"""
    was = step.before
    relative = was.nexts[was.head] if was.head else None
    known: list[tuple[int | None, str]] = [
        (
            relative if step.size else None,
            "That is the next byte itself, which is relative: the slab is own index + next + 1.",
        ),
        (
            was.head + relative if step.size and relative is not None else None,
            "The 1 is missing: the slab is own index + next + 1, so zeroed memory is the list 1, 2, 3, ...",
        ),
        (was.head, "That was head before the last call, which changed it."),
        (min(step.after.free, default=None), "That is the lowest free slab, but head is the slab returned last."),
        (0 if step.slab == 0 else None, "head lists full-length slabs; the short slab is only a bit of used."),
        (first.head, "That was head before the calls."),
    ]
    return "What is the value of head afterwards?", step.after.head, known


def _next(step: SuperslabStep, _first: SuperslabState) -> _Asked:
    """What is the next byte of the slab that was returned?"""
    was, slab = step.before, step.slab
    known: list[tuple[int | None, str]] = [
        (was.head, "That is the index of the next free slab, but the byte is relative: that index - own index - 1."),
        (
            (was.head - slab) % COUNT,
            "The 1 is missing: next index - own index - 1, so zeroed memory is the list 1, 2, 3, ...",
        ),
        (was.head - slab - 1, f"The byte counts modulo {COUNT} here, so it is never negative."),
        (
            (was.head - slab - 1) % 256,
            f"The byte counts modulo {COUNT} here; only the paper's superslab has 256 slabs.",
        ),
        ((slab - was.head - 1) % COUNT, "That is the wrong way round: the byte leads from the own index to the next."),
    ]
    return f"What is the next byte of slab {slab} afterwards?", step.after.nexts[slab] or 0, known


def _used(step: SuperslabStep, first: SuperslabState) -> _Asked:
    """What is used after the last call?"""
    now = step.after
    long = COUNT - 1 - len(now.free)
    short = not now.short_free
    known: list[tuple[int | None, str]] = [
        (long + short, "That is the number of slabs in use, but used counts full-length slabs twice."),
        (2 * (long + short), "The short slab counts 1, not 2: it is the lowest bit of used."),
        (2 * long, "The short slab is in use and counts 1."),
        (2 * len(now.free) + (not short), "That counts the free slabs; used counts those in use."),
        (first.used, "That was used before the calls."),
    ]
    return "What is the value of used afterwards?", now.used, known


_ASK = {"slab": _slab, "head": _head, "next": _next, "used": _used}
