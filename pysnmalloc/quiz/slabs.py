"""One slab of a classroom heap, with every call recorded (§2.8).

    SlabBench ── malloc(), free(offset) ──► Step: call, fields and list before, and after

A step holds the slab's state before and after the real call, read from the bytes.
The quiz explains a call from these states, so the explanation cannot differ from
what happened.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Self

from ..config import CLASSROOM
from ..freelist import FreeList
from ..heap import Heap
from ..metaslab import Metaslab, MetaslabFields
from .question import Dice

__all__ = ["BENCH_SIZES", "FULL", "RESERVE", "SLAB_SIZE", "SlabBench", "SlabState", "Step", "entry_text", "listed"]

RESERVE = 1 << 20  #: bytes of address space of a bench
SLAB_SIZE = CLASSROOM.slab_size  #: bytes of a slab
FULL = SLAB_SIZE - 1  #: head of a full slab: all ones in the bits of an offset
LETTERS = "abcdefghijklmnopqrstuvwxyz"  # names of the objects that the calls allocate
BENCH_SIZES = (48, 64, 80, 96, 112, 128, 160)  #: of the objects in questions, in bytes


@dataclass(frozen=True)
class SlabState:
    """A slab at one moment: its word, the fields of the word, and the entries of the free list.

    Attributes:
        word: the 64 bits of metadata, as one number.
        fields: the same word, decoded.
        entries: offsets in the slab of the freed objects, the next to be allocated first, then the end of the list:
            the bump pointer plus 1, or ``FULL`` once the bump space is used up.
    """

    word: int
    fields: MetaslabFields
    entries: tuple[int, ...]

    @property
    def head(self) -> int:
        """The field ``head``."""
        return self.fields.head

    @property
    def full(self) -> bool:
        """Whether the slab is full."""
        return self.head == FULL

    @property
    def freed(self) -> tuple[int, ...]:
        """The freed objects, the next to be allocated first."""
        return self.entries[:-1]

    @property
    def bump(self) -> int | None:
        """The bump pointer, None once the bump space is used up."""
        return self.entries[-1] - 1 if self.entries[-1] != FULL else None

    def drawn(self) -> str:
        """Return the free list as one line."""
        return " -> ".join(map(entry_text, self.entries))


@dataclass(frozen=True)
class Step:
    """One call: its text, the offset that it allocated or freed, and the slab before and after.

    Attributes:
        call: its text, as shown: ``a = malloc(48)``.
        taken: whether it was a malloc; False for a free.
        offset: of the object that was allocated or freed, in the slab.
        before, after: the slab before and after the call.
    """

    call: str
    taken: bool
    offset: int
    before: SlabState
    after: SlabState

    def told(self, size: int) -> str:
        """Describe what the call did."""
        head, after = self.before.head, entry_text(self.after.head)
        if not self.taken and self.before.full:
            return (
                f"{self.call}: the slab was full, so head = link = {self.offset:#05x}. The object now holds the list "
                "node, and the slab goes to the front of its list."
            )
        if not self.taken:
            return f"{self.call}: the object's first 16 bits store the old head, {entry_text(head)}; head = {after}."
        if head & 1 == 0:
            return f"{self.call}: head {head:#05x} is even, so malloc takes it; head = the value stored there, {after}."
        bump = f"{head - 1:#05x}"
        bumped = f"{self.call}: head {head:#05x} is odd: the bump pointer {bump} plus 1. malloc takes {bump}; "
        if self.after.full:
            return f"{bumped}{head:#05x} + {size} reaches the slab's end, so head = {after}: the slab is full."
        return f"{bumped}head = {head:#05x} + {size} = {after}."


class SlabBench:
    """One slab of a separate allocator.

    Args:
        size: of its objects, in bytes.
        short: whether it is the short slab.
    """

    def __init__(self, size: int, *, short: bool) -> None:
        self.size = size
        self.heap = Heap(CLASSROOM, reserve=RESERVE, fast=False)
        self._allocator = self.heap.acquire(number=1)
        self._meta = Metaslab(self.heap.memory, CLASSROOM)
        self._list = FreeList(self.heap.memory, self._meta)
        if not short:
            self._allocator.malloc(16)  # which takes the short slab
        first = self._allocator.malloc(size)
        self._slab = self._meta.slab_of(first)
        self.live = [first - self._slab]
        self.steps: list[Step] = []
        self._names: dict[int, str] = {}
        self._letters = iter(LETTERS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.heap.close()

    @classmethod
    def prepared(cls, dice: Dice, *, room: int) -> SlabBench:
        """Return a slab with a history: some objects live, some freed in random order, at least ``room`` free.

        Args:
            dice: makes the choices.
            room: 0 or more; with 0, the slab is usually almost full.
        """
        bench = cls(dice.pick(BENCH_SIZES), short=dice.below(3) > 0)
        slots = bench.slots
        if room == 0:  # usually almost full, where head and link change in kind
            taken, most = dice.pick((slots, slots - 1, dice.between(4, slots))), 2
        else:
            taken, most = min(dice.between(4, 8), slots), 4
        for _ in range(taken - 1):
            bench.malloc()
        for offset in dice.some(bench.live, dice.between(max(0, room - (slots - taken)), min(most, taken - 2))):
            bench.free(offset)
        bench.steps.clear()
        bench._names.clear()
        bench._letters = iter(LETTERS)
        return bench

    @property
    def slots(self) -> int:
        """How many objects the slab holds."""
        state = self.state()
        unused = (SLAB_SIZE - state.bump) // self.size if state.bump is not None else 0
        return state.fields.used + len(state.freed) + unused

    def state(self) -> SlabState:
        """Return the slab's current state."""
        word = self.heap.memory.u64[self._meta.word(self._slab) >> 3]
        return SlabState(word, self._meta.fields(self._slab), listed(self._list, self._slab))

    def malloc(self) -> Step:
        """Allocate an object and name it by the next letter."""
        before, name = self.state(), next(self._letters, "z")
        offset = self._allocator.malloc(self.size) - self._slab
        self.live.append(offset)
        self._names[offset] = name
        return self._did(Step(f"{name} = malloc({self.size})", True, offset, before, self.state()))

    def free(self, offset: int) -> Step:
        """Free an object; one that the calls allocated is named by its letter."""
        before = self.state()
        self.live.remove(offset)
        self._allocator.free(self._slab + offset)
        call = f"free({self._names.pop(offset, f'{offset:#05x}')})"
        return self._did(Step(call, False, offset, before, self.state()))

    def play(self, dice: Dice, count: int, *, fill: bool = False) -> None:
        """Make random calls; none empties the slab, and none fills it unless ``fill`` is set."""
        for _ in range(count):
            state = self.state()
            left = self.slots - state.fields.used
            can_free = state.fields.used > 2
            if left > (0 if fill else 1) and (not can_free or dice.below(5) < (3 if fill else 2)):
                self.malloc()
            else:
                self.free(dice.pick(self.live))

    def _did(self, step: Step) -> Step:
        self.steps.append(step)
        return step


def listed(freelist: FreeList, slab: int) -> tuple[int, ...]:
    """Return a free list's entries, at most one more than a valid list has."""
    return tuple(islice(freelist.walk(slab), SLAB_SIZE // 16 + 2))


def entry_text(entry: int) -> str:
    """Format a value of head or of a list entry."""
    return f"{entry:#05x}" if entry != FULL else f"-1 ({FULL:#05x})"
