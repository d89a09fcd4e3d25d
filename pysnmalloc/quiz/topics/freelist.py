"""Questions on the bump-pointer free list: what the next malloc takes, and what a free stores (§2.8)."""

from __future__ import annotations

from ..question import Dice, Form, Problem, mistakes
from ..slabs import SLAB_SIZE, SlabBench, SlabState, Step

__all__ = ["make"]

CALLS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 5}  # number of calls before the one in question, by level


def make(dice: Dice, level: int) -> Problem:
    """Create a problem."""
    with SlabBench.prepared(dice, room=2) as bench:
        first = bench.state()
        bench.play(dice, CALLS[level])
        kind = dice.pick((_taken, _taken, _stored, _left)) if level > 1 else _taken
        return kind(bench, first, dice)


def _setting(bench: SlabBench) -> str:
    """Return the setting that all questions share."""
    return (
        f"A slab of {SLAB_SIZE:,} bytes holds objects of {bench.size} bytes. Offsets count from the slab's start. "
        "The slab's head and free list are:"
    )


def _lines(state: SlabState) -> tuple[str, ...]:
    return (f"head       {state.head:#05x}", f"free list  {state.drawn()}")


def _told(bench: SlabBench) -> tuple[str, ...]:
    return tuple(step.told(bench.size) for step in bench.steps)


def _calls(bench: SlabBench) -> tuple[str, ...]:
    return tuple(step.call for step in bench.steps)


def _taken(bench: SlabBench, first: SlabState, _dice: Dice) -> Problem:
    """Which object does a malloc take?"""
    step = bench.malloc()
    return Problem(
        setting=_setting(bench),
        state=_lines(first),
        calls=_calls(bench),
        asked=f"What is the offset of {step.call[0]}?",
        answer=step.offset,
        form=Form.OFFSET,
        steps=_told(bench),
        mistakes=_taken_mistakes(step, first),
    )


def _taken_mistakes(step: Step, first: SlabState) -> dict[int, str]:
    """Return the known mistakes about the next object."""
    before = step.before
    return mistakes(
        step.offset,
        (before.head, "That is head itself, which is odd: the bump pointer plus 1. Subtract 1."),
        (
            before.bump if before.freed else None,
            "That is the bump pointer, which ends the list. Freed objects are used first.",
        ),
        (
            before.freed[-1] if before.freed else None,
            "That object was freed first (FIFO). The list is a stack: the last object freed is used first (LIFO).",
        ),
        (
            min(before.freed, default=None),
            "That is the lowest freed object. The order of the list is that of the frees, not of the addresses.",
        ),
        (step.after.head, "That is head after this malloc: one step too far."),
        (first.head & ~1, "That object was next before the calls, but they changed head."),
        (step.offset + 1, "One too high: the 1 of an odd head is a mark, not part of the offset."),
    )


def _stored(bench: SlabBench, first: SlabState, dice: Dice) -> Problem:
    """What does a free store in the object?"""
    step = bench.free(dice.pick(bench.live))
    answer = step.before.head
    return Problem(
        setting=_setting(bench),
        state=_lines(first),
        calls=_calls(bench),
        asked="What do the first 16 bits of the object freed last hold afterwards?",
        answer=answer,
        form=Form.OFFSET,
        steps=_told(bench),
        mistakes=mistakes(
            answer,
            (step.offset, "That is the object's own offset, which goes into head. The object stores the old head."),
            (answer & ~1, "The old head is odd and is stored unchanged: the bump pointer plus 1, which ends the list."),
            (first.head, "That was head before the calls, but they changed it."),
            (
                step.before.entries[-1],
                "That is the end of the list. A freed object is pushed at the front and stores the old head.",
            ),
            (
                0 if answer & 1 else None,
                "A list that ends in null has no place for the bump pointer; here the object stores the old head.",
            ),
        ),
    )


def _left(bench: SlabBench, first: SlabState, _dice: Dice) -> Problem:
    """How many objects are free?"""
    state = bench.state()
    unused = 0 if state.bump is None else (SLAB_SIZE - state.bump) // bench.size
    answer = len(state.freed) + unused
    bump = "none" if state.bump is None else f"({SLAB_SIZE:#05x} - {state.bump:#05x}) / {bench.size} = {unused}"
    return Problem(
        setting=_setting(bench),
        state=_lines(first),
        calls=_calls(bench),
        asked="How many more mallocs of this size can the slab serve afterwards?",
        answer=answer,
        steps=(
            *_told(bench),
            f"The free list is {state.drawn()}. Freed objects: {len(state.freed)}.",
            f"Objects in the bump space: {bump}. Together: {answer}.",
        ),
        mistakes=mistakes(
            answer,
            (len(state.freed), "That counts only the freed objects. The bump space is free too."),
            (unused, "That counts only the bump space. The objects on the free list are free too."),
            (answer + 1, "One too many: the list's last entry is not an object but the bump pointer plus 1, or -1."),
            (len(first.freed) + unused, "That counts the freed objects before the calls, which changed the list."),
        ),
    )
