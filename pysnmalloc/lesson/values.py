"""Values that answers return: compared without asking them, and put into words (§2).

    same(got, wanted)        equal, by value and by type, in plain Python
    remark(got, wanted)      the value is right, but its type is not: this is a tuple, and it should be a list
    shown(value)             as text, all numbers in one base

The law: nothing that an answer defines is called. A value is first made plain: a ``namedtuple`` becomes a tuple
and an ``IntEnum`` an int, by methods of the built-in types. An ``__eq__`` of the answer's has no say.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Iterable, Iterator
from typing import SupportsIndex

__all__ = ["is_plain", "misnamed", "nearest", "plainly", "remark", "same", "shown"]

LONG = 100
DEPTH = 50  # of lists in lists; a list may contain itself
SCALARS = (bool, int, float, str, bytes, type(None), type(...))


def plainly(value: object, depth: int = DEPTH) -> object:
    """Return a value in built-in types, where it is of a class derived from one; else the value itself."""
    if type(value) in SCALARS or not depth:
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return bytes.__getitem__(value, slice(None))
    if isinstance(value, list):
        return [plainly(each, depth - 1) for each in list.__iter__(value)]
    if isinstance(value, tuple):
        return tuple([plainly(each, depth - 1) for each in tuple.__iter__(value)])
    if isinstance(value, dict):
        return {plainly(key, depth - 1): plainly(each, depth - 1) for key, each in dict.items(value)}
    return value


def is_plain(value: object, depth: int = DEPTH) -> bool:
    """Return whether a value is of built-in types alone, so that comparing and showing it calls nothing else."""
    if not depth:
        return False
    if type(value) in (list, tuple, set, frozenset):
        return all(is_plain(each, depth - 1) for each in value)  # type: ignore[attr-defined]  # a collection, as tested
    if type(value) is dict:
        return all(is_plain(key, depth - 1) and is_plain(each, depth - 1) for key, each in value.items())
    return type(value) in (*SCALARS, bytearray, range)


def same(got: object, wanted: object) -> bool:
    """Return whether two values are equal, without asking the answer.

    Values of different types are different, so True is not 1, and a tuple is not a list. A value of a derived class
    counts as its built-in type, and an int as the float of the same value.
    """
    return _same(plainly(got), plainly(wanted), DEPTH)


def _same(got: object, wanted: object, depth: int) -> bool:
    """Compare plain values."""
    if type(got) is int and type(wanted) is float:
        return got == wanted
    if type(got) is not type(wanted) or not depth:
        return False
    if isinstance(wanted, list | tuple) and isinstance(got, list | tuple):
        return len(got) == len(wanted) and all(_same(*pair, depth - 1) for pair in zip(got, wanted, strict=True))
    if isinstance(wanted, dict) and isinstance(got, dict):
        return _same(sorted(got.items(), key=repr), sorted(wanted.items(), key=repr), depth - 1)
    return bool(got == wanted)  # of the same type as the right value, so its == is not an answer's


def remark(got: object, wanted: object) -> str:
    """Return words that say that only the type is wrong, or nothing."""
    got, wanted = plainly(got), plainly(wanted)
    if type(got).__name__ in ("generator", "map", "filter", "zip", "range", "reversed") and isinstance(wanted, list):
        return f"This is a {type(got).__name__}, and it should be a list."
    if not _loosely_same(got, wanted, DEPTH):
        return ""
    where, left, right = _first_difference(got, wanted, "this")
    return f"The value is right, but the type is not: {where} is {_of_type(left)}, and it should be {_of_type(right)}."


def _loosely_same(got: object, wanted: object, depth: int) -> bool:
    """Return whether two plain values are equal if lists count as tuples and numbers of any type as numbers."""
    if isinstance(got, list | tuple | set) and isinstance(wanted, list | tuple) and depth:
        got = sorted(got) if isinstance(got, set) and all(type(each) is int for each in got) else list(got)
        return len(got) == len(wanted) and all(
            _loosely_same(*each, depth - 1) for each in zip(got, wanted, strict=True)
        )
    if isinstance(got, dict) and isinstance(wanted, dict):
        return set(got) == set(wanted) and all(_loosely_same(got[key], wanted[key], depth - 1) for key in wanted)
    if isinstance(wanted, int | float):
        return _number(got) == wanted
    return is_plain(got) and got == wanted


def _number(value: object) -> object:
    """Return a number in disguise as a number: a text of digits, as in 48 or 0x30, or a number of another library."""
    if isinstance(value, str):
        return _read(value)
    if isinstance(value, int | float):
        return value
    return operator.index(value) if isinstance(value, SupportsIndex) and _of_a_library(value) else None


def _read(text: str) -> int | None:
    """Return the number that a text spells in base 10, or as Python does in another base; None if it spells none."""
    try:
        return int(text) if text.strip().isdecimal() else int(text, 0)
    except ValueError:
        return None


def _of_a_library(value: object) -> bool:
    """Return whether a value's class is not an answer's own: those of a notebook are in ``__main__``."""
    return type(value).__module__ != "__main__"


def _first_difference(got: object, wanted: object, where: str) -> tuple[str, object, object]:
    """Return the first place at which the types differ, in words, and both values there."""
    if type(got) is type(wanted) and isinstance(got, list | tuple) and isinstance(wanted, list | tuple):
        for index, (left, right) in enumerate(zip(got, wanted, strict=True)):
            if not _same(left, right, DEPTH):
                return _first_difference(left, right, f"element {index}")
    if isinstance(got, dict) and isinstance(wanted, dict):
        for key, right in wanted.items():
            if not _same(got[key], right, DEPTH):
                return _first_difference(got[key], right, f"the value of {key!r}")
    return where, got, wanted


def _of_type(value: object) -> str:
    """Return the name of a type with its article."""
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


def nearest(name: object, known: Iterable[str]) -> str:
    """Return the known name that was meant, or nothing if none is similar.

    Capital letters, the order of words and what stands between them do not count: ``Flag_store`` is ``store flag``.
    """
    if not isinstance(name, str):
        return ""
    by_words = {_words(each): each for each in known}
    close = difflib.get_close_matches(_words(plainly(name)), by_words, 1)
    return by_words[close[0]] if close else ""


def _words(name: object) -> str:
    """Return the words of a name in lower case, sorted."""
    return " ".join(sorted(re.findall(r"[^\W_]+", str(name).lower())))


def misnamed(name: object, known: Iterable[str]) -> str:
    """Return a question that suggests the name which was meant, or nothing if none is similar."""
    meant = nearest(name, known)
    return f" Did you mean {meant!r}?" if meant else ""


def shown(value: object, base_16: bool = False) -> str:
    """Return a value as text, with all its numbers in one base; a long text is cut."""
    text = _spelled(value, base_16, DEPTH)
    return text if len(text) <= LONG else text[: LONG - 3] + "..."


def _spelled(value: object, base_16: bool, depth: int) -> str:
    """Return a value as text, in full."""
    if not depth:
        return "..."
    if type(value) is int:
        return f"{value:#x}" if base_16 else _digits(value)
    if type(value) is list:
        return f"[{', '.join(_spelled(each, base_16, depth - 1) for each in value)}]"
    if type(value) is tuple:
        inside = ", ".join(_spelled(each, base_16, depth - 1) for each in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if type(value) is bytes:
        return f"bytes.fromhex({value.hex()!r})"
    unknown = type(value).__repr__ is object.__repr__ or issubclass(type(value), Iterator)
    if unknown or not (_of_a_library(value) or isinstance(value, type)):
        return _of_type(value)
    text = repr(value)
    return _of_type(value) if " object at 0x" in text or text.startswith("<function ") else text


def _digits(value: int) -> str:
    """Return an int as text; Python refuses to print very long ones in base 10."""
    return str(value) if value.bit_length() < 1000 else f"a number of {value.bit_length()} bits"
