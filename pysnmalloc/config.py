"""The configuration of a heap: eight numbers from which every other constant follows (§2.1, §2.3).

    chunk = 2^slab_count_bits slabs                                  PAPER   PAPER_1MIB   CLASSROOM
    ┌─────────┬─────────┬─────────┬─ ─ ─┬─────────┐    chunk        16 MiB        1 MiB       8 KiB
    │ header, │ slab 1  │ slab 2  │     │ slab n  │    slab         64 KiB       16 KiB       1 KiB
    │ slab 0  │         │         │     │         │    slabs           256           64           8
    └─────────┴─────────┴─────────┴─ ─ ─┴─────────┘

A chunk is aligned to its size. It is a superslab, a medium slab, or part of a
large object. A request of up to one slab is small, a larger one of less than a
chunk is medium, and all others are large. (The paper's text says that small is
*less than* a slab; its code counts the class of exactly one slab as small.)

The law of this module: every ``Config`` that exists can work. The constructor
refuses any other and gives the reason, so no other module checks it again.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from functools import cached_property
from typing import SupportsIndex

from .errors import ConfigError, integer

__all__ = ["CLASSROOM", "PAPER", "PAPER_1MIB", "PRESETS", "Config", "Decommit"]

ADDRESS_BITS = 48  # used by a pointer on the paper's machines
CACHE_LINE = 64
MIN_OBJECT_BITS = 4  # 16 bytes: the {next, target} of a message, or two list pointers
METADATA_OFFSET = 88  # in a superslab's header, after owner, kind, next, prev, head and used
MEDIUM_STACK_OFFSET = 84  # in a medium slab's header
MEDIUM_UNIT = 256  # bytes; a medium object's index is its offset in these units, in 16 bits
BUCKETS_OFFSET = 192  # in an allocator's block, after queue, stub and list heads


class Decommit(enum.Enum):
    """When pages go back to the operating system (§2.9)."""

    NEVER = "never"
    """Never."""
    SUPERSLAB = "superslab"
    """When a superslab or medium slab becomes empty: all its pages but the first. The paper's default."""
    SLAB = "slab"
    """When a slab or medium object becomes free."""
    LAZY = "lazy"
    """When ``Heap.notify_low_memory`` says that memory is scarce."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The constants of a heap, validated (§2.1, §2.3). Sizes are in bytes; ``*_bits`` are binary logarithms.

    Raises:
        ConfigError: if the numbers cannot work together; the message says why.
    """

    name: str = "custom"
    """The name that error messages and ``repr`` use; for a preset, its key in ``PRESETS``."""
    slab_bits: int = 16
    """log2 of a slab's bytes. At most 16, since an offset in a slab has 16 bits."""
    slab_count_bits: int = 8
    """log2 of the slabs in a superslab. At most 8, since a slab index is one byte."""
    page_bits: int = 12
    """log2 of a page's bytes. A page is the unit of commit and decommit, and the size of a medium slab's header."""
    remote_cache: int = 1 << 20
    """Bytes of remotely freed objects at which an allocator posts its remote cache (§2.2)."""
    remote_batch: int = 64
    """The most messages that one call of malloc or free receives (§2.2)."""
    bucket_bits: int = 6
    """k: the remote cache has 2^k buckets, and each round of posting uses k bits (§2.2)."""
    allocator_bits: int = 11
    """log2 of an allocator's alignment: number = address >> allocator_bits (§2.2)."""
    number_bits: int = 16
    """log2 of how many allocator numbers there are. Number 0 is null, so 2^number_bits - 1 are usable."""

    def __post_init__(self) -> None:
        """Refuse a configuration that cannot work."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "name":
                continue
            if isinstance(value, bool) or not isinstance(value, SupportsIndex):
                raise ConfigError(f"{field.name} must be an int, not {value!r}")
            object.__setattr__(self, field.name, integer(value, "Config", field.name))
        for works, reason in self._demands():
            if not works:
                raise ConfigError(f"configuration “{self.name}” cannot work: {reason}")

    def _demands(self) -> list[tuple[bool, str]]:
        """Return pairs of a condition and the reason to give if it does not hold, most basic first."""
        in_range = [
            (
                low <= getattr(self, name) <= high,
                f"{name} is {getattr(self, name)}, outside the range {low} to {high}: {why}",
            )
            for name, low, high, why in _RANGES
        ]
        if not all(holds for holds, _ in in_range):
            return in_range
        return [
            (
                self.chunk_bits <= 24,
                f"a chunk of 2^{self.chunk_bits} bytes has more than 65,536 units of {MEDIUM_UNIT} bytes, and "
                "a medium object's index has 16 bits (§2.7); lower slab_bits or slab_count_bits",
            ),
            (
                self.page_bits <= self.slab_bits,
                f"a page of {self.page_size} bytes is larger than a slab of {self.slab_size} (§2.9); lower page_bits",
            ),
            (
                4 * self.superslab_header <= self.slab_size,
                f"the superslab's header of {self.superslab_header} bytes takes more than a quarter of the "
                f"short slab's {self.slab_size} (§2.8); raise slab_bits or lower slab_count_bits",
            ),
            (
                self.superslab_header <= self.page_size,
                f"the superslab's header of {self.superslab_header} bytes is longer than the first page of "
                f"{self.page_size}, the only one of a superslab that stays committed (§2.9); raise page_bits",
            ),
            (
                8 * self.page_size <= self.chunk_size,
                f"a medium slab's header of {self.page_size} bytes leaves no room in its chunk of {self.chunk_size} "
                "for one object of the largest class, 7/8 of a chunk (§2.7); lower page_bits",
            ),
            (
                MEDIUM_STACK_OFFSET + 2 * self.slab_count <= self.page_size,
                f"a medium slab's stack of up to {self.slab_count} indices does not fit in the page of "
                f"{self.page_size} bytes that is its header (§2.7); raise page_bits",
            ),
            (
                self.allocator_block <= 1 << self.allocator_bits,
                f"an allocator's state takes {self.allocator_block} bytes, more than its alignment of "
                f"2^{self.allocator_bits} allows (§2.2); raise allocator_bits or lower bucket_bits",
            ),
            (
                self.allocator_bits + self.number_bits <= 32,
                f"2^{self.number_bits} allocators of 2^{self.allocator_bits} bytes take more than 4 GiB of "
                "address space; lower number_bits",
            ),
        ]

    # Derived constants, each from those above it.

    @cached_property
    def slab_size(self) -> int:
        """Bytes in a slab."""
        return 1 << self.slab_bits

    @cached_property
    def slab_count(self) -> int:
        """Slabs in a superslab, including the short slab."""
        return 1 << self.slab_count_bits

    @cached_property
    def chunk_bits(self) -> int:
        """log2 of a chunk's bytes."""
        return self.slab_bits + self.slab_count_bits

    @cached_property
    def chunk_size(self) -> int:
        """Bytes in a chunk, which is a superslab, a medium slab, or the unit of large objects."""
        return 1 << self.chunk_bits

    @cached_property
    def page_size(self) -> int:
        """Bytes in a page."""
        return 1 << self.page_bits

    @cached_property
    def superslab_header(self) -> int:
        """Bytes before the short slab's objects: 88 plus 8 for each slab, rounded up to whole cache lines (§2.8)."""
        exact = METADATA_OFFSET + 8 * self.slab_count
        return -(-exact // CACHE_LINE) * CACHE_LINE

    @cached_property
    def medium_header(self) -> int:
        """Bytes reserved for a medium slab's header: one page, so that objects can be page-aligned (§2.7)."""
        return self.page_size

    @cached_property
    def num_small(self) -> int:
        """Number of small size classes, from 16 bytes up to one slab; four classes per power of two (§2.6)."""
        return 4 * self.slab_bits - 20

    @cached_property
    def num_sizeclasses(self) -> int:
        """Number of small and medium size classes together (§2.6)."""
        return 4 * self.chunk_bits - 21

    @cached_property
    def num_large(self) -> int:
        """Number of large classes: 2^0, 2^1, ... chunks, up to the entire address space (§2.5)."""
        return ADDRESS_BITS - self.chunk_bits

    @cached_property
    def buckets(self) -> int:
        """Number of buckets in the remote cache (§2.2)."""
        return 1 << self.bucket_bits

    @cached_property
    def hop_bound(self) -> int:
        """The most times a message is sent: each hop matches bucket_bits more bits of a number (§2.2)."""
        return -(-(ADDRESS_BITS - self.allocator_bits) // self.bucket_bits)

    @cached_property
    def allocator_block(self) -> int:
        """Bytes of an allocator's state in the heap, with 16 per bucket and 8 per size class's list head."""
        return BUCKETS_OFFSET + 16 * self.buckets + 8 * self.num_sizeclasses

    def replace(self, **changes: int | str) -> Config:
        """Return a copy with some fields changed. The copy is validated too."""
        return dataclasses.replace(self, **changes)  # type: ignore[arg-type]  # checked in __post_init__


_RANGES = (
    (
        "slab_bits",
        10,
        16,
        "a slab must hold a few objects of 256 bytes, and offsets in it have 16 bits (§2.8)",
    ),
    (
        "slab_count_bits",
        1,
        8,
        "a superslab has at least one slab besides the short one, and slab indices have 8 bits (§2.8)",
    ),
    ("page_bits", 8, 16, "a medium object's index counts units of 256 bytes (§2.7)"),
    ("remote_cache", 0, 1 << 62, "it is a number of bytes"),
    ("remote_batch", 1, 1 << 20, "a call that receives no messages would never empty the queue"),
    ("bucket_bits", 1, 12, "each round of posting must use at least one bit of the number (§2.2)"),
    ("allocator_bits", 11, 20, "the heap's own block takes the 2 KiB of number 0 (§2.2)"),
    ("number_bits", 1, 24, "number 0 is null, so there must be a number 1"),
)

PAPER = Config(name="paper")
"""The paper's default: 16 MiB chunks of 256 slabs of 64 KiB."""

PAPER_1MIB = Config(name="paper-1mib", slab_bits=14, slab_count_bits=6)
"""The paper's "snmalloc-1mib": 1 MiB chunks of 64 slabs of 16 KiB."""

CLASSROOM = Config(
    name="classroom",
    slab_bits=10,
    slab_count_bits=3,
    page_bits=8,
    remote_cache=1024,
    bucket_bits=2,
    number_bits=6,
)
"""Small enough to draw a whole superslab: 8 slabs of 1 KiB, 4 buckets, allocators 1 to 63."""

PRESETS = {preset.name: preset for preset in (PAPER, PAPER_1MIB, CLASSROOM)}
"""The presets by name, as the command line accepts them."""
