"""The heap's memory: a single range of bytes, seen as 8-, 16-, 32- and 64-bit words (§2.9).

    address   0     64            2 KiB       4 KiB                 │            │
             ┌────┬──────────────┬───────────┬───────────┬─ ─ ─ ─ ─┬┴──────────┬─┴─────┬───────┬─ ─
             │null│ heap's block │allocator 1│allocator 2│         │ page map  │ chunk │ chunk │
             └────┴──────────────┴───────────┴───────────┴─ ─ ─ ─ ─┴───────────┴───────┴───────┴─ ─
              the stacks of free      2^number_bits blocks          1 byte per  aligned to its
              chunks, bump pointer    of allocators                 chunk       size

The law: the bytes are the truth. An address is an offset in them; address 0 is
null and is never an object. Apart from statistics, everything that Python keeps
in addition is a view of the bytes or can be derived from them.

Words are little-endian and aligned. One machine instruction reads or writes an
aligned word, so another thread sees either the old or the new value, never half
of each. *When* it sees the new value is the subject of ``atomics``.

A view is a Python object. On free-threaded Python, threads that share a view
contend for its reference count, so each allocator makes its own (``own_views``):
threads share bytes, not objects.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import NoReturn, Protocol

from .config import Config
from .errors import ConfigError
from .platform import AddressSpace, default_reserve, space_is_free

__all__ = ["NULL", "Layout", "Memory", "Words"]

NULL = 0
"""The address that is never an object's."""

WORD = 8  # bytes of the longest word
BUMP = 64  # address of the word that holds the first chunk never handed out
LOW_MEMORY_EPOCH = 128  # address of the count of low-memory notices
STACKS = 256  # address of the stacks of free and skipped chunks, 16 bytes each: head, incarnation number


class Words(Protocol):
    """What the concepts require of a view: words by index, nothing else.

    A ``memoryview`` provides this. An explorer of executions may replace it.
    """

    def __getitem__(self, index: int, /) -> int:
        """Return the word."""

    def __setitem__(self, index: int, value: int, /) -> None:
        """Store the word."""


@dataclass(frozen=True)
class Layout:
    """Where the parts of the heap lie in its bytes. All values are addresses.

    Attributes:
        pagemap: the page map's first byte.
        first_chunk: the first whole chunk after the page map.
        end: the first byte after the last whole chunk.
    """

    pagemap: int
    first_chunk: int
    end: int

    @classmethod
    def of(cls, config: Config, reserve: int) -> Layout:
        """Lay out ``reserve`` bytes of address space.

        Raises:
            ConfigError: if not even one chunk fits, or the bytes are not whole words.
        """
        pagemap = 1 << (config.number_bits + config.allocator_bits)
        first_chunk = _first_chunk(config, reserve)
        end = reserve // config.chunk_size * config.chunk_size
        if end <= first_chunk:
            raise ConfigError(
                f"reserve={reserve:,} bytes leaves no room for a chunk of {config.chunk_size:,}: the allocators "
                f"and the page map take the first {first_chunk:,}; reserve at least {least_reserve_for(config):,}"
            )
        if reserve % WORD:
            raise ConfigError(f"reserve={reserve:,} bytes are not whole words; reserve a multiple of {WORD}")
        return cls(pagemap, first_chunk, end)


def _first_chunk(config: Config, reserve: int) -> int:
    """Return the first chunk's address: chunks begin after the allocators and the page map."""
    map_end = (1 << (config.number_bits + config.allocator_bits)) + (reserve >> config.chunk_bits)
    return -(-map_end // config.chunk_size) * config.chunk_size


def least_reserve_for(config: Config) -> int:
    """Return the smallest reserve with which a configuration works, in bytes: it has room for one chunk."""
    least = 0
    while least < (needed := _first_chunk(config, least) + config.chunk_size):  # a larger reserve has a larger map
        least = needed
    return least


def space_for(config: Config, reserve: int | None) -> AddressSpace:
    """Reserve the address space of a heap; by default what ``default_reserve_for`` says, or less if it is refused.

    Raises:
        ConfigError: if ``reserve`` is too small for one chunk, or is not whole words.
        SpaceRefused: if the operating system refuses ``reserve``, or even the smallest that the configuration needs.
    """
    least = least_reserve_for(config)
    if reserve is None:
        return AddressSpace.up_to(default_reserve_for(config), least)
    Layout.of(config, reserve)  # a reserve that cannot work is the caller's mistake, whatever the system grants
    return AddressSpace(reserve, least)


def default_reserve_for(config: Config) -> int:
    """Return the default reserve of a configuration: at most 65,536 chunks, or 1,024 where space is scarce."""
    fixed = 1 << (config.number_bits + config.allocator_bits)
    most = config.chunk_size << (16 if space_is_free() else 10)
    return min(default_reserve(), fixed + most) + 2 * config.chunk_size


class Memory:
    """The heap's bytes and typed views of them.

    Any thread may read and write through any view, subject to the rules of the structure that it accesses.

    Attributes:
        space: the reserved address space, shared by all views.
        u8, u16, u32, u64: views as 1-, 2-, 4- and 8-byte words; the 8-byte word at address ``p`` is
            ``u64[p >> 3]``.
    """

    __slots__ = ("space", "u8", "u16", "u32", "u64")

    def __init__(self, space: AddressSpace) -> None:
        if sys.byteorder != "little":
            raise ConfigError("the heap's words are little-endian, but this machine is not; use one that is")
        self.space = space
        self.u8 = memoryview(space.buffer)
        self.u16 = self.u8.cast("H")
        self.u32 = self.u8.cast("I")
        self.u64 = self.u8.cast("Q")

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied; threads make views of the same bytes with ``own_views``."""
        self.space.__reduce__()

    def own_views(self) -> Memory:
        """Return the same memory through views that only the calling thread uses."""
        return Memory(self.space)

    def range(self, start: int, end: int) -> memoryview[int]:
        """Return a view of the bytes from ``start`` to ``end`` that shares nothing with other views.

        A slice of ``u8`` would share its buffer's count of slices. On free-threaded Python that count goes wrong
        when several threads slice and drop at once, and the buffer is then released while it is still in use.
        """
        return memoryview(self.space.buffer)[start:end]

    def base(self) -> int | None:
        """Return the address of byte 0 in the process, or None if it is unknown."""
        try:
            from ctypes import addressof, c_char
        except ImportError:
            return None
        return addressof(c_char.from_buffer(self.space.buffer))

    def zero(self, address: int, length: int) -> None:
        """Store zeroes in a range."""
        self.space.zero(address, address + length)
