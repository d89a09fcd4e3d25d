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
    """The bytes of one or more chunks in the page map changed.

    Attributes:
        chunk: address of the first chunk concerned.
        entry: address of that chunk's byte in the page map.
        before, after: values of the bytes from ``entry`` on, one per chunk: 0 not ours, 1 superslab, 2 medium slab,
            8 to 48 the start of a large object, 64 and more a jump towards it.
    """

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
    """The heap's bump pointer moved over chunks that nobody had before.

    Attributes:
        bump: address of the first chunk that was neither taken nor skipped. Between before and after lies the block
            taken, and in front of it what its alignment skipped.
    """

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
    """A block of chunks was taken from the heap; ``fresh`` says that nobody had it before.

    Attributes:
        block: address of its first chunk.
        chunks: how many it has, a power of two.
        fresh: whether it came from the bump pointer, or from what an alignment had skipped; else from a stack of free
            blocks.
    """

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
    """A block of chunks went back to the heap.

    Attributes:
        block: address of its first chunk.
        chunks: how many it has, a power of two; it went to the stack of free blocks of so many.
    """

    block: Address
    chunks: int

    section: ClassVar[str] = "§2.5"
    code: ClassVar[Code] = Code("large", "LargeObjects._push", "self.stacks[large_class].push(block)")

    def in_words(self) -> str:
        """Say what happened."""
        return f"The block of {self.chunks} chunk{'s' * (self.chunks > 1)} at {self.block:#x} is the heap's again."


@dataclass(frozen=True, slots=True)
class StackPushed(Event):
    """A block was put on one of the global stacks; the incarnation number counts every success.

    Attributes:
        chunk: address of the block pushed.
        stack: what is on it: ``free`` or ``skipped`` blocks, and of how many chunks.
        top: address of the block on top, 0 for none; what was on top is below the pushed block now.
        incarnation: the number next to ``top`` in the stack's head; it grows by 1, against the ABA problem.
        tries: compare-exchanges of the head that it took, the one that succeeded included.
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
        """Say what happened."""
        return (
            f"Block {self.chunk:#x} is pushed on the stack of {self.stack}: the head goes "
            f"({self.top.before:#x}, {self.incarnation.before}) → ({self.top.after:#x}, {self.incarnation.after})."
        )


@dataclass(frozen=True, slots=True)
class StackPopped(Event):
    """A block was taken from the top of a global stack.

    Attributes:
        chunk: address of the block popped.
        stack: what is on it: ``free`` or ``skipped`` blocks, and of how many chunks.
        top: address of the block on top: the one popped before, the one below it after, 0 for none.
        incarnation: the number next to ``top`` in the stack's head; it grows by 1, against the ABA problem.
        tries: compare-exchanges of the head that it took, the one that succeeded included.
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
        """Say what happened."""
        return (
            f"Block {self.chunk:#x} is popped from the stack of {self.stack}: the head goes "
            f"({self.top.before:#x}, {self.incarnation.before}) → ({self.top.after:#x}, {self.incarnation.after})."
        )


@dataclass(frozen=True, slots=True)
class StackEmptied(Event):
    """All blocks of a global stack were taken at once, to decommit them.

    Attributes:
        chunks: addresses of the blocks, from the top down.
        stack: what was on it: ``free`` or ``skipped`` blocks, and of how many chunks.
        top: address of the block on top before, 0 after.
        incarnation: the number next to ``top`` in the stack's head; it grows by 1, for all blocks together.
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
        """Say what happened."""
        return f"All {len(self.chunks)} blocks of the stack of {self.stack} are taken at once."


@dataclass(frozen=True, slots=True)
class Decommitted(Event):
    """Pages went back to the operating system, and read as zero from now on.

    Attributes:
        start: address of the first byte given back.
        length: bytes given back.
    """

    start: Address
    length: int

    section: ClassVar[str] = "§2.9"
    code: ClassVar[Code] = Code("large", "LargeObjects._decommit", "self._memory.space.decommit(start, length)")

    def in_words(self) -> str:
        """Say what happened."""
        return f"{self.length:,} bytes from {self.start:#x} on go back to the operating system, and read as zero."
