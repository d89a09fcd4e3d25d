"""Questions on size classes: what a request gets, and which class serves it (§2.6)."""

from __future__ import annotations

from collections.abc import Callable

from ...sizeclass import size_to_sizeclass, sizeclass_to_size
from ..question import Dice, Problem, mistakes
from .capacity import capacity, first_object, medium

__all__ = ["make"]

SIZES = "Every class is a multiple of 16 bytes, four to each power of two from 64 on: 16, 32, 48, 64, 80, 96, 112, ..."


def make(dice: Dice, level: int) -> Problem:
    """Make up a problem."""
    by_level: list[list[Callable[[Dice, int], Problem]]] = [
        [_request, _size],
        [_number, _waste],
        [_number, capacity],
        [first_object, capacity],
        [medium, first_object],
    ]
    return dice.pick(by_level[level - 1])(dice, level)


def _asked_size(dice: Dice, level: int) -> int:
    """A request, larger at higher levels; often one that is exactly a class's size."""
    exact = sizeclass_to_size(dice.between(3, 8 + 5 * level))
    return exact if dice.below(4) == 0 else exact + dice.between(1, exact // 4)


def _near(size: int) -> str:
    """Tell the classes around a request."""
    sizeclass = size_to_sizeclass(size)
    below = sizeclass_to_size(sizeclass - 1) if sizeclass else 0
    return f"The classes around it: ..., {below:,}, {sizeclass_to_size(sizeclass):,}, ..."


def _request(dice: Dice, level: int) -> Problem:
    """How large an object does a request get?"""
    size = _asked_size(dice, level)
    sizeclass = size_to_sizeclass(size)
    answer = sizeclass_to_size(sizeclass)
    return Problem(
        setting=SIZES,
        calls=(f"p = malloc({size})",),
        asked="How many bytes does the object have?",
        answer=answer,
        steps=(_quarter(size), f"{_near(size)} The smallest that holds {size:,} is {answer:,}."),
        mistakes=mistakes(
            answer,
            (sizeclass_to_size(sizeclass - 1), "That class is too small: a request is rounded up."),
            (
                sizeclass_to_size(sizeclass + 1),
                "One class too far. A request of exactly a class's size gets that class.",
            ),
            (1 << (size - 1).bit_length(), "That is a power of two; there are four classes to each of them."),
            (-(-size // 16) * 16, "A multiple of 16, but above 128 bytes not each of them is a class."),
            (size, "What was asked for; but an object has its class's size."),
        ),
    )


def _quarter(size: int) -> str:
    """Tell the step between classes at a size."""
    power = 1 << max((size - 1).bit_length() - 1, 4)
    if power < 64:
        return "Up to 64 bytes the classes are 16, 32, 48 and 64."
    return f"Above {power:,} and up to {2 * power:,} the step is a quarter of {power:,}: {power // 4:,} bytes."


def _size(dice: Dice, level: int) -> Problem:
    """How large is a class?"""
    sizeclass = dice.between(2, 10 + 5 * level)
    exponent, mantissa = divmod(sizeclass + 1, 4)
    answer = sizeclass_to_size(sizeclass)
    leading = int(exponent != 0)
    return Problem(
        setting=SIZES,
        asked=f"The classes are numbered from 0. How many bytes have the objects of class {sizeclass}?",
        answer=answer,
        steps=(
            f"{sizeclass} + 1 = {sizeclass + 1}: e = {exponent}, m = {mantissa}, and b = {leading} as e is "
            f"{'not ' if leading else ''}0.",
            f"(m + 4b) << (4 + e - b) = {mantissa + 4 * leading} << {4 + exponent - leading} = {answer:,}.",
        ),
        mistakes=mistakes(
            answer,
            (sizeclass_to_size(sizeclass - 1), "The + 1 is missing: the classes are numbered from 0."),
            (sizeclass_to_size(sizeclass + 1), "One too far: class 0 has 16 bytes."),
            (16 * (sizeclass + 1), "Multiples of 16 are all classes only up to 128 bytes."),
            (
                mantissa << (4 + exponent - leading) if leading else None,
                "The leading bit is missing: m + 4b, as in a floating-point number.",
            ),
        ),
    )


def _number(dice: Dice, level: int) -> Problem:
    """Which class serves a request?"""
    size = _asked_size(dice, level + 1)
    answer = size_to_sizeclass(size)
    last = size - 1
    exponent, mantissa = divmod(answer, 4)
    leading = int(exponent != 0)
    return Problem(
        setting=SIZES,
        calls=(f"p = malloc({size})",),
        asked="The classes are numbered from 0. What is the number of the class?",
        answer=answer,
        steps=(
            f"n = {size} - 1 = {last}, in binary {last:b}.",
            f"e = 58 - clz64(n | 32) = {exponent}; b = {leading}.",
            f"m = (n >> (4 + e - b)) & 3 = ({last} >> {4 + exponent - leading}) & 3 = {mantissa}.",
            f"4e + m = {answer}, of {sizeclass_to_size(answer):,} bytes.",
        ),
        mistakes=mistakes(
            answer,
            (
                size_to_sizeclass(size + 1),
                "n is the size less 1: a request of exactly a class's size gets that class, not the next.",
            ),
            (answer - 1, f"That class has only {sizeclass_to_size(answer - 1):,} bytes: a request is rounded up."),
            (answer + 1, "One too many: the class of 16 bytes is number 0."),
            (-(-size // 16) - 1, "Not each multiple of 16 is a class above 128 bytes."),
            (last.bit_length() - 4, "There are four classes to each power of two, not one."),
        ),
    )


def _waste(dice: Dice, level: int) -> Problem:
    """How much of an object is not asked for?"""
    size = _asked_size(dice, level + 1)
    rounded = sizeclass_to_size(size_to_sizeclass(size))
    answer = rounded - size
    return Problem(
        setting=SIZES,
        calls=(f"p = malloc({size})",),
        asked="How many bytes of the object were not asked for?",
        answer=answer,
        steps=(_quarter(size), f"The object has {rounded:,} bytes; {rounded:,} - {size:,} = {answer:,}."),
        mistakes=mistakes(
            answer,
            (
                (1 << (size - 1).bit_length()) - size,
                "That rounds up to a power of two; there are four classes to each.",
            ),
            (-size % 16, "That rounds up to a multiple of 16; not all of them are classes above 128 bytes."),
            (rounded, "That is the whole object."),
            (
                sizeclass_to_size(size_to_sizeclass(size) + 1) - size,
                "One class too far: a request of exactly a class's size gets that class.",
            ),
        ),
    )
