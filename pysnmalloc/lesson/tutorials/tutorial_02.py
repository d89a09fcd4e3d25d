"""Judges of tutorial 2, a slab (§2.8).

    Case(size, freed=(0x240, 0x160), bump=0x320)  ──►  bytes, head, link     given to the answer
                                                  └─►  freed, then the bump space

A case states which objects are free, and its bytes are generated from that statement.
The judge thus never does the work of an answer. All other bytes are old values. In some
cases they are odd words, at which a walk that follows a wrong link ends. In others they
are old links, which lead such a walk round and round.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..judging import Trouble, call, exercise
from ..source import forbidden

__all__: list[str] = []  # a judge is found by the number of its exercise

ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF
ELSEWHERE = 0x32BF0  # the node of another slab, in the last 16 bytes of that slab
YOURSELF = "Write the function without the library: its arguments are all that it needs."


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
        old_links: whether the other objects begin with links, each to the next object in memory.
        last_node: the offset at which a full slab had its list node.

    Raises:
        ValueError: if an offset is not that of an object.
    """

    size: int
    freed: tuple[int, ...]
    bump: int
    prev: int = ALL_ONES
    slab_size: int = 1024
    old_links: bool = False
    last_node: int | None = None

    def __post_init__(self) -> None:
        """Refuse a case in which no slab can be."""
        if not {*self.freed, self.bump} <= {*self.objects, self.slab_size}:
            raise ValueError(f"{self}: objects are at {[*map(hex, self.objects)]}")

    @property
    def objects(self) -> range:
        """The offsets of all objects."""
        return range(self.slab_size % self.size, self.slab_size, self.size)

    def larger(self, bits: int) -> Case:
        """Return a case with all sizes and offsets multiplied by 2 to the power of ``bits``, and with old links."""
        freed = tuple(each << bits for each in self.freed)
        return Case(self.size << bits, freed, self.bump << bits, self.prev, self.slab_size << bits, old_links=True)

    @property
    def entries(self) -> list[int]:
        """The entries of the free list, including its end."""
        return [*self.freed, self.bump + 1 if self.bump < self.slab_size else self.slab_size - 1]

    @property
    def link(self) -> int:
        """The offset of the list node; in a full slab, the offset that the last node had."""
        if self.last_node is not None:
            return self.last_node
        return self.freed[-1] if self.freed and self.bump == self.slab_size else self.slab_size - 16

    @property
    def slab(self) -> Bytes:
        """The bytes of the slab."""
        slab = bytearray(b"\x5b" * self.slab_size)
        if self.old_links:
            for at, after in zip(self.objects, [*self.objects[1:], self.objects[0]], strict=True):
                slab[at : at + 2] = after.to_bytes(2, "little")
        for at, entry in zip(self.freed, self.entries[1:], strict=True):
            slab[at : at + 2] = entry.to_bytes(2, "little")
        if self.free:
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
        usual = self.slab_size == 1024
        length = "" if usual else f"This slab has {self.slab_size:#x} bytes. "
        if not self.free:
            full = "This slab is full" if usual else "It is full"
            return f"{length}{full}, so head is the end mark {end:#x}; link {self.link:#x} is an old value."
        ends = f"bump {end:#x}" if self.bump < self.slab_size else f"end mark {end:#x}"
        listed = " → ".join([*map(hex, self.freed), ends])
        place = "" if self.prev == ALL_ONES else "; the slab is not the first on its list"
        whose = "This slab's" if usual else "Its"
        return f"{length}{whose} free list: {listed}; link {self.link:#x}{place}."


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
    Case(16, (), 0x3F0),
    Case(16, (0x40, 0x3F0), 1024),
    Case(48, (0x10, 0x3A0, 0x1C0), 0x3D0, old_links=True),
    Case(1024, (), 0),
    Case(1024, (0,), 1024),
    Case(1792, (0xB00, 0x400), 0x1200, slab_size=1 << 13),
    Case(2048, (0x0, 0x800), 1 << 14, slab_size=1 << 14),
    Case(4096, (0xF000,), 1 << 16, slab_size=1 << 16),
)
LARGER = tuple(
    case.larger(bits)
    for bits in (0, 1, 6)
    for case in (Case(224, (), 0x240), Case(224, (), 0x320), Case(224, (0x320, 0x80, 0x240), 1024))
)
FULL = (
    Case(224, (), 1024),
    Case(224, (), 1024, old_links=True, last_node=0x160),
    *(Case(224, (), 1024).larger(bits) for bits in range(1, 7)),
)
BEHIND = (
    Case(224, (0x240, 0x160), 0x320, prev=ELSEWHERE),
    Case(224, (0x160,), 1024, prev=ELSEWHERE),
    Case(64, (0x80, 0x240, 0x40), 1024, prev=ELSEWHERE),
    Case(224, (0x160,), 1024, prev=0x40160),  # the node lies at the same offset in the other slab
    Case(64, (0x80, 0x40), 1024, prev=0x50000, old_links=True),
    Case(16, (0x40, 0x3F0), 1024, prev=ELSEWHERE),  # the last object holds the node, and no bump space is left
    *(Case(224, (0x240, 0x80), 1024, prev=ELSEWHERE).larger(bits) for bits in (0, 3, 6)),
)

WIDTHS = {"used": 16, "head": 16, "link": 16, "the size class": 8, "next": 8}  # in bits, from the lowest up


@exercise("2.1")
def _fields(answer: object) -> Iterator[Trouble | str]:
    """Try words in which each field is distinct, then words in which one field is all ones or all others are."""
    yield from forbidden(answer, library=YOURSELF)
    for fields in ((2, 0x241, 0x3F0, 10, 0), (4, 0x3FF, 0x3F0, 10, 7), (4096, 0xFFFF, 0xFFF0, 43, 254), (0,) * 5):
        yield from _split(answer, fields)
    ones = tuple((1 << width) - 1 for width in WIDTHS.values())
    for number, name in enumerate(WIDTHS):
        alone = tuple(each if at == number else 0 for at, each in enumerate(ones))
        yield from _split(answer, alone, f"In this word, only the bits of {name} are set.")
        others = tuple(0 if at == number else each for at, each in enumerate(ones))
        yield from _split(answer, others, f"In this word, all bits but those of {name} are set.")
    yield from _split(answer, (0x8001, 0x4003, 0x2005, 0x81, 0x41))


def _split(answer: object, fields: tuple[int, ...], why: str = "") -> Iterator[Trouble]:
    """Try the word that has these fields."""
    word, at = 0, 0
    for field, width in zip(fields, WIDTHS.values(), strict=True):
        word, at = word | field << at, at + width
    yield from call(answer, "fields", word, wanted=fields, addresses=(0,), why=why)


@exercise("2.2")
def _take(answer: object) -> Iterator[Trouble | str]:
    """Try slabs that are not full."""
    yield from forbidden(answer, library=YOURSELF)
    for case in (*CASES, *LARGER):
        after = case.entries[1] if case.freed else case.bump + case.size + 1
        wanted = (case.free[0], after if len(case.free) > 1 else case.slab_size - 1)
        arguments = (case.slab, case.entries[0], case.size)
        yield from call(answer, "take", *arguments, wanted=wanted, addresses=(1,), why=case.words)


@exercise("2.3")
def _free_objects(answer: object) -> Iterator[Trouble | str]:
    """Try the same slabs, full slabs, and slabs that are not the first on their list."""
    yield from forbidden(answer, library=YOURSELF)
    for case in (*CASES, *FULL, *BEHIND, *LARGER):
        arguments = (case.slab, case.entries[0], case.link, case.size)
        yield from call(answer, "free_objects", *arguments, wanted=case.free, addresses=(1, 2), why=case.words)
