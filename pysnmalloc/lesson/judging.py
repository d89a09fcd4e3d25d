"""Judges: what an exercise's answer is held against (§2).

    @exercise("0.1")
    def _(answer):                               a generator of what is wrong, in words;
        for address in (0, 8):                   that it yields nothing is the good answer
            yield from call(answer, "word_at", data, address, wanted=...)

A judge lives in ``tutorials``, beside the others of its notebook. An answer that is still
the stub (``...``, or a function that raises ``NotImplementedError``) is not wrong but open.

The law: the first fault is reported, alone, with the arguments that show it.
"""

from __future__ import annotations

import copy
import traceback
from collections.abc import Callable, Collection, Iterator
from typing import Generic, TypeVar

__all__ = ["JUDGES", "Judge", "Open", "Wanted", "call", "exercise", "same"]

Judge = Callable[[object], Iterator[str]]
"""What is given the answer, and yields what is wrong with it."""

JUDGES: dict[str, Judge] = {}
"""The judges that were loaded, by the number of their exercise."""

LONG = 100
T = TypeVar("T")


class Wanted(Generic[T]):
    """A right result that is told in words, where its value would give the answer away."""

    def __init__(self, value: T, words: str) -> None:
        self.value = value
        self.words = words


class Open(Exception):
    """The answer is still the stub."""


def exercise(number: str) -> Callable[[Judge], Judge]:
    """Enter the judge of an exercise: ``@exercise("0.1")``."""

    def enter(judge: Judge) -> Judge:
        JUDGES[number] = judge
        return judge

    return enter


def same(got: object, wanted: object) -> bool:
    """Tell whether two plain values are equal, without asking the answer.

    A value of another type is another value: an object that claims to be equal to everything is not believed, and
    neither is True for 1.
    """
    if type(got) is not type(wanted):
        return False
    if isinstance(wanted, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(wanted) and all(same(left, right) for left, right in zip(got, wanted, strict=True))
    return got == wanted


def call(
    answer: object, name: str, *arguments: object, wanted: object, addresses: Collection[int] | None = None
) -> Iterator[str]:
    """Call a function that was answered, and yield what is wrong with what it returns.

    Args:
        answer: the function.
        name: what the exercise calls it, for the words.
        arguments: what to call it with; it gets copies.
        wanted: what it must return, or ``Wanted`` to tell that in words.
        addresses: which arguments are told in base 16, by index. If given, so is what comes back, and what should have
            come back, unless all its numbers are small.
    """
    if not callable(answer):
        yield f"the answer is to be a function, and this is {shown(answer)}."
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
        yield f"`{asked}` raises {type(error).__name__}: {error}{_where(error)}; it is to return {words}."
        return
    if got is ...:
        raise Open
    if not same(got, value):
        base_16 = addresses is not None and (_large(got) or _large(value))
        nothing = " Is there a `return`?" if got is None else ""
        yield f"`{asked}` returns {shown(got, base_16)}; it is to return {words or shown(value, base_16)}.{nothing}"


def shown(value: object, base_16: bool = False) -> str:
    """A value in words, all its numbers in one base; long ones cut."""
    text = _spelled(value, base_16)
    return text if len(text) <= LONG else text[: LONG - 3] + "..."


def _spelled(value: object, base_16: bool) -> str:
    """A value in full."""
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
    """Whether a value is a number that nobody reads in base 10, or has one."""
    if isinstance(value, list | tuple):
        return any(map(_large, value))
    return type(value) is int and value > 255


def _where(error: Exception) -> str:
    """The line of the answer at which an error was raised."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    return f", at its line `{frames[-1].line}`" if frames and frames[-1].line else ""
