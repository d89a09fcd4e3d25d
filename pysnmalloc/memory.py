"""The heap's memory: one run of bytes, seen as 8-, 16-, 32- and 64-bit words (§2.9).

    address   0     64            2 KiB       4 KiB                 │            │
             ┌────┬──────────────┬───────────┬───────────┬─ ─ ─ ─ ─┬┴──────────┬─┴─────┬───────┬─ ─
             │null│ heap's block │allocator 1│allocator 2│         │ page map  │ chunk │ chunk │
             └────┴──────────────┴───────────┴───────────┴─ ─ ─ ─ ─┴───────────┴───────┴───────┴─ ─
              the stacks of free      2^number_bits blocks          1 byte per  aligned to its
              chunks, bump pointer    of allocators                 chunk       size

The law: the bytes are the truth. Addresses are offsets in them, 0 is null and
never an object. All that Python keeps beside them is a view or can be derived
from them again, except statistics.

Words are little-endian and aligned. An aligned word is read and written by
one machine instruction, so another thread sees the old or the new value, never
half of each; *when* it sees it is the matter of ``atomics``.

A view is a Python object, and threads that share one contend for its reference
count on free-threaded Python. So each allocator makes its own (``own_views``):
what threads share is bytes, not objects.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Protocol

from .config import Config
from .errors import ConfigError
from .platform import AddressSpace, default_reserve, space_is_free

__all__ = ["NULL", "Layout", "Memory", "Words"]

NULL = 0
"""The address that is none."""

BUMP = 64  # address of the word that holds the next chunk never handed out
LOW_MEMORY_EPOCH = 128  # address of the count of low-memory notices
STACKS = 256  # address of the stacks of free and of skipped chunks, 16 bytes each: head, incarnation number


class Words(Protocol):
    """What the code of the concepts asks of a view: words by index, nothing else.

    A ``memoryview`` is one; an explorer of executions may put another in its place.
    """

    def __getitem__(self, index: int, /) -> int:
        """Return the word."""

    def __setitem__(self, index: int, value: int, /) -> None:
        """Store the word."""


@dataclass(frozen=True)
class Layout:
    """Where things are in the heap's bytes; all values are addresses.

    Attributes:
        pagemap: of the page map's first byte.
        first_chunk: of the first whole chunk behind the page map.
        end: of the byte behind the last whole chunk.
    """

    pagemap: int
    first_chunk: int
    end: int

    @classmethod
    def of(cls, config: Config, reserve: int) -> Layout:
        """Lay out ``reserve`` bytes of address space.

        Raises:
            ConfigError: when not even one chunk would fit.
        """
        pagemap = 1 << (config.number_bits + config.allocator_bits)
        behind = pagemap + (reserve >> config.chunk_bits)
        first_chunk = -(-behind // config.chunk_size) * config.chunk_size
        end = reserve // config.chunk_size * config.chunk_size
        if end <= first_chunk:
            raise ConfigError(
                f"reserve={reserve:,} bytes leaves no room for a chunk of {config.chunk_size:,}: allocators "
                f"and page map take the first {first_chunk:,}; reserve at least {first_chunk + config.chunk_size:,}"
            )
        return cls(pagemap, first_chunk, end)


def default_reserve_for(config: Config) -> int:
    """Return the address space that suits a configuration: at most 65,536 chunks, 1,024 where space is scarce."""
    fixed = 1 << (config.number_bits + config.allocator_bits)
    most = config.chunk_size << (16 if space_is_free() else 10)
    return min(default_reserve(), fixed + most) + 2 * config.chunk_size


class Memory:
    """The heap's bytes and typed views of them.

    Any thread may read and write through any view; the rules are those of the structure in the bytes.

    Attributes:
        space: the reserved address space, shared by all views.
        u8, u16, u32, u64: views by 1-, 2-, 4- and 8-byte words; the word at address ``p`` is
            ``u64[p >> 3]``.
    """

    __slots__ = ("space", "u8", "u16", "u32", "u64")

    def __init__(self, space: AddressSpace) -> None:
        if sys.byteorder != "little":
            raise ConfigError("the heap's words are little-endian, and this machine is not")
        self.space = space
        self.u8 = memoryview(space.buffer)
        self.u16 = self.u8.cast("H")
        self.u32 = self.u8.cast("I")
        self.u64 = self.u8.cast("Q")

    def own_views(self) -> Memory:
        """Return the same memory through views that the calling thread alone uses."""
        return Memory(self.space)

    def range(self, start: int, end: int) -> memoryview[int]:
        """Return a view of the bytes from ``start`` to ``end`` that shares nothing with others.

        A slice of ``u8`` would share its buffer's count of slices, which on free-threaded Python goes wrong
        when several threads slice and drop at once; then the buffer is released under everybody's feet.
        """
        return memoryview(self.space.buffer)[start:end]

    def base(self) -> int | None:
        """Return the address of byte 0 in the process, or None where it cannot be told."""
        try:
            from ctypes import addressof, c_char
        except ImportError:
            return None
        return addressof(c_char.from_buffer(self.space.buffer))

    def zero(self, address: int, length: int) -> None:
        """Store zeroes in a range."""
        self.space.zero(address, address + length)
