"""Questions on size classes: the size that a request gets, and the class that serves it (§2.6)."""

from __future__ import annotations

from collections.abc import Callable

from ...sizeclass import size_to_sizeclass, sizeclass_to_size
from ..question import Dice, Problem, mistakes
from .capacity import capacity, first_object, medium

__all__ = ["make"]

SIZES = "Class sizes are multiples of 16 bytes, four per power of two from 64 on: 16, 32, 48, 64, 80, 96, 112, ..."


def make(dice: Dice, level: int) -> Problem:
    """Create a problem."""
    by_level: list[list[Callable[[Dice, int], Problem]]] = [
        [_request, _size],
        [_number, _waste],
        [_number, capacity],
        [first_object, capacity],
        [medium, first_object],
    ]
    return dice.pick(by_level[level - 1])(dice, level)


def _asked_size(dice: Dice, level: int) -> int:
    """Return a request, larger at higher levels and often exactly a class size."""
    exact = sizeclass_to_size(dice.between(3, 8 + 5 * level))
    return exact if dice.below(4) == 0 else exact + dice.between(1, exact // 4)


def _near(size: int) -> str:
    """Name the classes around a request."""
    sizeclass = size_to_sizeclass(size)
    below = sizeclass_to_size(sizeclass - 1) if sizeclass else 0
    return f"The nearest classes are ..., {below:,}, {sizeclass_to_size(sizeclass):,}, ..."


def _request(dice: Dice, level: int) -> Problem:
    """How large is the object that a request gets?"""
    size = _asked_size(dice, level)
    sizeclass = size_to_sizeclass(size)
    answer = sizeclass_to_size(sizeclass)
    return Problem(
        setting=SIZES,
        calls=(f"p = malloc({size})",),
        asked="How large is the object, in bytes?",
        answer=answer,
        steps=(_quarter(size), f"{_near(size)} The smallest that holds {size:,} bytes is {answer:,}."),
        mistakes=mistakes(
            answer,
            (sizeclass_to_size(sizeclass - 1), "That class is too small: a request is rounded up."),
            (
                sizeclass_to_size(sizeclass + 1),
                "One class too large: a request that equals a class size gets that class.",
            ),
            (1 << (size - 1).bit_length(), "That is the next power of two, but each power of two has four classes."),
            (-(-size // 16) * 16, "That is a multiple of 16, but above 128 bytes not every multiple is a class."),
            (size, "That is the size requested; the object has the size of its class."),
        ),
    )


def _quarter(size: int) -> str:
    """State the distance between classes at a size."""
    power = 1 << max((size - 1).bit_length() - 1, 4)
    if power < 64:
        return "Up to 64 bytes, the classes are 16, 32, 48 and 64."
    return f"From {power:,} to {2 * power:,} bytes, the classes are a quarter of {power:,} apart: {power // 4:,} bytes."


def _size(dice: Dice, level: int) -> Problem:
    """How large is a class?"""
    sizeclass = dice.between(2, 10 + 5 * level)
    exponent, mantissa = divmod(sizeclass + 1, 4)
    answer = sizeclass_to_size(sizeclass)
    leading = int(exponent != 0)
    return Problem(
        setting=SIZES,
        asked=f"The classes are numbered from 0. How large are the objects of class {sizeclass}, in bytes?",
        answer=answer,
        steps=(
            f"{sizeclass} + 1 = {sizeclass + 1}: e = {exponent}, m = {mantissa}, and b = {leading} because e is "
            f"{'not ' if leading else ''}0.",
            f"(m + 4b) << (4 + e - b) = {mantissa + 4 * leading} << {4 + exponent - leading} = {answer:,}.",
        ),
        mistakes=mistakes(
            answer,
            (sizeclass_to_size(sizeclass - 1), "The + 1 is missing: the classes are numbered from 0."),
            (sizeclass_to_size(sizeclass + 1), "One class too large: class 0 has 16 bytes."),
            (16 * (sizeclass + 1), "Every multiple of 16 is a class only up to 128 bytes."),
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
        asked="The classes are numbered from 0. What is the number of the class that serves the request?",
        answer=answer,
        steps=(
            f"n = {size} - 1 = {last}, in binary {last:b}.",
            f"e = 58 - clz64(n | 32) = {exponent}; b = {leading}.",
            f"m = (n >> (4 + e - b)) & 3 = ({last} >> {4 + exponent - leading}) & 3 = {mantissa}.",
            f"4e + m = {answer}, the class of {sizeclass_to_size(answer):,} bytes.",
        ),
        mistakes=mistakes(
            answer,
            (
                size_to_sizeclass(size + 1),
                "n is the size minus 1: a request that equals a class size gets that class, not the next.",
            ),
            (answer - 1, f"That class has only {sizeclass_to_size(answer - 1):,} bytes: a request is rounded up."),
            (answer + 1, "One too high: the class of 16 bytes has number 0."),
            (-(-size // 16) - 1, "Above 128 bytes, not every multiple of 16 is a class."),
            (last.bit_length() - 4, "There are four classes per power of two, not one."),
        ),
    )


def _waste(dice: Dice, level: int) -> Problem:
    """How much of an object was not requested?"""
    size = _asked_size(dice, level + 1)
    rounded = sizeclass_to_size(size_to_sizeclass(size))
    answer = rounded - size
    return Problem(
        setting=SIZES,
        calls=(f"p = malloc({size})",),
        asked="How many bytes of the object were not requested?",
        answer=answer,
        steps=(_quarter(size), f"The object has {rounded:,} bytes; {rounded:,} - {size:,} = {answer:,}."),
        mistakes=mistakes(
            answer,
            (
                (1 << (size - 1).bit_length()) - size,
                "That rounds up to a power of two, but each power of two has four classes.",
            ),
            (-size % 16, "That rounds up to a multiple of 16, but above 128 bytes not every multiple is a class."),
            (rounded, "That is the whole object."),
            (
                sizeclass_to_size(size_to_sizeclass(size) + 1) - size,
                "One class too large: a request that equals a class size gets that class.",
            ),
        ),
    )
