"""Judges of tutorial 1, size classes (§2.6).

The right answers are found by search, from the definition: the size of a class is a
multiple of 16 with a limited number of significant bits, including the leading one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

from ..judging import Trouble, call, exercise

__all__: list[str] = []  # a judge is found by the number of its exercise

MANTISSA_BITS = 2  # in the paper


def sizes(mantissa_bits: int = MANTISSA_BITS) -> Iterator[int]:
    """Yield the sizes that exist, smallest first."""
    for size in count(16, 16):
        significant = size // (size & -size)
        if significant.bit_length() <= mantissa_bits + 1:
            yield size


@exercise("1.1")
def _class_size(answer: object) -> Iterator[Trouble | str]:
    """Try every class of the second configuration."""
    for sizeclass, size in enumerate(islice(sizes(), 59)):
        yield from call(answer, "class_size", sizeclass, wanted=size)


@exercise("1.2")
def _round_up(answer: object) -> Iterator[Trouble | str]:
    """Try the paper's mantissa first, with sizes that are classes and sizes next to them."""
    for mantissa_bits in (2, 0, 1, 3, 4):
        for size in (65, 100, 17, 1, 0, 16, 64, 80, 128, 129, 160, 161, 1000, 1024, 1025, 5000):
            wanted = next(each for each in sizes(mantissa_bits) if each >= size)
            yield from call(answer, "round_up", size, mantissa_bits, wanted=wanted)


@exercise("1.3")
def _aligned_size(answer: object) -> Iterator[Trouble | str]:
    """Try alignments that the class of the size provides, and alignments that it does not."""
    for size in (100, 128, 0, 1, 40, 65, 192, 260, 300, 1100, 5000):
        for alignment in (16, 64, 1, 32, 128, 1024, 4096):
            wanted = next(each for each in sizes() if each >= size and each % alignment == 0)
            yield from call(answer, "aligned_size", alignment, size, wanted=wanted)
