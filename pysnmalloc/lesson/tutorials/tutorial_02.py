"""Judges of tutorial 2, a slab (§2.8).

    Case(size, freed=(0x240, 0x160), bump=0x320)  ──►  bytes, head, link     what the answer gets
                                                  └─►  freed, then the bump space

A case says what is free, and its bytes are written from that. So nothing that an
answer has to do is done here. Bytes that mean nothing are odd words, at which a walk
that has gone astray ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..judging import call, exercise

__all__: list[str] = []  # a judge is found by its exercise's number

ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF
ELSEWHERE = 0x32BF0  # a node of another slab, in its last 16 bytes


class Bytes(bytes):
    """A slab's bytes, which are too many to be told."""

    def __repr__(self) -> str:
        return "slab"


@dataclass(frozen=True)
class Case:
    """A slab: which objects were freed, first on the list first, and where the bump space begins.

    Attributes:
        size: of an object.
        freed: offsets.
        bump: offset of the bump space; the slab's end if there is none.
        prev: of the list node, as far as it stands in an object.
        slab_size: in bytes.
    """

    size: int
    freed: tuple[int, ...]
    bump: int
    prev: int = ALL_ONES
    slab_size: int = 1024

    @property
    def entries(self) -> list[int]:
        """The free list's entries, with its end."""
        return [*self.freed, self.bump + 1 if self.bump < self.slab_size else self.slab_size - 1]

    @property
    def link(self) -> int:
        """Where the list node stands; of a full slab, where it last stood."""
        return self.freed[-1] if self.freed and self.bump == self.slab_size else self.slab_size - 16

    @property
    def slab(self) -> Bytes:
        """The slab's bytes."""
        slab = bytearray(b"\x5b" * self.slab_size)
        for at, entry in zip(self.freed, self.entries[1:], strict=True):
            slab[at : at + 2] = entry.to_bytes(2, "little")
        slab[self.link : self.link + 16] = self.prev.to_bytes(8, "little") + b"\xff" * 8
        return Bytes(slab)

    @property
    def free(self) -> list[int]:
        """All free objects, in the order in which they are taken."""
        return [*self.freed, *range(self.bump, self.slab_size, self.size)]

    @property
    def words(self) -> str:
        """The case in words."""
        *_, end = self.entries
        ends = f"bump {end:#x}" if self.bump < self.slab_size else f"end mark {end:#x}"
        place = "" if self.prev == ALL_ONES else "; the slab is behind another on its list"
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
def _fields(answer: object) -> Iterator[str]:
    """Words in which each field stands out."""
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
def _take(answer: object) -> Iterator[str]:
    """Slabs that are not full."""
    for case in CASES:
        after = case.entries[1] if case.freed else case.bump + case.size + 1
        wanted = (case.free[0], after if len(case.free) > 1 else case.slab_size - 1)
        for trouble in call(answer, "take", case.slab, case.entries[0], case.size, wanted=wanted, addresses=(1,)):
            yield f"{trouble} {case.words}"


@exercise("2.3")
def _free_objects(answer: object) -> Iterator[str]:
    """The same slabs, a full one, and such that are not the first on their list."""
    for case in (*CASES, FULL, *BEHIND):
        arguments = (case.slab, case.entries[0], case.link, case.size)
        for trouble in call(answer, "free_objects", *arguments, wanted=case.free, addresses=(1, 2)):
            yield f"{trouble} {case.words}"
