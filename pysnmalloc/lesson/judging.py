"""Judges: they decide whether the answer to an exercise is right (§2).

    @exercise("0.1")
    def _(answer):                               a generator that yields errors, in words;
        for address in (0, 8):                   if it yields nothing, the answer is right
            yield from call(answer, "word_at", data, address, wanted=...)

A judge lives in ``tutorials`` with the other judges of its notebook. An answer that is still
the stub (``...``, or a function that raises ``NotImplementedError``) is open, not wrong.

The law: a verdict reports only the first error, with the arguments that show it. A call that shows
no error leaves its arguments as they were and ends within the budget.
"""

from __future__ import annotations

import copy
import inspect
import traceback
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from .running.budget import Spent, is_own, limited
from .running.underway import current, pulse
from .values import is_plain, plainly, remark, same, shown
from .verdict import Case

if TYPE_CHECKING:
    from ..explore import Finding

__all__ = [
    "JUDGES",
    "Failed",
    "Fitting",
    "Judge",
    "Open",
    "Trouble",
    "Wanted",
    "attempt",
    "call",
    "exercise",
    "once",
    "same",
    "shown",
    "where",
]


@dataclass(frozen=True)
class Trouble:
    """An error in an answer.

    Attributes:
        words: what is wrong, in words, with code in backquotes.
        case: the call that shows it.
        finding: the execution that shows it.
    """

    words: str
    case: Case | None = field(default=None, compare=False)
    finding: Finding | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.words


Judge = Callable[[object], Iterator[Trouble | str]]
"""A function that receives the answer and yields its errors."""

JUDGES: dict[str, Judge] = {}
"""The loaded judges, by the number of their exercise."""

_ONCE: set[str] = set()
T = TypeVar("T")


class Wanted(Generic[T]):
    """A right result described in words, for cases in which its value would give the answer away."""

    def __init__(self, value: T, words: str) -> None:
        self.value = value
        self.words = words


@dataclass(frozen=True)
class Fitting:
    """A result for which several values are right.

    Attributes:
        words: what the result must be.
        wrong: tells what is wrong with a result, in words that go on from the call, such as "returns 3, which is odd".
            It returns nothing if the result is right.
    """

    words: str
    wrong: Callable[[object], str]


class Open(Exception):
    """The answer is still the stub."""


class Failed(Exception):
    """An answer that runs in another process failed. The message says how, in words that follow the answer's name."""


def exercise(number: str, *, once: bool = False) -> Callable[[Judge], Judge]:
    """Register the judge of an exercise: ``@exercise("0.1")``.

    Args:
        number: the number of the exercise.
        once: whether the judge is asked only once. A check asks twice, so that it notices an answer which keeps
            something from one call to the next. A judge that takes long, or tries the same call again itself, is asked
            once.
    """

    def enter(judge: Judge) -> Judge:
        JUDGES[number] = judge
        (_ONCE.add if once else _ONCE.discard)(number)
        return judge

    return enter


def once(number: str) -> bool:
    """Return whether the judge of an exercise is asked only once."""
    return number in _ONCE


def call(
    answer: object,
    name: str,
    *arguments: object,
    wanted: object,
    addresses: Collection[int] | None = None,
    why: str | Callable[[object], str] = "",
    changes: bool = False,
) -> Iterator[Trouble]:
    """Call the function that was given as an answer, and yield the error in its result.

    Args:
        answer: the function.
        name: the name that the exercise gives to the function, for messages.
        arguments: the arguments; the function receives copies.
        wanted: the result that the function must return, a ``Wanted`` that describes it in words, or a ``Fitting`` if
            several values are right.
        addresses: the indices of the arguments to print in base 16. If given, the results are also printed in base 16,
            unless all their numbers are small.
        why: what this case is about, in whole sentences that follow the error's, or a function that returns them. It
            receives the result in plain types; None if there is none.
        changes: whether the function may change its arguments.

    Raises:
        Open: if the answer is the stub.
    """
    if not callable(answer):
        yield Trouble(f"the answer must be a function, but this is {shown(answer)}.")
        return
    hexed = () if addresses is None else addresses
    asked = f"{name}({', '.join(shown(each, index in hexed) for index, each in enumerate(arguments))})"
    value = wanted.value if isinstance(wanted, Wanted) else wanted
    words = wanted.words if isinstance(wanted, Wanted | Fitting) else ""
    case = Case(answer, name, arguments)
    given = copy.deepcopy(arguments)
    pulse()
    got, failed = attempt(answer, *given)
    if got is ... and not failed:
        failed = _unwritten()
    base_16 = addresses is not None and (_large(got) or _large(value))
    told = f"it should return {words or shown(value, base_16)}."
    if failed:
        yield Trouble(f"`{asked}` {failed}; {told}{_more(why, got)}", case)
    elif isinstance(wanted, Fitting) and (wrong := wanted.wrong(got)):
        yield Trouble(f"`{asked}` {wrong}{_more(why, got)}", case)
    elif not isinstance(wanted, Fitting) and not same(got, value):
        hint = " Is there a `return`?" if got is None else _more(remark(got, value))
        yield Trouble(f"`{asked}` returns {shown(plainly(got), base_16)}; {told}{hint}{_more(why, got)}", case)
    elif not changes and (changed := _changed(arguments, given)):
        yield Trouble(f"`{asked}` {changed}; an argument belongs to the caller, so work on a copy.", case)
    current().calls += 1


def _more(why: str | Callable[[object], str], got: object = None) -> str:
    """Return sentences with a space before them, or nothing."""
    sentences = why if isinstance(why, str) else why(plainly(got))
    return f" {sentences}" if sentences else ""


def attempt(answer: Callable[..., object], *arguments: object) -> tuple[object, str]:
    """Call something that a student wrote, and return its result and how it failed, in words: one of the two.

    Raises:
        Open: if the answer is the stub.
    """
    if misfit := _misfit(answer, len(arguments)):
        return None, misfit
    try:
        return limited(answer, *arguments), ""
    except NotImplementedError:
        return None, _unwritten()
    except (Spent, Failed) as told:
        return None, str(told)
    except (SystemExit, GeneratorExit) as error:
        return None, f"ends Python with {type(error).__name__}{where(error)}"
    except RecursionError as error:
        return None, f"calls itself without end{where(error)}"
    except Exception as error:
        return None, f"raises {type(error).__name__}: {error}{where(error)}"


def _unwritten() -> str:
    """Return words for a part that is still the stub.

    Raises:
        Open: if all of the answer is.
    """
    if current().calls == 0:
        raise Open
    return "returns `...`: this part is still to be written"


def _misfit(answer: Callable[..., object], count: int) -> str:
    """Return words if a function cannot be called with so many arguments, or nothing."""
    try:
        signature = inspect.signature(answer)
    except (TypeError, ValueError):  # some functions written in C have none
        return ""
    try:
        signature.bind(*range(count))
    except TypeError:
        return f"has {count} argument{'s' * (count != 1)}, but your function is defined with {signature}"
    return ""


def _changed(arguments: tuple[object, ...], given: tuple[object, ...]) -> str:
    """Return words about the first argument that a function has changed, or nothing."""
    for number, (before, after) in enumerate(zip(arguments, given, strict=True), 1):
        before, after = plainly(before), plainly(after)
        if is_plain(before) and not same(after, before):
            return f"changes its argument {number}: it was {shown(before)}, and is {shown(after)} afterwards"
    return ""


def _large(value: object) -> bool:
    """Tell whether a value is, or contains, a number too large to read in base 10."""
    if isinstance(value, list | tuple):
        return is_plain(value) and any(map(_large, value))
    return type(value) is int and value > 255


def where(error: BaseException) -> str:
    """Return the line of the answer that raised an error, as words that follow the error's; nothing if it is unknown.

    An error that a library raises is blamed on the line that called the library, and one that a call raises before its
    first line, as too deep a recursion does, on the line that made the call.
    """
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_own(frame.filename)]
    if len(frames) > 1 and (frames[-1].line or "").startswith("def "):
        frames.pop()
    return f", at your line `{frames[-1].line}`" if frames and frames[-1].line else ""
