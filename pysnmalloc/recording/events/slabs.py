"""Small objects, and the slabs that hold them (§2.8).

These events show the bump-pointer free list and the list of slabs with free space.
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
    """An object was taken at the bump pointer, from memory that was never allocated.

    Attributes:
        object: address of the object taken.
        slab: address of its slab.
        size: size of the object's class in bytes.
        head: the slab's metadata field: before, the object's offset in the slab plus 1; after, ``size`` more,
            or all ones if the slab is full.
        used: number of allocated objects in the slab.
    """

    object: Address
    slab: Address
    size: int
    head: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("freelist", "FreeList.take", "taken = slab + head - BUMP_BIT")

    def in_words(self) -> str:
        """Describe what happened."""
        taken = (
            f"The head {self.head.before:#06x} is odd: a bump pointer plus 1. The object at {self.object:#x} is taken"
        )
        if self.head.after & 2:
            return f"{taken}. It is the last of the slab, so head becomes {self.head.after:#06x}, which means full."
        return f"{taken}, and head moves by {self.size} bytes to {self.head.after:#06x}."


@dataclass(frozen=True, slots=True)
class ObjectPopped(Event):
    """The first object of a free list was taken.

    Attributes:
        object: address of the object taken.
        slab: address of its slab.
        size: size of the object's class in bytes.
        head: the slab's metadata field: before, the object's offset in the slab; after, the next free object's
            offset, or the bump pointer plus 1, or all ones if the slab is full.
        used: number of allocated objects in the slab.
    """

    object: Address
    slab: Address
    size: int
    head: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("freelist", "FreeList.take", "taken = slab + head")

    def in_words(self) -> str:
        """Describe what happened."""
        end = ", which means that the slab is full" if self.head.after & 2 else ""
        return (
            f"The head {self.head.before:#06x} is even: the offset of the first free object. {self.object:#x} is "
            f"taken, and the link in its first 16 bits becomes head: {self.head.after:#06x}{end}."
        )


@dataclass(frozen=True, slots=True)
class ObjectPushed(Event):
    """A freed object was pushed onto its slab's free list. Its link is the old head.

    Attributes:
        object: address of the object freed.
        slab: address of its slab.
        head: the slab's metadata field: before, the first free object's offset in the slab, or the bump pointer
            plus 1; after, the offset of this object.
        used: number of allocated objects in the slab.
    """

    object: Address
    slab: Address
    head: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("freelist", "FreeList.put", "u16[word + HEAD >> 1] = freed - slab")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"The object at {self.object:#x} is pushed onto its slab's free list: the old head, "
            f"{self.head.before:#06x}, is stored in it, and head becomes {self.head.after:#06x}."
        )


@dataclass(frozen=True, slots=True)
class SlabReopened(Event):
    """A full slab got its first object back, which is now the slab's whole free list and holds its list node.

    Attributes:
        object: address of the object freed.
        slab: address of its slab.
        head: the slab's metadata field: before, all ones; after, the object's offset in the slab.
        link: offset of the list node in the slab; before, its position when the slab became full.
        used: number of allocated objects in the slab.
    """

    object: Address
    slab: Address
    head: Change
    link: Change
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("slab", "Slab._reopen", "u16[word + HEAD >> 1] = u16[word + LINK >> 1] = freed - slab")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"The slab was full. The object at {self.object:#x} is now its whole free list, and holds its list node: "
            f"head and link become {self.head.after:#06x}."
        )


@dataclass(frozen=True, slots=True)
class SlabVacated(Event):
    """The last allocated object of a slab was freed.

    Attributes:
        object: address of the object freed.
        slab: address of its slab.
        used: number of allocated objects in the slab: before, 1; after, 0.
    """

    object: Address
    slab: Address
    used: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("slab", "Slab.dealloc", "u16[word + USED >> 1] -= 1")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"The object at {self.object:#x} was the slab's last allocated object, so the slab is now free."


@dataclass(frozen=True, slots=True)
class SlabLinked(Event):
    """A slab was inserted at the front of its class's list. The node lies in the slab's own free memory.

    Attributes:
        slab: address of the slab.
        sizeclass: number of the size class of its objects and of the list.
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
        """Describe what happened."""
        return (
            f"Slab {self.slab:#x} is inserted at the front of the list of slabs of size class {self.sizeclass} with "
            f"free space; its node is at {self.node:#x}."
        )


@dataclass(frozen=True, slots=True)
class SlabUnlinked(Event):
    """A slab left its class's list.

    Attributes:
        slab: address of the slab.
        sizeclass: number of the size class of its objects and of the list.
        node: address that its list node had. The bytes may already belong to an allocated object.
        list_head: address of the list's first node, all ones for none. It changes only if the slab was first.
    """

    slab: Address
    sizeclass: int
    node: Address
    list_head: Change

    section: ClassVar[str] = "§2.8"
    code: ClassVar[Code] = Code("slablist", "SlabList.remove", "u64[self._head] = after")

    def in_words(self) -> str:
        """Describe what happened."""
        return (
            f"Slab {self.slab:#x} is removed from the list of slabs of size class {self.sizeclass} with free space; "
            f"its node was at {self.node:#x}."
        )
