"""The wire: plain values as lines of JSON, and nothing else (§2).

    (1, [2, b"3"])   ◄──►   {"tuple": [1, [2, {"bytes": "33"}]]}

A value of any other type goes as the name of its type. The reader trusts nothing: a line that is too long, too
deep or no such value is refused.
"""

from __future__ import annotations

import json
from typing import Final

__all__ = ["LONGEST", "Foreign", "Unreadable", "pack", "unpack"]

LONGEST: Final = 1 << 22
"""The most bytes of a line."""

DEEPEST: Final = 50
WIDEST: Final = 4096  # bits of an int: Python refuses to read much longer ones in base 10


class Unreadable(Exception):
    """A line that is no plain value."""


class Foreign:
    """A value of a type that does not go over the wire.

    Attributes:
        kind: the name of its type.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __repr__(self) -> str:
        return f"{'an' if self.kind[:1].lower() in 'aeio' else 'a'} {self.kind}"


def pack(value: object) -> str:
    """Return a value as a line, without its end."""
    return json.dumps(_packed(value, DEEPEST), separators=(",", ":"))


def _packed(value: object, depth: int) -> object:
    """Return a value in the types of JSON."""
    kind = type(value)
    if value is None or kind in (bool, str, float) or (isinstance(value, int) and value.bit_length() <= WIDEST):
        return int(value) if isinstance(value, int) and kind is not bool else value
    if value is ...:
        return {"ellipsis": True}
    if not depth:
        return {"foreign": "value that is nested too deeply"}
    if isinstance(value, list):
        return [_packed(each, depth - 1) for each in list.__iter__(value)]
    if isinstance(value, tuple):
        return {"tuple": [_packed(each, depth - 1) for each in tuple.__iter__(value)]}
    if isinstance(value, bytes | bytearray):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, dict):
        return {"dict": [[_packed(key, depth - 1), _packed(each, depth - 1)] for key, each in dict.items(value)]}
    if isinstance(value, Foreign):
        return {"foreign": value.kind}
    return {"foreign": kind.__name__[:50]}


def unpack(line: str | bytes) -> object:
    """Return the value of a line.

    Raises:
        Unreadable: if the line is not what ``pack`` returns.
    """
    if len(line) > LONGEST:
        raise Unreadable(f"a line of {len(line):,} bytes, and the longest has {LONGEST:,}")
    try:
        return _unpacked(json.loads(line))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Unreadable(f"a line that is no plain value: {error}") from None


def _unpacked(value: object) -> object:
    """Return the value of what JSON gave."""
    if isinstance(value, list):
        return [_unpacked(each) for each in value]
    if not isinstance(value, dict):
        return value
    ((kind, inside),) = value.items()
    if kind == "tuple" and isinstance(inside, list):
        return tuple(_unpacked(each) for each in inside)
    if kind == "bytes" and isinstance(inside, str):
        return bytes.fromhex(inside)
    if kind == "dict" and isinstance(inside, list):
        return {_unpacked(key): _unpacked(each) for key, each in inside}
    if kind == "foreign" and isinstance(inside, str):
        return Foreign(inside[:50])
    if kind == "ellipsis":
        return ...
    raise ValueError(f"{kind!r} is no kind of value")
