"""A list that an answer returned, compared with the right one in words (§2).

    compared([48, 64], [64, 80], "free object")      80 is missing. 48 is not a free object.

The law: the words follow from the two lists alone. A judge adds what its case shows.
"""

from __future__ import annotations

from collections.abc import Sequence

from .values import shown

__all__ = ["compared"]

NAMED = 3
"""So many elements are named; the others are counted."""

MANY = 1000
"""A list with more elements is not compared."""


def compared(got: object, wanted: Sequence[int], what: str, base_16: bool = False) -> str:
    """Return sentences about the first difference between two lists, or nothing.

    Args:
        got: what came, in plain types. Only a list of ints is compared.
        wanted: the right list, in which no element occurs twice.
        what: what an element is, without an article.
        base_16: whether to print elements in base 16.
    """
    if not isinstance(got, list) or not all(type(each) is int for each in got):
        return ""
    if len(got) > MANY:
        return f"The list has {len(got):,} elements, and it should have {len(wanted)}."
    absent = [each for each in wanted if each not in got]
    foreign = [each for each in dict.fromkeys(got) if each not in wanted]
    twice = [each for each in dict.fromkeys(got) if got.count(each) > 1]
    told = []
    if absent:
        told.append(f"{_named(absent, base_16)} {_be(absent)} missing.")
    if foreign:
        told.append(
            f"{_named(foreign, base_16)} {_be(foreign)} not {f'a {what}' if len(foreign) == 1 else f'{what}s'}."
        )
    if twice:
        told.append(f"{_named(twice, base_16)} {_be(twice)} there more than once.")
    if not told and got != list(wanted):
        told.append("The elements are right, but their order is not.")
    return " ".join(told)


def _named(elements: list[int], base_16: bool) -> str:
    """Return elements as text."""
    texts = [shown(each, base_16) for each in elements]
    if len(texts) > NAMED:
        texts = [*texts[: NAMED - 1], f"{len(texts) - NAMED + 1} more"]
    return ", ".join(texts[:-1]) + (" and " if len(texts) > 1 else "") + texts[-1]


def _be(elements: list[int]) -> str:
    """Return the verb that goes with elements."""
    return "is" if len(elements) == 1 else "are"
