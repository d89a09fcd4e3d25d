"""A superslab whose slabs are taken and returned, with every call recorded (§2.8).

    SuperslabBench ── malloc(size), free(slab) ──► SuperslabStep: call, slab, header before and after

Every slab in use holds one object, so a free returns its slab. No slab in use has
room for a malloc's class, so every malloc takes a slab.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...config import CLASSROOM
from ...heap import Heap
from ...metaslab import Metaslab
from ...sizeclass import sizeclass_table
from ...superslab import Superslab
from ..question import Dice
from ..slabs import RESERVE, SLAB_SIZE

__all__ = ["COUNT", "SMALL", "SuperslabBench", "SuperslabState", "SuperslabStep"]

COUNT = CLASSROOM.slab_count  #: slabs of a superslab, including the short slab
SMALL = (16, 32, 48, 64, 80, 96, 112, 128, 160, 192)  #: the classes that may use the short slab


@dataclass(frozen=True)
class SuperslabState:
    """The header at one moment, and the free slabs' ``next`` bytes.

    Attributes:
        head: index of the first free full-length slab, 0 if there is none.
        used: twice the full-length slabs in use, plus 1 if the short slab is.
        nexts: the ``next`` byte of each slab, by index: the next free slab's index - own index - 1, modulo the
            number of slabs; None for the short slab and slabs in use.
        short_free: whether the short slab is free.
    """

    head: int
    used: int
    nexts: tuple[int | None, ...]
    short_free: bool

    @property
    def free(self) -> list[int]:
        """The free full-length slabs, by index."""
        return [index for index, relative in enumerate(self.nexts) if relative is not None]

    def listed(self) -> list[int]:
        """Return the free full-length slabs in list order, at most as many as there are slabs."""
        found: list[int] = []
        index = self.head
        while index and len(found) < COUNT:
            found.append(index)
            index = (index + (self.nexts[index] or 0) + 1) % COUNT
        return found

    def lines(self) -> tuple[str, ...]:
        """Draw the state."""
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
class SuperslabStep:
    """One call, and the slab that it took or returned.

    Attributes:
        call: its text, as shown: ``a = malloc(48)``.
        size: bytes that a malloc requested; 0 for a free.
        slab: index of the slab that was taken or returned; 0 is the short slab.
        before, after: the header before and after the call.
    """

    call: str
    size: int
    slab: int
    before: SuperslabState
    after: SuperslabState

    def told(self) -> str:
        """Describe what the call did."""
        was, now, slab = self.before, self.after, self.slab
        used = f"used = {was.used} {'+' if now.used > was.used else '-'} {abs(now.used - was.used)} = {now.used}"
        if slab == 0:
            return f"{self.call}: the short slab is {'taken' if self.size else 'returned'}; {used}."
        if self.size == 0:
            return (
                f"{self.call}: slab {slab} goes to the front of the list. "
                f"next = ({was.head} - {slab} - 1) mod {COUNT} = {now.nexts[slab]}; head = {slab}; {used}."
            )
        why = "" if self.size > SMALL[-1] else ", because the short slab is in use"
        return (
            f"{self.call}: malloc takes slab head = {slab}{why}. "
            f"head = ({slab} + next {was.nexts[slab]} + 1) mod {COUNT} = {now.head}; {used}."
        )


class SuperslabBench:
    """A superslab of a separate allocator, with every call recorded."""

    def __init__(self) -> None:
        self.heap = Heap(CLASSROOM, reserve=RESERVE, fast=False)
        self._allocator = self.heap.acquire(number=1)
        self._meta = Metaslab(self.heap.memory, CLASSROOM)
        self._superslab = Superslab(self.heap.memory, CLASSROOM, self._meta, sizeclass_table(CLASSROOM))
        first = self._allocator.malloc(SLAB_SIZE)
        self._base = first & ~(CLASSROOM.chunk_size - 1)
        self.objects = {(first - self._base) // SLAB_SIZE: first}
        self.steps: list[SuperslabStep] = []
        self._sizes = list(SMALL)

    def state(self) -> SuperslabState:
        """Return the current header."""
        used = self._superslab.used(self._base)
        words = [self._meta.fields(self._base + index * SLAB_SIZE) for index in range(COUNT)]
        nexts = tuple(
            None if index == 0 or index in self.objects else word.next % COUNT for index, word in enumerate(words)
        )
        return SuperslabState(self._superslab.head(self._base), used, nexts, used & 1 == 0)

    def malloc(self, size: int) -> None:
        """Take a slab by allocating an object of a class that has no slab with room."""
        before, name = self.state(), "abcdefghijkl"[sum(step.size > 0 for step in self.steps) % 12]
        address = self._allocator.malloc(size)
        slab = (address - self._base) // SLAB_SIZE
        self.objects[slab] = address
        self.steps.append(SuperslabStep(f"{name} = malloc({size})", size, slab, before, self.state()))

    def free(self, slab: int) -> None:
        """Return a slab by freeing its object."""
        before = self.state()
        self._allocator.free(self.objects.pop(slab))
        self.steps.append(SuperslabStep(f"free(the object in slab {slab})", 0, slab, before, self.state()))

    def play(self, dice: Dice, *, take: bool) -> None:
        """Make a random call that takes or returns a slab."""
        state = self.state()
        if not take:
            self.free(dice.pick(sorted(self.objects)))
        elif state.head and (not state.short_free or dice.below(3)) and (not self._sizes or dice.below(3)):
            self.malloc(SLAB_SIZE)
        else:
            self.malloc(self._sizes.pop(dice.below(len(self._sizes))))

    def may(self, dice: Dice) -> bool:
        """Choose whether the next call takes a slab; some slabs stay free, and some stay in use."""
        left = len(self.state().free)
        return left > 2 and (len(self.objects) < 3 or dice.below(2) == 0)

    def prepare(self, dice: Dice) -> None:
        """Give the superslab a history: slabs taken, some of them returned in random order."""
        for _ in range(dice.between(3, COUNT - 2)):
            self.malloc(SLAB_SIZE)
        if dice.below(2):
            self.malloc(self._sizes.pop(0))
        long = [slab for slab in sorted(self.objects) if slab]
        for slab in dice.some(long, dice.between(2, len(long) - 1)):
            self.free(slab)
        self.steps.clear()
