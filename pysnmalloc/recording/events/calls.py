"""Calls that a program makes on an allocator (§2.1).

Calls that an allocator makes on itself, such as realloc's malloc, are not events, but their changes are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .base import Address, Code, Event

__all__ = [
    "AllocatorMade",
    "Called",
    "Returned",
    "Zeroed",
]


@dataclass(frozen=True, slots=True)
class AllocatorMade(Event):
    """An allocator was created: an empty queue, empty buckets and empty lists, all in its block.

    Attributes:
        address: address of the allocator's block in the heap.
    """

    address: Address

    section: ClassVar[str] = "§2.1"
    code: ClassVar[Code] = Code("allocator", "Allocator._init", "self.queue.init()")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"Allocator {self.at.allocator} is created; its block is at {self.address:#x}."


@dataclass(frozen=True, slots=True)
class Called(Event):
    """A program called an allocator.

    Attributes:
        call: the method's name, such as ``malloc``.
        arguments: the arguments as passed: sizes and alignments in bytes, counts, addresses.
        caller: the program's ``function: line``, with the text of the line. If one of the two is unknown or has no
            name, only the other.
    """

    call: str
    arguments: tuple[int, ...]
    caller: str

    section: ClassVar[str] = "§2.1"
    code: ClassVar[Code] = Code(
        "allocator",
        "Allocator.plain_malloc",
        'return self._run("malloc", self._free, self._receive_and_malloc, size)',
    )

    @property
    def text(self) -> str:
        """The call as a program would write it, with addresses in hexadecimal."""
        return f"{self.call}({', '.join(self._argument(i) for i in range(len(self.arguments)))})"

    def _argument(self, index: int) -> str:
        value = self.arguments[index]
        return f"{value:#x}" if index == 0 and self.call in ("free", "realloc") else str(value)

    def in_words(self) -> str:
        """Describe what happened."""
        return f"{self.text} is called on allocator {self.at.allocator}."


@dataclass(frozen=True, slots=True)
class Returned(Event):
    """A call returned or raised.

    Attributes:
        call: name of the method that was called.
        result: address of the object; 0 if the call returned no address or raised.
        error: the exception's type and message; empty if the call did not raise.
    """

    call: str
    result: Address
    error: str

    section: ClassVar[str] = "§2.1"
    code: ClassVar[Code] = Code(
        "allocator",
        "Allocator.plain_malloc",
        'return self._run("malloc", self._free, self._receive_and_malloc, size)',
    )

    def in_words(self) -> str:
        """Describe what happened."""
        if self.error:
            return f"{self.call} raises {self.error}"
        return f"{self.call} returns {self.result:#x}." if self.result else f"{self.call} returns."


@dataclass(frozen=True, slots=True)
class Zeroed(Event):
    """Bytes were zeroed for calloc.

    Attributes:
        start: address of the first byte.
        length: number of bytes set to zero. In a large object, bytes known to read as zero are left out.
    """

    start: Address
    length: int

    section: ClassVar[str] = "§2.9"
    code: ClassVar[Code] = Code("memory", "Memory.zero", "self.space.zero(address, address + length)")

    def in_words(self) -> str:
        """Describe what happened."""
        return f"{self.length} bytes at {self.start:#x} are set to zero."
