"""What an answer keeps from one call to the next, by name (§2).

    kept = Kept(answer)             globals, defaults, attributes and cells that hold plain values
    ... calls ...
    kept.told()                     `seen` was [] before the check, and is [48, 64] now: ...

A function that keeps something can be right the first time only. Its results then look like those of another
mistake, so a verdict names what has changed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from types import CodeType, FunctionType

from .values import is_plain, same, shown

__all__ = ["Kept"]

Place = tuple[str, object]
"""A name, and the value that it has."""


class Kept:
    """The plain values that an answer can keep, as they are now.

    Args:
        answer: a function, a class, or anything else, which keeps nothing.
    """

    def __init__(self, answer: object) -> None:
        self._answer = answer
        self._before = copy.deepcopy(dict(_places(answer)))

    def told(self) -> str:
        """Return a sentence about the first value that has changed since, or nothing."""
        for name, value in _places(self._answer):
            before = self._before.get(name, ...)
            if name not in self._before or not same(value, before):
                was = "did not exist" if before is ... else f"was {shown(before)}"
                return (
                    f" Note that `{name}` {was} before the check, and is {shown(value)} now: your answer keeps it from "
                    "one call to the next, and each call must stand on its own."
                )
        return ""


def _places(answer: object) -> Iterator[Place]:
    """Yield the places in which an answer can keep a plain value."""
    for name, value in _all_places(answer):
        if is_plain(value) and not (isinstance(value, list | dict | set | bytearray) and len(value) > 10_000):
            yield name, value


def _all_places(answer: object) -> Iterator[Place]:
    """Yield every place, whatever it holds."""
    if isinstance(answer, type):
        for name, value in list(vars(answer).items()):
            if isinstance(value, FunctionType):
                yield from _all_places(value)
            elif not name.startswith("__"):
                yield f"{answer.__name__}.{name}", value
    if not isinstance(answer, FunctionType):
        return
    for name in sorted(_names(answer.__code__)):
        if name in answer.__globals__:
            yield name, answer.__globals__[name]
    parameters = answer.__code__.co_varnames[: answer.__code__.co_argcount]
    defaults = answer.__defaults__ or ()
    yield from zip(parameters[len(parameters) - len(defaults) :], defaults, strict=False)
    yield from (answer.__kwdefaults__ or {}).items()
    yield from ((f"{answer.__name__}.{name}", value) for name, value in list(vars(answer).items()))
    for name, cell in zip(answer.__code__.co_freevars, answer.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not set yet
            continue


def _names(code: CodeType) -> set[str]:
    """Return the global names that a function and the functions inside it use."""
    names = set(code.co_names)
    for each in code.co_consts:
        if isinstance(each, CodeType):
            names |= _names(each)
    return names
