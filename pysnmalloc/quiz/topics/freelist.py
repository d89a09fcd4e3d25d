"""Questions on the bump-pointer free list: what the next malloc takes, and what is stored where (§2.8)."""

from __future__ import annotations

from ..question import Dice, Form, Problem, mistakes
from ..slabs import SLAB_SIZE, SlabBench, SlabState, Step

__all__ = ["make"]

CALLS = {1: 0, 2: 1, 3: 2, 4: 3, 5: 5}  # before the one that is asked about, by level


def make(dice: Dice, level: int) -> Problem:
    """Make up a problem."""
    with SlabBench.prepared(dice, room=2) as bench:
        first = bench.state()
        bench.play(dice, CALLS[level])
        kind = dice.pick((_taken, _taken, _stored, _left)) if level > 1 else _taken
        return kind(bench, first, dice)


def _setting(bench: SlabBench) -> str:
    """What all of them look at."""
    return (
        f"A slab of {SLAB_SIZE:,} bytes with objects of {bench.size} bytes. Offsets count from the slab's start. "
        "Its head, and the free list that starts there:"
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
        asked=f"At which offset is {step.call[0]}?",
        answer=step.offset,
        form=Form.OFFSET,
        steps=_told(bench),
        mistakes=_taken_mistakes(step, first),
    )


def _taken_mistakes(step: Step, first: SlabState) -> dict[int, str]:
    """What goes wrong with the next object."""
    before = step.before
    return mistakes(
        step.offset,
        (before.head, "That is head itself, and it is odd: the bump pointer plus 1. Take 1 off."),
        (
            before.bump if before.freed else None,
            "That is the bump pointer. It waits at the list's end: freed objects are used first.",
        ),
        (
            before.freed[-1] if before.freed else None,
            "That was freed first (FIFO). The list is a stack: freed last, used first (LIFO).",
        ),
        (
            min(before.freed, default=None),
            "That is the lowest free object. The list does not care for addresses, only for the order of frees.",
        ),
        (step.after.head, "That is head after this malloc: one step too far."),
        (first.head & ~1, "That was next before the calls; they changed head."),
        (step.offset + 1, "One too many: the 1 of an odd head is a mark, not part of the offset."),
    )


def _stored(bench: SlabBench, first: SlabState, dice: Dice) -> Problem:
    """What does a free store in the object?"""
    step = bench.free(dice.pick(bench.live))
    answer = step.before.head
    return Problem(
        setting=_setting(bench),
        state=_lines(first),
        calls=_calls(bench),
        asked="What do the first 16 bits of the object that was freed last hold then?",
        answer=answer,
        form=Form.OFFSET,
        steps=_told(bench),
        mistakes=mistakes(
            answer,
            (step.offset, "That is the object's own offset: it goes into head. The object keeps what head was."),
            (answer & ~1, "Head was odd, and is stored as it is: the bump pointer plus 1, which ends the list."),
            (first.head, "That was head before the calls; they changed it."),
            (
                step.before.entries[-1],
                "That is the list's end. An object is pushed at the front and stores the head before it.",
            ),
            (
                0 if answer & 1 else None,
                "A free list that ends in null has no place for the bump pointer; here the head is stored.",
            ),
        ),
    )


def _left(bench: SlabBench, first: SlabState, _dice: Dice) -> Problem:
    """How many objects are free?"""
    state = bench.state()
    behind = 0 if state.bump is None else (SLAB_SIZE - state.bump) // bench.size
    answer = len(state.freed) + behind
    bump = "none" if state.bump is None else f"({SLAB_SIZE:#05x} - {state.bump:#05x}) / {bench.size} = {behind}"
    return Problem(
        setting=_setting(bench),
        state=_lines(first),
        calls=_calls(bench),
        asked="How many objects of the slab are free then, so that as many more mallocs fit?",
        answer=answer,
        steps=(
            *_told(bench),
            f"The free list is {state.drawn()}: {len(state.freed)} freed objects.",
            f"In the bump space: {bump}. Together {answer}.",
        ),
        mistakes=mistakes(
            answer,
            (len(state.freed), "These are the freed objects alone. The bump space behind the list's end is free too."),
            (behind, "That is the bump space alone. The freed objects on the list are free too."),
            (answer + 1, "One too many: the list's last entry is no object but the bump pointer plus 1, or -1."),
            (len(first.freed) + behind, "The calls changed the list; that counts it as it was before."),
        ),
    )
