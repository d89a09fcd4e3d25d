"""Reading traces: the format of a file, recognized from its contents, and the three simple formats.

    # threads 3                a program trace                       plain or gzip
    # allocators 57345 57346   a reference trace of the C++
    20000 / 8 / 12 / 1         a CS:APP malloc-lab trace (.rep), four header lines
    --123-- malloc(8) = 0x...  output of ``valgrind --trace-malloc=yes`` (see ``valgrind``)

A program trace has ``m T SIZE OBJ``, ``c T SIZE OBJ`` (calloc) and ``f T OBJ``.
A reference trace has ``m A SIZE OBJ CHUNK OFFSET`` and ``f A OBJ``, and then the
final state in lines that start with s, d, k or t. These are skipped here; the
project's tests compare them. A .rep trace has ``a ID SIZE``, ``r ID SIZE`` and
``f ID``; after its free, an id denotes a new object. As for realloc and free of
null, ``r`` of an id that is not live allocates it, and ``f -1`` does nothing.

The law: no line is guessed at. A line that does not follow its format is refused
with the file, the line number and what was expected there. A file of another
recorder is refused with its name (see ``foreign``).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.resources import files
from os import PathLike
from os.path import isdir
from pathlib import Path, PurePath

from .errors import TraceError
from .files import as_text, unpacked
from .foreign import recognize
from .numbers import LIMIT, MOST_DIGITS, number
from .shipped import SHIPPED, meant
from .trace import Builder, Kind, Place, Trace
from .valgrind import TRACED, parse_valgrind

__all__ = ["parse_trace", "read_shipped", "read_trace"]

STANDARD_INPUT = "-"
HEXADECIMAL = re.compile(r"[0-9a-fA-F]+")
MOST_THREADS = 4096  # each has an allocator of its own, which takes a quarter of a MiB
NULL_FREE = ["f", "-1"]
NUMBERED = (Kind.MALLOC, Kind.CALLOC)
REP_HEADER = ("suggested heap size", "number of ids", "number of operations", "weight")
ANY_FORMAT = (
    "a trace: “# threads N”, “# allocators N1 N2 ...”, the four header lines of a malloc-lab .rep file, "
    "or output of valgrind --trace-malloc=yes"
)
CONFIG_OF_PREFIX = {"1mib-": "paper-1mib", "16mib-": "paper"}  # prefixes of the names of reference files

Line = tuple[int, list[str]]  # number of the line, from 1, and its words


def read_trace(path: str | PathLike[str]) -> Trace:
    """Read a trace of any format, plain or gzip.

    Args:
        path: of a file; or the name of a trace that ships with the package (see ``SHIPPED``), unless a file has this
            name; or ``-`` for standard input.

    Raises:
        TraceError: if the file cannot be read, or a line of it is invalid.
    """
    if str(path) == STANDARD_INPUT:
        return parse_trace(sys.stdin.buffer.read(), "standard input")
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        if str(path) in SHIPPED:
            return read_shipped(str(path))
        wanted = f"a readable file, or a trace that ships: {', '.join(SHIPPED)}"
        raise TraceError(str(path), 0, wanted, "No such file or directory", meant(str(path))) from None
    except (OSError, ValueError) as error:
        if isdir(path):
            raise TraceError(str(path), 0, "a readable file", "a folder", "Name a file in it") from None
        reason = getattr(error, "strerror", None) or str(error)
        raise TraceError(str(path), 0, "a readable file", reason) from None
    return parse_trace(data, str(path))


def read_shipped(name: str = SHIPPED[0]) -> Trace:
    """Read one of the traces of real programs that ship with the package (see ``SHIPPED``)."""
    file = f"{name}.trace.gz"
    if name not in SHIPPED:
        raise TraceError(file, 0, f"a shipped trace: {', '.join(SHIPPED)}", name, meant(name))
    return parse_trace((files("pysnmalloc") / "data" / file).read_bytes(), file)


def parse_trace(data: bytes, name: str) -> Trace:
    """Parse a file's bytes; ``name`` appears in messages, and shows the configuration of a reference trace.

    Raises:
        TraceError: naming the first invalid line.
    """
    data = unpacked(data, name)
    text = as_text(data)
    lines = text.split("\n")
    if TRACED.search(text):
        return parse_valgrind(lines, name)
    words = [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]
    if not words:
        raise TraceError(name, 0, ANY_FORMAT, "an empty file")
    line, first = words[0]
    if first[:2] == ["#", "threads"]:
        return _parse_program(words, name)
    if first[:2] == ["#", "allocators"]:
        return _parse_reference(words, name)
    if len(first) == 1 and re.fullmatch(r"-?\d+", first[0]):
        return _parse_rep(words, name)
    if foreign := recognize(data, text):
        raise TraceError(name, 0, "a trace", foreign.what, foreign.advice)
    raise TraceError(name, line, ANY_FORMAT, f"“{' '.join(first)}”")


class _Reader(Builder):
    """A builder that parses lines of words."""

    def wrong(self, line: Line, expected: str) -> TraceError:
        """Return the error for a line that does not have the expected form."""
        return TraceError(self.file, line[0], expected, f"“{' '.join(line[1])}”")

    def numbers(self, line: Line, words: Sequence[str], expected: str) -> list[int]:
        """Return words as numbers, each 0 or more."""
        digits = "".join(words)
        if not (digits.isascii() and digits.isdigit()):
            raise self.wrong(line, expected)
        if len(digits) < MOST_DIGITS:  # most lines; several digits in a call of Python cost what one does
            return [int(word) for word in words]
        values = [number(word) or 0 for word in words]
        if LIMIT in values:
            raise self.wrong(line, f"{expected}, with numbers below 2**64")
        return values

    def takes(self, line: Line, count: int, expected: str) -> list[int]:
        """Return the numbers after a line's first word, which must be ``count`` numbers."""
        if len(line[1]) != count + 1:
            raise self.wrong(line, expected)
        return self.numbers(line, line[1][1:], expected)


def _parse_program(lines: Sequence[Line], name: str) -> Trace:
    """Parse a program trace."""
    reader = _Reader(name)
    header = f"“# threads N” with N at least 1 and at most {MOST_THREADS:,}"
    if (
        len(lines[0][1]) != 3
        or not 1 <= (count := reader.numbers(lines[0], lines[0][1][2:], header)[0]) <= MOST_THREADS
    ):
        raise reader.wrong(lines[0], header)
    reader.threads = count
    for line in lines[1:]:
        at, words = line
        match words[0]:
            case "m" | "c" as kind:
                thread, size, thing = reader.takes(line, 3, f"“{kind} THREAD SIZE OBJECT”")
                reader.allocate(NUMBERED[kind == "c"], at, thread, thing, size)
            case "f":
                thread, thing = reader.takes(line, 2, "“f THREAD OBJECT”")
                reader.free(at, thread, thing)
            case _:
                raise reader.wrong(line, "a line that starts with m, c or f")
    return Trace(name, "program trace", reader.threads, tuple(reader.ops), reader.objects)


def _parse_reference(lines: Sequence[Line], name: str) -> Trace:
    """Parse a reference trace, up to the final state."""
    reader = _Reader(name, noun="allocator")
    header = "“# allocators N1 N2 ...” with different numbers, each at least 1"
    numbers = reader.numbers(lines[0], lines[0][1][2:], header)
    if not numbers or 0 in numbers or len(set(numbers)) != len(numbers) or len(numbers) > MOST_THREADS:
        raise reader.wrong(lines[0], header)
    reader.threads = len(numbers)
    places: list[Place] = []
    for line in lines[1:]:
        at, words = line
        match words[0]:
            case "m":
                expected = "“m ALLOCATOR SIZE OBJECT CHUNK OFFSET” with a hexadecimal offset"
                if len(words) != 6 or not HEXADECIMAL.fullmatch(words[5]):
                    raise reader.wrong(line, expected)
                if (offset := number(f"0x{words[5]}")) in (None, LIMIT):
                    raise reader.wrong(line, f"{expected}, with numbers below 2**64")
                allocator, size, thing, chunk = reader.numbers(line, words[1:5], expected)
                reader.allocate(Kind.MALLOC, at, allocator, thing, size)
                places.append(Place(chunk, offset or 0))
            case "f":
                allocator, thing = reader.takes(line, 2, "“f ALLOCATOR OBJECT”")
                reader.free(at, allocator, thing)
            case "s" | "d" | "k" | "t":
                break
            case _:
                raise reader.wrong(line, "a line that starts with m, f, s, d, k or t")
    base = PurePath(name).name
    config = next((config for prefix, config in CONFIG_OF_PREFIX.items() if base.startswith(prefix)), None)
    ops = tuple(reader.ops)
    return Trace(name, "reference trace", len(numbers), ops, reader.objects, tuple(numbers), tuple(places), config)


def _parse_rep(lines: Sequence[Line], name: str) -> Trace:
    """Parse a CS:APP malloc-lab trace."""
    reader = _Reader(name)
    ids, count = _rep_header(reader, lines)
    calls = lines[len(REP_HEADER) :]
    for line in calls:
        at, words = line
        match words[0]:
            case "a" | "r" as kind:
                thing, size = reader.takes(line, 2, f"“{kind} ID SIZE”")
                _check_id(reader, line, thing, ids)
                if kind == "a" or not reader.is_live(thing):
                    reader.allocate(Kind.MALLOC, at, 0, thing, size)
                else:
                    reader.reallocate(at, 0, thing, size, thing)
            case "f" if words == NULL_FREE:
                pass
            case "f":
                (thing,) = reader.takes(line, 1, "“f ID”")
                _check_id(reader, line, thing, ids)
                reader.free(at, 0, thing)
            case _:
                raise reader.wrong(line, "a line that starts with a, r or f")
    if len(calls) != count:
        reader.fail(lines[2][0], f"the number of operations in the file, {len(calls)}", str(count))
    return Trace(name, "malloc-lab trace", 1, tuple(reader.ops), reader.objects)


def _rep_header(reader: _Reader, lines: Sequence[Line]) -> tuple[int, int]:
    """Return the number of ids and of operations."""
    values = []
    for index, what in enumerate(REP_HEADER):
        expected = f"the {what}, a number of at least 0"
        if index >= len(lines):
            reader.fail(lines[-1][0] + 1, expected, "the end of the file")
        words = lines[index][1]
        if len(words) != 1:
            raise reader.wrong(lines[index], expected)
        values.append(reader.numbers(lines[index], words, expected)[0])
    return values[1], values[2]


def _check_id(reader: _Reader, line: Line, thing: int, ids: int) -> None:
    """Refuse an id that the header does not declare."""
    if thing >= ids:
        found = f"“{' '.join(line[1])}”"
        reader.fail(line[0], f"an id below {ids}, the number of ids in the header", found)
