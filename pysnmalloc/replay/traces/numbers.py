"""The numbers of a trace: digits of ASCII, below 2**64.

    72704    0x4A40040    007        numbers
    -1    1_000    ٣    1e9          not numbers
    18446744073709551616             a number that no address or size of the program can have

The law: a text of any length is read without an error. Python refuses to read a decimal
number of more than 4,300 digits, and reads ``int("٣")`` and ``int("1_000")``; a trace has
neither.
"""

from __future__ import annotations

import re

__all__ = ["LIMIT", "MOST_DIGITS", "number"]

LIMIT = 1 << 64  #: every number of a trace is below this
MOST_DIGITS = len(str(LIMIT))  #: digits of a number, apart from leading zeros
DECIMAL = re.compile(r"[0-9]+")
HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+")


def number(text: str) -> int | None:
    """Return a number in decimal, or in hexadecimal with 0x; ``LIMIT`` if it is as large or larger; else None."""
    if HEXADECIMAL.fullmatch(text):
        digits, base = text[2:].lstrip("0"), 16
    elif DECIMAL.fullmatch(text):
        digits, base = text.lstrip("0"), 10
    else:
        return None
    return LIMIT if len(digits) > MOST_DIGITS else min(int(digits or "0", base), LIMIT)
