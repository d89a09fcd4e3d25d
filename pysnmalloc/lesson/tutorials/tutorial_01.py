"""Judges of tutorial 1, size classes (§2.6).

The right answers are found by search, from the definition: the size of a class is a
multiple of 16 with a limited number of significant bits, including the leading one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import count, islice, product, takewhile

from ..judging import Trouble, call, exercise
from ..source import forbidden

__all__: list[str] = []  # a judge is found by the number of its exercise

MANTISSA_BITS = 2  # in the paper
LARGEST = 1 << 16  # request of exercises 1.2 and 1.3


def sizes(mantissa_bits: int = MANTISSA_BITS) -> Iterator[int]:
    """Yield the sizes that exist, smallest first."""
    for size in count(16, 16):
        significant = size // (size & -size)
        if significant.bit_length() <= mantissa_bits + 1:
            yield size


def sizes_up_to(limit: int, mantissa_bits: int = MANTISSA_BITS) -> tuple[int, ...]:
    """Return the sizes that exist up to a limit."""
    return tuple(takewhile(lambda size: size <= limit, sizes(mantissa_bits)))


# 1.1

FIRST, MORE = range(16), (*range(16, 80), 4000)
MAPS = ("map", "filter", "reduce", "accumulate", "bisect", "bisect_left", "bisect_right")


@exercise("1.1")
def _class_size(answer: object) -> Iterator[Trouble | str]:
    """Try the first classes, look at the source, and then try more classes than any table has."""
    yield from _class_sizes(answer, FIRST)
    yield from forbidden(
        answer,
        loops="The exercise asks for a computation without a loop.",
        names=dict.fromkeys(MAPS, "It goes from number to number, so it is a loop too."),
        library="The exercise asks you to compute the size without the library.",
    )
    yield from _class_sizes(answer, MORE)


def _class_sizes(answer: object, classes: Iterable[int]) -> Iterator[Trouble]:
    """Try some classes. From class 7 on, the size is twice that of the class four before."""
    found = tuple(islice(sizes(), 12))
    for sizeclass in classes:
        doublings = max(0, (sizeclass - 8) // 4)
        size = found[sizeclass - 4 * doublings] << doublings
        yield from call(answer, "class_size", sizeclass, wanted=size, why=_class_why(sizeclass))


def _class_why(sizeclass: int) -> str:
    """Return what a class shows."""
    if sizeclass < 3:
        return "Below 64, the sizes are the multiples of 16."
    if sizeclass < 48:
        return "From 64 on, there are four classes for each power of two."
    return "The numbers of classes have no upper limit."


# 1.2

REQUESTS = (65, 64, 80, 17, 1, 0, 16, 129, 1025)


@exercise("1.2")
def _round_up(answer: object) -> Iterator[Trouble | str]:
    """Try the paper's mantissa first, with sizes that are classes and sizes next to them."""
    for mantissa_bits in (2, 0, 1, 3, 7):
        offered = sizes_up_to(LARGEST, mantissa_bits)
        for size in (*REQUESTS, LARGEST) if mantissa_bits == MANTISSA_BITS else REQUESTS:
            wanted = next(each for each in offered if each >= size)
            why = _why(size, mantissa_bits, wanted)
            yield from call(answer, "round_up", size, mantissa_bits, wanted=wanted, why=why)


def _why(size: int, mantissa_bits: int, wanted: int) -> str:
    """Return what a request shows."""
    if size == wanted:
        return f"There is a class of {size} bytes, so nothing is rounded."
    if size == 0:
        return "A request of 0 gets 16."
    if size < 16 << mantissa_bits:
        return "Every class is a multiple of 16."
    bits = f"{mantissa_bits} mantissa bit{'s' * (mantissa_bits != 1)}"
    return f"With {bits}, each power of two has {2**mantissa_bits} {'class' if mantissa_bits == 0 else 'classes'}."


# 1.3

HEAP = ("Heap", "usable_size")
ALIGNED = (
    ((64, 16, 1, 32, 1024), (100, 128, 0, 257, 1100)),
    ((LARGEST,), (57_300,)),
)


@exercise("1.3")
def _aligned_size(answer: object) -> Iterator[Trouble | str]:
    """Try alignments that the class of the size provides, and alignments that it does not."""
    yield from forbidden(answer, names=dict.fromkeys(HEAP, "Find the class without allocating an object of it."))
    offered = sizes_up_to(LARGEST)
    for alignments, requests in ALIGNED:
        for size, alignment in product(requests, alignments):
            wanted = next(each for each in offered if each >= size and each % alignment == 0)
            why = partial(_fault, offered, alignment, size, wanted)
            yield from call(answer, "aligned_size", alignment, size, wanted=wanted, why=why)


def _fault(offered: tuple[int, ...], alignment: int, size: int, wanted: int, got: object) -> str:
    """Return which demand a result does not meet, as a sentence."""
    if type(got) is not int or got == wanted:
        return ""
    if got == offered.index(wanted):
        return f"{got} is the number of a class, not its size."
    if got < size:
        return f"{got} is less than the {size} bytes requested."
    if got % alignment:
        return f"{got} is not a multiple of {alignment}."
    if got not in offered:
        return f"No class has {got} byte{'s' * (got != 1)}."
    return f"The class of {wanted} bytes is smaller, and it is a multiple of {alignment} too."
