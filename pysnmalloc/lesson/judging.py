"""Judges: they decide whether the answer to an exercise is right (§2).

    @exercise("0.1")
    def _(answer):                               a generator that yields errors, in words;
        for address in (0, 8):                   if it yields nothing, the answer is right
            yield from call(answer, "word_at", data, address, wanted=...)

A judge lives in ``tutorials`` with the other judges of its notebook. An answer that is still
the stub (``...``, or a function that raises ``NotImplementedError``) is open, not wrong.

The law: a verdict reports only the first error, with the arguments that show it.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Collection, Iterator
from typing import Generic, TypeVar

__all__ = ["JUDGES", "Judge", "Open", "Wanted", "call", "exercise", "same"]

Judge = Callable[[object], Iterator[str]]
"""A function that receives the answer and yields its errors."""

JUDGES: dict[str, Judge] = {}
"""The loaded judges, by the number of their exercise."""

LONG = 100
T = TypeVar("T")


class Wanted(Generic[T]):
    """A right result described in words, for cases in which its value would give the answer away."""

    def __init__(self, value: T, words: str) -> None:
        self.value = value
        self.words = words


class Open(Exception):
    """The answer is still the stub."""


def exercise(number: str) -> Callable[[Judge], Judge]:
    """Register the judge of an exercise: ``@exercise("0.1")``."""

    def enter(judge: Judge) -> Judge:
        JUDGES[number] = judge
        return judge

    return enter


def same(got: object, wanted: object) -> bool:
    """Tell whether two plain values are equal, without asking the answer.

    Values of different types are different. An object that claims to equal everything therefore does not count as
    equal, and neither does True for 1.
    """
    if type(got) is not type(wanted):
        return False
    if isinstance(wanted, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(wanted) and all(same(left, right) for left, right in zip(got, wanted, strict=True))
    return got == wanted


def call(
    answer: object, name: str, *arguments: object, wanted: object, addresses: Collection[int] | None = None
) -> Iterator[str]:
    """Call the function that was given as an answer, and yield the errors in its result.

    Args:
        answer: the function.
        name: the name that the exercise gives to the function, for messages.
        arguments: the arguments; the function receives copies.
        wanted: the result that the function must return, or a ``Wanted`` that describes it in words.
        addresses: the indices of the arguments to print in base 16. If given, the results are also printed in base 16,
            unless all their numbers are small.
    """
    if not callable(answer):
        yield f"the answer must be a function, but this is {shown(answer)}."
        return
    value, words = (wanted.value, wanted.words) if isinstance(wanted, Wanted) else (wanted, None)
    hexed = () if addresses is None else addresses
    asked = f"{name}({', '.join(shown(each, index in hexed) for index, each in enumerate(arguments))})"
    try:
        got = answer(*copy.deepcopy(arguments))
    except NotImplementedError:
        raise Open from None
    except Exception as error:
        words = words or shown(value, addresses is not None and _large(value))
        yield f"`{asked}` raises {type(error).__name__}: {error}{_where(error)}; it should return {words}."
        return
    if got is ...:
        raise Open
    if not same(got, value):
        base_16 = addresses is not None and (_large(got) or _large(value))
        nothing = " Is there a `return`?" if got is None else ""
        yield f"`{asked}` returns {shown(got, base_16)}; it should return {words or shown(value, base_16)}.{nothing}"


def shown(value: object, base_16: bool = False) -> str:
    """Return a value as text, with all its numbers in one base; a long text is cut."""
    text = _spelled(value, base_16)
    return text if len(text) <= LONG else text[: LONG - 3] + "..."


def _spelled(value: object, base_16: bool) -> str:
    """Return a value as text, in full."""
    if type(value) is int:
        return f"{value:#x}" if base_16 else str(value)
    if type(value) is list:
        return f"[{', '.join(_spelled(each, base_16) for each in value)}]"
    if type(value) is tuple:
        inside = ", ".join(_spelled(each, base_16) for each in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if type(value) is bytes:
        return f"bytes.fromhex({value.hex()!r})"
    return f"a {type(value).__name__}" if type(value).__repr__ is object.__repr__ else repr(value)


def _large(value: object) -> bool:
    """Tell whether a value is, or contains, a number too large to read in base 10."""
    if isinstance(value, list | tuple):
        return any(map(_large, value))
    return type(value) is int and value > 255


def _where(error: Exception) -> str:
    """Return the line of the answer that raised an error."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return f", at its line `{frames[-1].line}`" if frames and frames[-1].line else ""
