"""Judges of tutorial 2, a slab (§2.8).

    Case(size, freed=(0x240, 0x160), bump=0x320)  ──►  bytes, head, link     given to the answer
                                                  └─►  freed, then the bump space

A case states which objects are free, and its bytes are generated from that statement.
The judge thus never does the work of an answer. Unused bytes form odd words, so that
a walk that follows a wrong link ends there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..judging import Trouble, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF
ELSEWHERE = 0x32BF0  # the node of another slab, in the last 16 bytes of that slab


class Bytes(bytes):
    """The bytes of a slab, too many to print."""

    def __repr__(self) -> str:
        return "slab"


@dataclass(frozen=True)
class Case:
    """A slab: its freed objects, in list order, and the start of its bump space.

    Attributes:
        size: size of an object in bytes.
        freed: offsets of the freed objects.
        bump: offset of the bump space, or of the slab's end if there is none.
        prev: ``prev`` of the list node.
        slab_size: size of the slab in bytes.
    """

    size: int
    freed: tuple[int, ...]
    bump: int
    prev: int = ALL_ONES
    slab_size: int = 1024

    @property
    def entries(self) -> list[int]:
        """The entries of the free list, including its end."""
        return [*self.freed, self.bump + 1 if self.bump < self.slab_size else self.slab_size - 1]

    @property
    def link(self) -> int:
        """The offset of the list node; in a full slab, its last offset."""
        return self.freed[-1] if self.freed and self.bump == self.slab_size else self.slab_size - 16

    @property
    def slab(self) -> Bytes:
        """The bytes of the slab."""
        slab = bytearray(b"\x5b" * self.slab_size)
        for at, entry in zip(self.freed, self.entries[1:], strict=True):
            slab[at : at + 2] = entry.to_bytes(2, "little")
        slab[self.link : self.link + 16] = self.prev.to_bytes(8, "little") + b"\xff" * 8
        return Bytes(slab)

    @property
    def free(self) -> list[int]:
        """All free objects, in the order in which malloc takes them."""
        return [*self.freed, *range(self.bump, self.slab_size, self.size)]

    @property
    def words(self) -> str:
        """A description of the case."""
        *_, end = self.entries
        ends = f"bump {end:#x}" if self.bump < self.slab_size else f"end mark {end:#x}"
        place = "" if self.prev == ALL_ONES else "; the slab is not the first on its list"
        listed = " → ".join([*map(hex, self.freed), ends])
        return f"This slab's free list: {listed}; link {self.link:#x}{place}."


CASES = (
    Case(224, (), 0x80),
    Case(224, (), 0x240),
    Case(224, (), 0x320),
    Case(224, (0x80,), 0x160),
    Case(224, (0x240, 0x80), 0x320),
    Case(224, (0x160,), 1024),
    Case(224, (0x320, 0x160), 1024),
    Case(64, (0x3C0, 0x0, 0x200), 1024),
    Case(16, (0x40, 0x20, 0x30), 0x60),
    Case(1024, (), 0),
    Case(1792, (0x200, 0x1000), 0x1700, slab_size=1 << 13),
    Case(2048, (0x0, 0x800), 1 << 14, slab_size=1 << 14),
    Case(4096, (0xF000,), 1 << 16, slab_size=1 << 16),
)
FULL = Case(224, (), 1024)
BEHIND = (
    Case(224, (0x240, 0x160), 0x320, prev=ELSEWHERE),
    Case(224, (0x160,), 1024, prev=ELSEWHERE),
    Case(64, (0x80, 0x240, 0x40), 1024, prev=ELSEWHERE),
)


@exercise("2.1")
def _fields(answer: object) -> Iterator[Trouble | str]:
    """Try words in which each field is distinct."""
    for fields in (
        (2, 0x241, 0x3F0, 10, 0),
        (4, 0x3FF, 0x3F0, 10, 7),
        (0xFFFF, 0, 0, 0, 0),
        (0, 0xFFFF, 0, 0, 0),
        (0, 0, 0xFFF0, 0, 0),
        (0, 0, 0, 0xFF, 0),
        (0, 0, 0, 0, 0xFF),
        (4096, 0xFFFF, 0xFFF0, 43, 254),
    ):
        word = sum(value << at for value, at in zip(fields, (0, 16, 32, 48, 56), strict=True))
        yield from call(answer, "fields", word, wanted=fields, addresses=(0,))


@exercise("2.2")
def _take(answer: object) -> Iterator[Trouble | str]:
    """Try slabs that are not full."""
    for case in CASES:
        after = case.entries[1] if case.freed else case.bump + case.size + 1
        wanted = (case.free[0], after if len(case.free) > 1 else case.slab_size - 1)
        for trouble in call(answer, "take", case.slab, case.entries[0], case.size, wanted=wanted, addresses=(1,)):
            yield f"{trouble} {case.words}"


@exercise("2.3")
def _free_objects(answer: object) -> Iterator[Trouble | str]:
    """Try the same slabs, a full slab, and slabs that are not the first on their list."""
    for case in (*CASES, FULL, *BEHIND):
        arguments = (case.slab, case.entries[0], case.link, case.size)
        for trouble in call(answer, "free_objects", *arguments, wanted=case.free, addresses=(1, 2)):
            yield f"{trouble} {case.words}"
