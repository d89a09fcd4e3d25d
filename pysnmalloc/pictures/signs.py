"""Signs, and what stands for them where an encoding lacks them (for the pictures of §2).

    utf-8     head 0x40 ──► 0x80 │ see §2.8 …
    ascii     head 0x40 --> 0x80 | see S.2.8 ...

A redirected stream on Windows has an encoding of 256 characters, and a stream in the
C locale may have only ASCII. The law: a sign of a drawing becomes one character, so
that drawings stay aligned; only signs of prose become more. Every sign that the
package writes has a substitute. Left out: letters of other alphabets, which become
question marks unless they are a letter of ASCII with an accent.
"""

from __future__ import annotations

import unicodedata

__all__ = ["SUBSTITUTES", "encodable", "plain"]

DRAWN = {
    "-": "─━═╌╍┄┅╴╶╼╾–‐‑‒−",
    "|": "│┃║┆┊┇╎┋╵╷",
    "+": "┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛┡┩╇╔╗╚╝╠╣╦╩╬╒╕╘╛╞╡╤╧╪┠┨┯┷┿╂",
    ">": "►▶▸❯",
    "<": "◄◀◂❮",
    "v": "▼▾↓",
    "^": "▲▴↑",
    "*": "●★✦",
    "o": "○◌◆◇⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏",
    "#": "■█▓",
    ".": "·•░",
    ":": "⋮▒",
    "x": "✗✘×",
    "/": "╱",
    "\\": "╲",
    '"': "“”„«»",
    "'": "‘’‚",
    "u": "µμ",
    " ": "\u00a0\u2007\u202f\u2009",
}
PROSE = {
    "…": "...",
    "§": "S.",
    "→": "->",
    "←": "<-",
    "↔": "<->",
    "⇒": "=>",
    "≠": "!=",
    "≤": "<=",
    "≥": ">=",
    "±": "+-",
    "—": "--",
    "✓": "ok",
    "✔": "ok",
    "\u200b": "",
    "\ufeff": "",
}
SUBSTITUTES = {sign: word for word, signs in DRAWN.items() for sign in signs} | PROSE
"""For each sign, the ASCII characters that stand for it."""
ESCAPED = range(0xDC80, 0xDD00)  # how Python keeps a byte of a file's name that it cannot decode


def plain(text: str) -> str:
    """Return a text in ASCII: each character is itself, its substitute, its letter without an accent, or ``?``."""
    return text if text.isascii() else "".join(map(_plain, text))


def encodable(text: str, encoding: str | None) -> str:
    """Return a text in which every character that an encoding lacks is replaced by its ASCII substitute."""
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return "".join(char if _encodes(char, encoding or "ascii") else _plain(char) for char in text)
    except LookupError:  # a stream may name an encoding that Python does not know
        return plain(text)
    return text


def _encodes(char: str, encoding: str) -> bool:
    """Return whether an encoding has a character."""
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _plain(char: str) -> str:
    """Return the ASCII characters that stand for one character."""
    if char.isascii():
        return char
    if char in SUBSTITUTES:
        return SUBSTITUTES[char]
    if ord(char) in ESCAPED:
        return f"\\x{ord(char) - 0xDC00:02x}"
    return unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode() or "?"
