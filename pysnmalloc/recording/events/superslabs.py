"""Superslabs and medium slabs: chunks that one allocator owns, and its lists of them (§2.7, §2.8).

These events show how slabs leave a superslab and return, and how medium objects leave their slab's stack and return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Address, Change, Code, Event

__all__ = [
    "ChunkLinked",
    "ChunkUnlinked",
    "MediumReturned",
    "MediumTaken",
    "MediumslabMade",
    "SlabReturned",
    "SlabTaken",
    "SuperslabMade",
]


@dataclass(frozen=True, slots=True)
class SuperslabMade(Event):
    """A chunk became a superslab. A chunk that was a superslab before keeps its metadata.

    Attributes:
        superslab: address of the chunk.
        kept: whether the chunk was last a superslab. If so, only the owner in its header was written.
    """

    superslab: Address
    kept: bool

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("superslab", "Superslab.init", "u64[superslab + OWNER >> 3] = owner")

    def in_words(self) -> str:
        """Describe what happened."""
        how = "It was a superslab before and keeps its list of free slabs" if self.kept else "Its metadata is zeroed"
        return f"Chunk {self.superslab:#x} becomes a superslab of allocator {self.at.allocator}. {how}."


@dataclass(frozen=True, slots=True)
class SlabTaken(Event):
    """A superslab gave a slab to a size class. All of the slab's objects lie beyond its bump pointer.

    Attributes:
        slab: address of the slab; a short slab has its superslab's address.
        superslab: address of the superslab that contains it.
        index: the slab's index in the superslab, 0 for the short slab.
        sizeclass: number of its objects' size class from now on.
        size: bytes of each object.
        used: the superslab's field: twice the number of full-length slabs in use, plus 1 if the short slab is in use.
        head: the superslab's field: index of its first free full-length slab, 0 for none. A short slab does not
            change it.
    """

    slab: Address
    superslab: Address
    index: int
    sizeclass: int
    size: int
    used: Change
    head: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("superslab", "Superslab._start", "self._u8[word + SIZECLASS] = sizeclass")

    def in_words(self) -> str:
        """Describe what happened."""
        which = "The short slab" if self.index == 0 else f"Slab {self.index}"
        return (
            f"{which} of superslab {self.superslab:#x} is taken for objects of {self.size} bytes (size class "
            f"{self.sizeclass}). The superslab's used: {self.used}, head: {self.head}."
        )


@dataclass(frozen=True, slots=True)
class SlabReturned(Event):
    """A free slab went back to its superslab.

    Attributes:
        slab: address of the slab; a short slab has its superslab's address.
        superslab: address of the superslab that contains it.
        index: the slab's index in the superslab, 0 for the short slab.
        used: the superslab's field: twice the number of full-length slabs in use, plus 1 if the short slab is in use.
        head: the superslab's field: index of its first free full-length slab, 0 for none. It becomes ``index``, but a
            short slab does not change it.
    """

    slab: Address
    superslab: Address
    index: int
    used: Change
    head: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("superslab", "Superslab.dealloc_slab", "self._u8[superslab + HEAD_BYTE] = index")

    def in_words(self) -> str:
        """Describe what happened."""
        which = "The short slab" if self.index == 0 else f"Slab {self.index}"
        return (
            f"{which} goes back to superslab {self.superslab:#x}. The superslab's used: {self.used}, head: {self.head}."
        )


@dataclass(frozen=True, slots=True)
class ChunkLinked(Event):
    """A superslab or medium slab was inserted at the front of one of its allocator's lists.

    Attributes:
        chunk: address of the superslab or medium slab.
        list: the list: ``available`` or ``only short`` for superslabs, or ``medium slabs of class`` and its number.
        list_head: address of the list's first chunk: before, 0 if the list was empty; after, ``chunk``.
    """

    chunk: Address
    list: str
    list_head: Change

    section: ClassVar[str] = "§2.7, §2.8"
    code: ClassVar[Code] = Code("chunklist", "ChunkList.insert", "u64[self._head] = chunk")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"Chunk {self.chunk:#x} is inserted at the front of the allocator's list “{self.list}”."


@dataclass(frozen=True, slots=True)
class ChunkUnlinked(Event):
    """A superslab or medium slab left one of its allocator's lists.

    Attributes:
        chunk: address of the superslab or medium slab.
        list: the list: ``available`` or ``only short`` for superslabs, or ``medium slabs of class`` and its number.
        list_head: address of the list's first chunk, 0 if there is none. It changes only if ``chunk`` was first.
    """

    chunk: Address
    list: str
    list_head: Change

    section: ClassVar[str] = "§2.7, §2.8"
    code: ClassVar[Code] = Code("chunklist", "ChunkList.remove", "u64[self._head] = after")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"Chunk {self.chunk:#x} is removed from the allocator's list “{self.list}”."


@dataclass(frozen=True, slots=True)
class MediumslabMade(Event):
    """A chunk became a medium slab. A chunk that was last a medium slab of the same class keeps its stack.

    Attributes:
        slab: address of the chunk.
        sizeclass: number of its objects' size class.
        size: bytes of each object.
        objects: number of objects in the slab, all of them free.
        kept: whether the chunk was last a medium slab of this class. If so, its stack keeps its order.
    """

    slab: Address
    sizeclass: int
    size: int
    objects: int
    kept: bool

    section: ClassVar[str] = "§2.7"
    code: ClassVar[Code] = Code("mediumslab", "Mediumslab.init", "self._u8[slab + SIZECLASS] = sizeclass")

    def in_words(self) -> str:
        """Describe what happened."""
        how = "its stack is unchanged" if self.kept else "its stack lists them by ascending address"
        return f"Chunk {self.slab:#x} becomes a medium slab of {self.objects} objects of {self.size} bytes; {how}."


@dataclass(frozen=True, slots=True)
class MediumTaken(Event):
    """A medium object was taken from the top of its slab's stack.

    Attributes:
        object: address of the object taken.
        slab: address of its medium slab.
        size: size of the object's class in bytes.
        head: index of the stack's top, which is the number of allocated objects; before, the index of the entry taken.
        free: number of free objects.
    """

    object: Address
    slab: Address
    size: int
    head: Change
    free: Change

    section: ClassVar[str] = "§2.7"
    code: ClassVar[Code] = Code("mediumslab", "Mediumslab.alloc", "self._u8[slab + HEAD] = head + 1")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"stack[{self.head.before}] of medium slab {self.slab:#x} names the object at {self.object:#x}, which is "
            f"taken. The slab's head: {self.head}, free: {self.free}."
        )


@dataclass(frozen=True, slots=True)
class MediumReturned(Event):
    """A freed medium object was pushed onto its slab's stack.

    Attributes:
        object: address of the object freed.
        slab: address of its medium slab.
        head: index of the stack's top, which is the number of allocated objects; after, the index of the entry written.
        free: number of free objects.
    """

    object: Address
    slab: Address
    head: Change
    free: Change

    section: ClassVar[str] = "§2.7"
    code: ClassVar[Code] = Code(
        "mediumslab", "Mediumslab.dealloc", "self._u16[slab + STACK + 2 * head >> 1] = (freed - slab) // MEDIUM_UNIT"
    )

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"The index of object {self.object:#x} is stored in stack[{self.head.after}] of medium slab "
            f"{self.slab:#x}. The slab's head: {self.head}, free: {self.free}."
        )
