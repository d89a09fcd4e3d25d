"""Size classes: which object sizes exist, and which of them serves a request (§2.6).

    size          16 32 48 64 │ 80 96 112 128 │ 160 192 224 256 │ 320 ...
    sizeclass      0  1  2  3 │  4  5   6   7 │   8   9  10  11 │  12 ...
    step              16      │       16      │        32       │  64

There are four classes per power of two, all multiples of 16. A size class is a
floating-point number with a mantissa of two bits. Above 64 bytes, rounding up
wastes less than a fifth of an object. A request of 0 gets the smallest class.

``SizeclassTable`` holds what follows from a class and a configuration, such as
the offset of a slab's first object. The last object always ends flush with the
slab's end. Any remainder of the division stays unused at the front, after the
header if the slab is the short one.
"""

from __future__ import annotations

import os
from functools import lru_cache

from .config import MIN_OBJECT_BITS, Config
from .errors import integer

__all__ = ["SizeclassTable", "size_to_sizeclass", "sizeclass_table", "sizeclass_to_size"]

Sizeclass = int


def size_to_sizeclass(size: int) -> Sizeclass:
    """Return the smallest class that holds ``size`` bytes (§2.6). Exponent 0 is the only special case.

    Args:
        size: bytes requested, 0 or more.
    """
    if type(size) is not int:
        size = integer(size, "size_to_sizeclass", "size")
    last = max(size, 1) - 1
    exponent = (last | 32).bit_length() - 6
    mantissa = (last >> (MIN_OBJECT_BITS + exponent - (exponent != 0))) & 3
    return 4 * exponent + mantissa


def sizeclass_to_size(sizeclass: Sizeclass) -> int:
    """Return the bytes of an object of a class. The inverse of ``size_to_sizeclass`` on class sizes (§2.6)."""
    exponent, mantissa = divmod(integer(sizeclass, "sizeclass_to_size", "sizeclass") + 1, 4)
    leading = exponent != 0
    return (mantissa + 4 * leading) << (MIN_OBJECT_BITS + exponent - leading)


class SizeclassTable:
    """Everything that follows from a size class, computed once per configuration.

    Attributes:
        sizes: bytes of an object, for each small and medium class.
        slab_offset: ``head`` of a fresh full-length slab, for each small class: the first object's
            offset plus 1, the bump bit (§2.8).
        short_slab_offset: the same for the short slab, whose objects start after the header.
        medium_slots: objects in a medium slab, for each class from ``num_small`` up (§2.7).
        short_max_sizeclass: the largest class that may use a short slab (§2.8).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.sizes = tuple(map(sizeclass_to_size, range(config.num_sizeclasses)))
        small, medium = self.sizes[: config.num_small], self.sizes[config.num_small :]
        header = config.superslab_header
        self.slab_offset = tuple(config.slab_size % size + 1 for size in small)
        # 16 bits, as in the metadata word. The class of a whole slab wraps, but never uses the short slab.
        self.short_slab_offset = tuple(((config.slab_size - header) % size + header + 1) & 0xFFFF for size in small)
        self.medium_slots = tuple((config.chunk_size - config.medium_header) // size for size in medium)
        self.short_max_sizeclass = size_to_sizeclass(header)

    def sizeclass(self, size: int) -> Sizeclass:
        """Return the class that serves a request of ``size`` bytes: ``size_to_sizeclass``."""
        return size_to_sizeclass(size)

    def first_head(self, sizeclass: Sizeclass, *, short: bool) -> int:
        """Return ``head`` of a fresh slab of a small class: its bump pointer plus 1."""
        return (self.short_slab_offset if short else self.slab_offset)[sizeclass]

    def capacity(self, sizeclass: Sizeclass, *, short: bool = False) -> int:
        """Return how many objects a slab (small class) or medium slab (medium class) holds."""
        if sizeclass >= self.config.num_small:
            return self.medium_slots[sizeclass - self.config.num_small]
        first = self.first_head(sizeclass, short=short) - 1
        return (self.config.slab_size - first) // self.sizes[sizeclass]


_tables = lru_cache(maxsize=64)(SizeclassTable)


def sizeclass_table(config: Config) -> SizeclassTable:
    """Return the table of a configuration. It is made once and shared."""
    return _tables(config)


def _renew_tables() -> None:
    """Make a new cache in a forked child, since on free-threaded Python other threads may have been in the old one."""
    global _tables  # noqa: PLW0603  # clearing the old one would wait for them
    _tables = lru_cache(maxsize=64)(SizeclassTable)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_tables)
