"""Small objects, and the slabs that hold them (§2.8).

The bump-pointer free list, and the list of slabs with free space.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Address, Change, Code, Event

__all__ = [
    "ObjectBumped",
    "ObjectPopped",
    "ObjectPushed",
    "SlabLinked",
    "SlabReopened",
    "SlabUnlinked",
    "SlabVacated",
]


@dataclass(frozen=True, slots=True)
class ObjectBumped(Event):
    """An object was taken where nothing was allocated before.

    Attributes:
        object: address of the object taken.
        slab: address of its slab.
        size: bytes of the object, those of its size class.
        head: of the slab's metadata: before, the object's offset in the slab plus 1; after, ``size`` more, or all ones
            if the slab is full.
        used: objects of the slab that are allocated.
    """

    object: Address
    slab: Address
    size: int
    head: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("freelist", "FreeList.take", "taken = slab + head - BUMP_BIT")

    def in_words(self) -> str:
        """Say what happened."""
        taken = (
            f"The head {self.head.before:#06x} is odd: a bump pointer plus 1. The object at {self.object:#x} is taken"
        )
        if self.head.after & 2:
            return f"{taken}, the last of the slab, so head becomes {self.head.after:#06x}: full."
        return f"{taken}, and head moves by {self.size} bytes to {self.head.after:#06x}."


@dataclass(frozen=True, slots=True)
class ObjectPopped(Event):
    """The first object of a free list was taken.

    Attributes:
        object: address of the object taken.
        slab: address of its slab.
        size: bytes of the object, those of its size class.
        head: of the slab's metadata: before, the object's offset in the slab; after, the next free object's, or the
            bump pointer plus 1, or all ones if the slab is full.
        used: objects of the slab that are allocated.
    """

    object: Address
    slab: Address
    size: int
    head: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("freelist", "FreeList.take", "taken = slab + head")

    def in_words(self) -> str:
        """Say what happened."""
        end = ": the slab is full" if self.head.after & 2 else ""
        return (
            f"The head {self.head.before:#06x} is even: the first free object. {self.object:#x} is taken, and the link "
            f"in its first 16 bits becomes head, {self.head.after:#06x}{end}."
        )


@dataclass(frozen=True, slots=True)
class ObjectPushed(Event):
    """A freed object was put in front of its slab's free list; the old head is its link now.

    Attributes:
        object: address of the object freed.
        slab: address of its slab.
        head: of the slab's metadata: before, the first free object's offset in the slab, or the bump pointer plus 1;
            after, the offset of this object.
        used: objects of the slab that are allocated.
    """

    object: Address
    slab: Address
    head: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("freelist", "FreeList.put", "u16[word + HEAD >> 1] = freed - slab")

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"The object at {self.object:#x} goes to the front of its slab's free list: the old head, "
            f"{self.head.before:#06x}, is stored in it, and head becomes {self.head.after:#06x}."
        )


@dataclass(frozen=True, slots=True)
class SlabReopened(Event):
    """A full slab got its first object back, which is its free list and its list node from now on.

    Attributes:
        object: address of the object freed.
        slab: address of its slab.
        head: of the slab's metadata: all ones before; the object's offset in the slab after.
        link: offset of the list node in the slab; before, where it was when the slab became full.
        used: objects of the slab that are allocated.
    """

    object: Address
    slab: Address
    head: Change
    link: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("slab", "Slab._reopen", "u16[word + HEAD >> 1] = u16[word + LINK >> 1] = freed - slab")

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"The slab was full. The object at {self.object:#x} is all of its free list now, and the place of its "
            f"list node: head and link become {self.head.after:#06x}."
        )


@dataclass(frozen=True, slots=True)
class SlabVacated(Event):
    """The last object of a slab was freed.

    Attributes:
        object: address of the object freed.
        slab: address of its slab.
        used: objects of the slab that are allocated: 1 before, 0 after.
    """

    object: Address
    slab: Address
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("slab", "Slab.dealloc", "u16[word + USED >> 1] -= 1")

    def in_words(self) -> str:
        """Say what happened."""
        return f"The object at {self.object:#x} was the last of its slab: the slab is free."


@dataclass(frozen=True, slots=True)
class SlabLinked(Event):
    """A slab came to the front of its class's list; the node lies in its own free memory.

    Attributes:
        slab: address of the slab.
        sizeclass: number of the class of its objects, which has the list.
        node: address of its list node, 16 bytes in the slab: ``prev`` and ``next``.
        list_head: address of the list's first node: before, all ones if the list was empty; after, ``node``.
    """

    slab: Address
    sizeclass: int
    node: Address
    list_head: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("slablist", "SlabList.insert", "u64[self._head] = node")

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"Slab {self.slab:#x} is put at the front of the list of slabs of size class {self.sizeclass} that have "
            f"free space; its node is at {self.node:#x}."
        )


@dataclass(frozen=True, slots=True)
class SlabUnlinked(Event):
    """A slab left its class's list.

    Attributes:
        slab: address of the slab.
        sizeclass: number of the class of its objects, which has the list.
        node: address that its list node had; the bytes may be an allocated object's by now.
        list_head: address of the list's first node, all ones for none; it changes only where the slab was first.
    """

    slab: Address
    sizeclass: int
    node: Address
    list_head: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("slablist", "SlabList.remove", "u64[self._head] = after")

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"Slab {self.slab:#x} leaves the list of slabs of size class {self.sizeclass} that have free space; its "
            f"node was at {self.node:#x}."
        )
