"""A slab as bytes, laid out from a statement of what is free in it (§2.8).

    Case(size, freed=(0x240, 0x160), bump=0x320)  ──►  bytes, head, link
                                                  └─►  freed, then the bump space

All other bytes are old values. In some cases they are odd words, at which a walk that follows
a wrong link ends. In others they are old links, which lead such a walk round and round.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bytes", "Case"]

ALL_ONES = 0xFFFF_FFFF_FFFF_FFFF


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
        """Sentences that describe the slab."""
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
