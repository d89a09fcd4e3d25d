"""Chunks: the page map, and the blocks that all allocators share (§2.4, §2.5, §2.9).

These events show where chunks come from, to which stacks they return, and which pages go back to the operating system.
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
    """The page map's bytes for one or more chunks changed.

    Attributes:
        chunk: address of the first of these chunks.
        entry: address of that chunk's byte in the page map.
        before, after: the values of the bytes from ``entry`` on, one per chunk: 0 for not ours, 1 for a superslab,
            2 for a medium slab, 8 to 48 for the start of a large object, 64 or more for a jump towards the start.
    """

    chunk: Address
    entry: Address
    before: tuple[int, ...]
    after: tuple[int, ...]

    section: ClassVar[str] = "§2.4"
    code: ClassVar[Code] = Code("pagemap", "PageMap.set", "self._u8[self._base + (chunk >> self._chunk_bits)] = kind")

    def in_words(self) -> str:
        """Describe what happened."""
        count = len(self.after)
        noun = f"byte for chunk {self.chunk:#x} changes"
        who = noun if count == 1 else f"bytes for {count} chunks from {self.chunk:#x} on change"
        return f"In the page map, the {who} from {_bytes(self.before)} to {_bytes(self.after)}."


def _bytes(values: tuple[int, ...]) -> str:
    """Return bytes as text, at most 8 of them."""
    return " ".join(map(str, values[:8])) + (" ..." if len(values) > 8 else "")


@dataclass(frozen=True, slots=True)
class BumpMoved(Event):
    """The heap's bump pointer moved over chunks that were never used.

    Attributes:
        bump: address of the first chunk that was neither taken nor skipped. The block being taken ends at the new
            value. Any chunks between the old value and the block were skipped for alignment.
    """

    bump: Change

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code(
        "large",
        "LargeObjects._fresh",
        "moved, bump = self._atomics.compare_exchange(BUMP, bump, block + size, Order.RELAXED)",
    )

    def in_words(self) -> str:
        """Describe what happened."""
        return f"The heap's bump pointer moves over chunks that were never used: {self.bump.hex}."


@dataclass(frozen=True, slots=True)
class ChunkTaken(Event):
    """A block of chunks was taken from the heap.

    Attributes:
        block: address of its first chunk.
        chunks: number of chunks, a power of two.
        fresh: whether the block was never used before, so that it came from the bump pointer or was skipped for
            alignment. Otherwise it came from a stack of free blocks.
    """

    block: Address
    chunks: int
    fresh: bool

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code("large", "LargeObjects._take", "return self._fresh(large_class)")

    def in_words(self) -> str:
        """Describe what happened."""
        origin = "it was never used before" if self.fresh else "it was free"
        return f"A block of {self.chunks} chunk{'s' * (self.chunks > 1)} at {self.block:#x} is taken; {origin}."


@dataclass(frozen=True, slots=True)
class ChunkReturned(Event):
    """A block of chunks went back to the heap.

    Attributes:
        block: address of its first chunk.
        chunks: number of chunks, a power of two. The block went to the stack of free blocks of that size.
    """

    block: Address
    chunks: int

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code("large", "LargeObjects._push", "self.stacks[large_class].push(block)")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"The block of {self.chunks} chunk{'s' * (self.chunks > 1)} at {self.block:#x} goes back to the heap."


@dataclass(frozen=True, slots=True)
class StackPushed(Event):
    """A block was pushed onto a global stack.

    Attributes:
        chunk: address of the block pushed.
        stack: what the stack holds: ``free`` or ``skipped`` blocks, and of how many chunks.
        top: address of the top block, 0 for none. The former top is now below the pushed block.
        incarnation: the number next to ``top`` in the stack's head. It grows by 1, which prevents ABA.
        tries: number of compare-exchanges of the head, including the one that succeeded.
    """

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
        """Describe what happened."""
        return (
            f"Block {self.chunk:#x} is pushed onto the stack of {self.stack}; its head changes: "
            f"({self.top.before:#x}, {self.incarnation.before}) → ({self.top.after:#x}, {self.incarnation.after})."
        )


@dataclass(frozen=True, slots=True)
class StackPopped(Event):
    """A block was popped from a global stack.

    Attributes:
        chunk: address of the block popped.
        stack: what the stack holds: ``free`` or ``skipped`` blocks, and of how many chunks.
        top: address of the top block: before, the block popped; after, the block below it, or 0 for none.
        incarnation: the number next to ``top`` in the stack's head. It grows by 1, which prevents ABA.
        tries: number of compare-exchanges of the head, including the one that succeeded.
    """

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
        """Describe what happened."""
        return (
            f"Block {self.chunk:#x} is popped from the stack of {self.stack}; its head changes: "
            f"({self.top.before:#x}, {self.incarnation.before}) → ({self.top.after:#x}, {self.incarnation.after})."
        )


@dataclass(frozen=True, slots=True)
class StackEmptied(Event):
    """All blocks of a global stack were popped at once, to decommit their pages.

    Attributes:
        chunks: addresses of the blocks, from the top down.
        stack: what the stack held: ``free`` or ``skipped`` blocks, and of how many chunks.
        top: before, the address of the top block; after, 0.
        incarnation: the number next to ``top`` in the stack's head. It grows by 1 for all blocks together.
    """

    chunks: tuple[int, ...]
    stack: str
    top: Change
    incarnation: Change

    section: ClassVar[str] = "§2.5, §2.9"
    code: ClassVar[Code] = Code(
        "stack", "ChunkStack.pop_all", "head, (top, incarnation), (NULL, (incarnation + 1) & ONCE_MORE), Order.ACQUIRE"
    )

    def in_words(self) -> str:
        """Describe what happened."""
        return f"All {len(self.chunks)} blocks on the stack of {self.stack} are popped at once."


@dataclass(frozen=True, slots=True)
class Decommitted(Event):
    """Pages went back to the operating system and now read as zero.

    Attributes:
        start: address of the first byte.
        length: number of bytes.
    """

    start: Address
    length: int

    section: ClassVar[str] = "§2.9"
    code: ClassVar[Code] = Code("large", "LargeObjects._decommit", "self._memory.space.decommit(start, length)")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"{self.length:,} bytes from {self.start:#x} on go back to the operating system and now read as zero."
