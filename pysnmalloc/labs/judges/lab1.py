"""The judges of lab 1, size classes (§2.6, §2.8).

The sizes that exist are found by search, from their definition: multiples of 16 with a limited number of
significant bits. The objects of a slab are laid out one by one, from its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import Final

from ...lesson.judging import Trouble, call
from ..process.student import Student
from ..variants import Variant
from .judging import judge, loops

__all__ = ["first_sizes", "sizes"]

CLASSES: Final = 40
FAR: Final = 1 << 40
"""A request that no table and no loop over sizes reaches."""

SLABS: Final = ((1 << 16, 256), (1 << 14, 64), (1 << 10, 8), (1 << 12, 2))
"""Bytes of a slab, and slabs in its superslab."""


def sizes(mantissa_bits: int) -> Iterator[int]:
    """Yield the sizes that exist, smallest first."""
    for size in count(16, 16):
        if (size // (size & -size)).bit_length() <= mantissa_bits + 1:
            yield size


def first_sizes(variant: Variant) -> list[int]:
    """Return the sizes of the first classes of a variant."""
    return list(islice(sizes(variant.mantissa_bits), CLASSES))


@judge("sizes")
def _sizes(student: Student, variant: Variant) -> Iterator[Trouble | str]:
    """Ask for every class in turn, and for two far ones."""
    size_of, bits = student.function("size_of"), variant.mantissa_bits
    known = first_sizes(variant)
    for sizeclass, size in enumerate(known):
        yield from call(size_of, "size_of", sizeclass, wanted=size, why=_power(known, sizeclass, bits))
    for times in (20, 200):
        sizeclass = (CLASSES - 1) + times * 2**bits
        yield from call(
            size_of, "size_of", sizeclass, wanted=known[-1] << times, why=f"{2**bits} classes later, a size is doubled."
        )


def _power(known: list[int], sizeclass: int, bits: int) -> str:
    """Return what a class has to do with MANTISSA_BITS."""
    size, step = known[sizeclass], known[sizeclass + 1] - known[sizeclass] if sizeclass + 1 < len(known) else 0
    after = f" The next size is {step} bytes larger." if step else ""
    return f"With MANTISSA_BITS = {bits}, the sizes around {size} have {bits + 1} significant bits.{after}"


@judge("classes")
def _classes(student: Student, variant: Variant) -> Iterator[Trouble | str]:
    """Ask for requests that are a size, one less and one more; then for requests that no search reaches."""
    class_of, known = student.function("class_of"), first_sizes(variant)
    for sizeclass, size in enumerate(known[:-1]):
        for request, wanted in ((size, sizeclass), (size - 1, sizeclass), (size + 1, sizeclass + 1)):
            yield from call(class_of, "class_of", request, wanted=wanted, why=_fits(known, request))
    yield from call(class_of, "class_of", 0, wanted=0, why="A request of 0 bytes gets an object of the smallest class.")
    doublings = FAR.bit_length() - known[-1].bit_length()
    far = (CLASSES - 1) + doublings * 2**variant.mantissa_bits
    for request, wanted in ((known[-1] << doublings, far), ((known[-1] << doublings) + 1, far + 1)):
        yield from call(class_of, "class_of", request, wanted=wanted, why="It is far above the other requests.")
    yield from loops(student.source, "A class follows from the bits of the request; malloc cannot search for it.")


def _fits(known: list[int], request: int) -> str:
    """Return which size serves a request."""
    return f"The smallest size that holds {request} bytes is {next(size for size in known if size >= request)}."


@judge("layout")
def _layout(student: Student, variant: Variant) -> Iterator[Trouble | str]:
    """Lay out the objects of full and of short slabs one by one, and compare."""
    header, first, capacity = (student.function(name) for name in ("header", "first_object", "capacity"))
    for slab_size, slabs in SLABS:
        length = variant.metadata_offset + 8 * slabs
        while length % 64:
            length += 1
        words = f"{variant.metadata_offset} + 8 × {slabs} bytes, rounded up to whole cache lines of 64."
        yield from call(header, "header", slabs, wanted=length, why=f"The header has {words}")
        for start, kind in ((0, "a full slab"), (length, "a short slab, behind the header")):
            for size in [size for size in first_sizes(variant) if size <= slab_size - start]:
                objects = [slab_size - size]
                while objects[-1] - size >= start:
                    objects.append(objects[-1] - size)
                why = f"This is {kind}; its last object ends with the slab."
                yield from call(first, "first_object", slab_size, start, size, wanted=objects[-1], why=why)
                yield from call(capacity, "capacity", slab_size, start, size, wanted=len(objects), why=why)
