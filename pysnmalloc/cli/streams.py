"""Output that every stream can take: the one place through which the command line writes.

    text ─► say, print_json ─┐
    rich, tracebacks ────────┴─► stdout, stderr ─► characters that the encoding lacks ─► ASCII (``pictures.signs``)

The law: no output fails because of its encoding, and JSON stays JSON. ``make_safe``
gives both streams an error handler, so that whatever writes to them is covered:
help texts, tables, messages, a script under ``step``, tracebacks. Input is read
leniently too: a byte that is no character of the encoding becomes a replacement
character, and the reader says that it is not a number.
"""

from __future__ import annotations

import codecs
import io
import json
import sys
from collections.abc import Callable

from ..pictures.signs import plain

__all__ = ["HANDLER", "make_safe", "print_json", "say"]

HANDLER = "pysnmalloc-signs"  #: the name of the error handler
CODEC = "pysnmalloc-ascii"
FAILING = ("strict", "surrogateescape", "backslashreplace")  # what a user chose on purpose stays


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Return the substitutes of the characters that cannot be encoded, and where to go on."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


codecs.register_error(HANDLER, _substitute)


def _find(name: str) -> codecs.CodecInfo | None:
    """Return ASCII under another name: click writes UTF-8, without asking, to a stream whose encoding is ASCII."""
    if name.replace("_", "-") != CODEC:
        return None
    known = codecs.lookup("ascii")
    return codecs.CodecInfo(
        known.encode,
        known.decode,
        known.streamreader,
        known.streamwriter,
        known.incrementalencoder,
        known.incrementaldecoder,
        CODEC,
    )


codecs.register(_find)


def make_safe() -> None:
    """Let the standard streams write every character, and read every byte."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors in FAILING:
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"
            stream.reconfigure(encoding=CODEC if is_ascii else None, errors=HANDLER)
    if isinstance(sys.stdin, io.TextIOWrapper) and sys.stdin.errors in FAILING:
        sys.stdin.reconfigure(errors="replace")


def say(text: str, *, error: bool = False) -> None:
    """Write a line to standard output, or to standard error."""
    stream = sys.stderr if error else sys.stdout
    print(text, file=stream, flush=True)


def print_json(data: object, default: Callable[[object], object] | None = None) -> None:
    """Print data as JSON, with readable signs if the stream is UTF-8, and with JSON's escapes otherwise."""
    text = json.dumps(data, indent=1, default=default, ensure_ascii=False)
    if not _is_utf8(text):
        text = json.dumps(data, indent=1, default=default)
    say(text)


def _is_utf8(text: str) -> bool:
    """Return whether standard output takes a text unchanged, as UTF-8."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        return codecs.lookup(encoding).name == "utf-8" and bool(text.encode(encoding))
    except (LookupError, UnicodeEncodeError):
        return False
