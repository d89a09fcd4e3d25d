"""Chunks: the page map, and the blocks that all allocators share (§2.4, §2.5, §2.9).

Where chunks come from, the stacks to which they return, and what goes back to the operating system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Address, Change, Code, Event

__all__ = [
    "BumpMoved",
    "ChunkReturned",
    "ChunkTaken",
    "Decommitted",
    "PageMapChanged",
    "StackEmptied",
    "StackPopped",
    "StackPushed",
]


@dataclass(frozen=True, slots=True)
class PageMapChanged(Event):
    """The bytes of one or more chunks in the page map changed."""

    chunk: Address
    entry: Address
    before: tuple[int, ...]
    after: tuple[int, ...]

    section: ClassVar[str] = "§2.4"
    code: ClassVar[Code] = Code("pagemap", "PageMap.set", "self._u8[self._base + (chunk >> self._chunk_bits)] = kind")

    def in_words(self) -> str:
        """Say what happened."""
        count = len(self.after)
        who = f"byte of chunk {self.chunk:#x} goes" if count == 1 else f"{count} bytes from chunk {self.chunk:#x} on go"
        return f"In the page map the {who} from {_bytes(self.before)} to {_bytes(self.after)}."


def _bytes(values: tuple[int, ...]) -> str:
    """Write bytes, not too many."""
    return " ".join(map(str, values[:8])) + (" ..." if len(values) > 8 else "")


@dataclass(frozen=True, slots=True)
class BumpMoved(Event):
    """The heap's bump pointer moved over chunks that nobody had before."""

    bump: Change

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code(
        "large",
        "LargeObjects._fresh",
        "moved, bump = self._atomics.compare_exchange(BUMP, bump, block + size, Order.RELAXED)",
    )

    def in_words(self) -> str:
        """Say what happened."""
        return f"The heap's bump pointer moves over chunks that nobody had: {self.bump.hex}."


@dataclass(frozen=True, slots=True)
class ChunkTaken(Event):
    """A block of chunks was taken from the heap; ``fresh`` says that nobody had it before."""

    block: Address
    chunks: int
    fresh: bool

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code("large", "LargeObjects._take", "return self._fresh(large_class)")

    def in_words(self) -> str:
        """Say what happened."""
        origin = "nobody had it before" if self.fresh else "it was free"
        return f"A block of {self.chunks} chunk{'s' * (self.chunks > 1)} at {self.block:#x} is taken; {origin}."


@dataclass(frozen=True, slots=True)
class ChunkReturned(Event):
    """A block of chunks went back to the heap."""

    block: Address
    chunks: int

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code("large", "LargeObjects._push", "self.stacks[large_class].push(block)")

    def in_words(self) -> str:
        """Say what happened."""
        return f"The block of {self.chunks} chunk{'s' * (self.chunks > 1)} at {self.block:#x} is the heap's again."


@dataclass(frozen=True, slots=True)
class StackPushed(Event):
    """A block was put on one of the global stacks; the incarnation number counts every success."""

    chunk: Address
    stack: str
    top: Change
    incarnation: Change
    tries: int

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code(
        "stack", "ChunkStack.push", "head, (top, incarnation), (chunk, (incarnation + 1) & ONCE_MORE), Order.RELEASE"
    )

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"Block {self.chunk:#x} is pushed on the stack of {self.stack}: the head goes "
            f"({self.top.before:#x}, {self.incarnation.before}) → ({self.top.after:#x}, {self.incarnation.after})."
        )


@dataclass(frozen=True, slots=True)
class StackPopped(Event):
    """A block was taken from the top of a global stack."""

    chunk: Address
    stack: str
    top: Change
    incarnation: Change
    tries: int

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code(
        "stack", "ChunkStack.pop", "head, (top, incarnation), (below, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE"
    )

    def in_words(self) -> str:
        """Say what happened."""
        return (
            f"Block {self.chunk:#x} is popped from the stack of {self.stack}: the head goes "
            f"({self.top.before:#x}, {self.incarnation.before}) → ({self.top.after:#x}, {self.incarnation.after})."
        )


@dataclass(frozen=True, slots=True)
class StackEmptied(Event):
    """All blocks of a global stack were taken at once, to decommit them."""

    chunks: tuple[int, ...]
    stack: str
    top: Change
    incarnation: Change

    section: ClassVar[str] = "§2.5, §2.9"
    code: ClassVar[Code] = Code(
        "stack", "ChunkStack.pop_all", "head, (top, incarnation), (NULL, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE"
    )

    def in_words(self) -> str:
        """Say what happened."""
        return f"All {len(self.chunks)} blocks of the stack of {self.stack} are taken at once."


@dataclass(frozen=True, slots=True)
class Decommitted(Event):
    """Pages went back to the operating system, and read as zero from now on."""

    start: Address
    length: int

    section: ClassVar[str] = "§2.9"
    code: ClassVar[Code] = Code("large", "LargeObjects._decommit", "self._memory.space.decommit(start, length)")

    def in_words(self) -> str:
        """Say what happened."""
        return f"{self.length:,} bytes from {self.start:#x} on go back to the operating system, and read as zero."
