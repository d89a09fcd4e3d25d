"""Questions on superslabs: which slab is taken next, and the list of free ones in the ``next`` bytes (§2.8)."""

from __future__ import annotations

from dataclasses import dataclass

from ..config import CLASSROOM
from ..heap import Heap
from ..metaslab import Metaslab
from ..superslab import Superslab
from .question import Dice, Problem, mistakes

__all__ = ["make"]

RESERVE = 1 << 20
COUNT, SLAB_SIZE = CLASSROOM.slab_count, CLASSROOM.slab_size
SMALL = (16, 32, 48, 64, 80, 96, 112, 128, 160, 192)  # the classes that may use the short slab
CALLS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6}
SETTING = (
    f"A superslab of {COUNT} slabs of {SLAB_SIZE:,} bytes; slab 0 is the short one, with a header of "
    f"{CLASSROOM.superslab_header} bytes. Every slab in use holds one object, and none has room for what the "
    "calls ask for. Its header, and the next bytes of the free slabs:"
)


@dataclass(frozen=True)
class _State:
    """The header at one moment; ``nexts`` has None for the short slab and slabs in use."""

    head: int
    used: int
    nexts: tuple[int | None, ...]
    short_free: bool

    @property
    def free(self) -> list[int]:
        """The free full-length slabs, by index."""
        return [index for index, relative in enumerate(self.nexts) if relative is not None]

    def listed(self) -> list[int]:
        """The free full-length slabs, as the list has them."""
        found, index = [], self.head
        while index:
            found.append(index)
            index = (index + (self.nexts[index] or 0) + 1) % COUNT
        return found

    def lines(self) -> tuple[str, ...]:
        """Draw it."""
        cells = [" used" if relative is None else " free" for relative in self.nexts]
        cells[0] = " free" if self.short_free else " used"
        marks = ["    -" if relative is None else f"{relative:5}" for relative in self.nexts]
        return (
            f"head {self.head}   used {self.used}",
            "slab" + "".join(f"{index:5}" for index in range(COUNT)),
            "    " + "".join(cells),
            "next" + "".join(marks),
        )


@dataclass(frozen=True)
class _Step:
    """One call, and the slab that it took or gave back; ``size`` is 0 for a free."""

    call: str
    size: int
    slab: int
    before: _State
    after: _State

    def told(self) -> str:
        """Say what the call did."""
        was, now, slab = self.before, self.after, self.slab
        used = f"used = {was.used} {'+' if now.used > was.used else '-'} {abs(now.used - was.used)} = {now.used}"
        if slab == 0:
            return f"{self.call}: the short slab, {'taken' if self.size else 'back'}; {used}."
        if self.size == 0:
            return (
                f"{self.call}: to the front of the list. next = ({was.head} - {slab} - 1) mod {COUNT} = "
                f"{now.nexts[slab]}; head = {slab}; {used}."
            )
        why = "" if self.size > SMALL[-1] else ", as the short slab is in use"
        return (
            f"{self.call}: slab head = {slab}{why}. head = ({slab} + next {was.nexts[slab]} + 1) mod {COUNT} = "
            f"{now.head}; {used}."
        )


class _Bench:
    """A superslab of an allocator of its own, every call recorded."""

    def __init__(self) -> None:
        self.heap = Heap(CLASSROOM, reserve=RESERVE, fast=False)
        self._allocator = self.heap.acquire(number=1)
        self._meta = Metaslab(self.heap.memory, CLASSROOM)
        self._superslab = Superslab(self.heap.memory, CLASSROOM, self._meta)
        first = self._allocator.malloc(SLAB_SIZE)
        self._base = first & ~(CLASSROOM.chunk_size - 1)
        self.objects = {(first - self._base) // SLAB_SIZE: first}
        self.steps: list[_Step] = []
        self._sizes = list(SMALL)

    def state(self) -> _State:
        """Return the header as it is."""
        used = self._superslab.used(self._base)
        words = [self._meta.fields(self._base + index * SLAB_SIZE) for index in range(COUNT)]
        nexts = tuple(
            None if index == 0 or index in self.objects else word.next % COUNT for index, word in enumerate(words)
        )
        return _State(self._superslab.head(self._base), used, nexts, used & 1 == 0)

    def malloc(self, size: int) -> None:
        """Take a slab, by an object of a class that has none with room."""
        before, name = self.state(), "abcdefghijkl"[sum(step.size > 0 for step in self.steps) % 12]
        address = self._allocator.malloc(size)
        slab = (address - self._base) // SLAB_SIZE
        self.objects[slab] = address
        self.steps.append(_Step(f"{name} = malloc({size})", size, slab, before, self.state()))

    def free(self, slab: int) -> None:
        """Give a slab back, by freeing its object."""
        before = self.state()
        self._allocator.free(self.objects.pop(slab))
        self.steps.append(_Step(f"free(the object in slab {slab})", 0, slab, before, self.state()))

    def play(self, dice: Dice, *, take: bool) -> None:
        """Make a random call that takes a slab, or gives one back."""
        state = self.state()
        if not take:
            self.free(dice.pick(sorted(self.objects)))
        elif state.head and (not state.short_free or dice.below(3)) and (not self._sizes or dice.below(3)):
            self.malloc(SLAB_SIZE)
        else:
            self.malloc(self._sizes.pop(dice.below(len(self._sizes))))

    def may(self, dice: Dice) -> bool:
        """Choose whether the next call takes a slab; some stay free, and some in use."""
        left = len(self.state().free)
        return left > 2 and (len(self.objects) < 3 or dice.below(2) == 0)

    def prepare(self, dice: Dice) -> None:
        """Give the superslab a past: slabs taken, some given back in any order."""
        for _ in range(dice.between(3, COUNT - 2)):
            self.malloc(SLAB_SIZE)
        if dice.below(2):
            self.malloc(self._sizes.pop(0))
        long = [slab for slab in sorted(self.objects) if slab]
        for slab in dice.some(long, dice.between(2, len(long) - 1)):
            self.free(slab)
        self.steps.clear()


def make(dice: Dice, level: int) -> Problem:
    """Make up a problem."""
    bench = _Bench()
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


def _slab(step: _Step, first: _State) -> _Asked:
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


def _head(step: _Step, first: _State) -> _Asked:
    """What is head after the last call?"""
    was = step.before
    relative = was.nexts[was.head] if was.head else None
    known: list[tuple[int | None, str]] = [
        (relative if step.size else None, "That is the next byte itself. It is relative: own index + next + 1."),
        (
            was.head + relative if step.size and relative is not None else None,
            "The 1 is missing: own index + next + 1, so that zeroed memory is the list 1, 2, 3, ...",
        ),
        (was.head, "That is head before the last call, which changed it." if step.slab else "That was head before."),
        (min(step.after.free, default=None), "That is the lowest free slab. head is the one given back last."),
        (0 if step.slab == 0 else None, "head is for full-length slabs; the short one is only a bit of used."),
        (first.head, "That was head before the calls."),
    ]
    return "What is head of the superslab then?", step.after.head, known


def _next(step: _Step, _first: _State) -> _Asked:
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


def _used(step: _Step, first: _State) -> _Asked:
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
