"""Reading the output of ``valgrind --trace-malloc=yes``.

    --14805-- malloc(72704) = 0x4A40040
    --14805-- realloc(0x4A40040,100) = 0x4A51C80
    --14805-- memalign(al 64, size 100) = 0x4A82C00
    --14805-- _ZnwmSt11align_val_t(size 128, al 128) = 0x4D6DE00        operator new
    --14805-- realloc(0x0,12)malloc(12) = 0x5241270                     a call inside a call
    --14805-- realloc(0x4A82B90,0)free(0x4A82B90)
    --14805--  = 0                                                      its result on the next line
    --14805-- malloc(41)--14806-- malloc(32) = 0x4AA5FB0                two processes write one file
     = 0x4AA6010                                                        the result of malloc(41)

Valgrind prints the name when a call starts and the result when it ends, so output
of another call, another thread or a warning may come between. The law: a result
belongs to the most recent call that has none yet. An object is named by its
address. A call that returns null allocates nothing; a free of null and the queries
(``malloc_usable_size``) are not calls of the trace. A last line without its end is
cut short, so it is skipped, and a note says so.

Skipped: valgrind's other lines, the program's own output (even in front of a traced
call), and processes other than the first, which are counted in a note. Threads are
left out because valgrind does not print them. A line that starts like a traced
call but is malformed is refused, and so is a result that may be of two processes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .numbers import LIMIT, number
from .trace import Builder, Kind, Trace

__all__ = ["TRACED", "parse_valgrind"]

PREFIX = re.compile(r"--(?:[0-9:.]+ )?([0-9]+)-- ")
TRACED = re.compile(PREFIX.pattern + r"\w+\(")  #: a line with a traced call
CALL = re.compile(r"(\w+)\(([^()]*)\)")
RESULT = re.compile(r" = (0x[0-9A-Fa-f]+|[0-9]+)(?!\w)")
STARTS_LIKE_CALL = re.compile(r"\w+\(| =")
NUMBER = re.compile(r"(?:(?:alignment|al|size) )?(0x[0-9A-Fa-f]+|[0-9]+)")

MALLOC = re.compile(r"malloc|_Zn[wa][jmy](RK\w*)?|(__)?builtin_(vec_)?new")
ALIGNED = re.compile(r"memalign|posix_memalign|aligned_alloc|_Zn[wa][jmy]St11align_val_t\w*")
FREE = re.compile(r"c?free|free_sized|free_aligned_sized|_Zd[la]Pv\w*|(__)?builtin_(vec_)?delete")
QUERY = re.compile(r"malloc_usable_size|malloc_size|malloc_trim|malloc_stats|mallinfo2?|mallopt")
OPEN = re.compile(r"\)\s*$")  # ends in a call without its result
OWN_FILES = "record each process in its own file with --log-file=%p.txt"


class _Call(NamedTuple):
    """A call that has started. Without an action, it is a query or was done by a call inside it."""

    action: str
    numbers: tuple[int, ...]
    line: int


def parse_valgrind(lines: Sequence[str], name: str) -> Trace:
    """Parse valgrind's standard error.

    Raises:
        TraceError: naming the first line that starts like a traced call but is malformed.
    """
    reader = _Reader(name)
    *whole, cut = lines
    for line, text in enumerate(whole, 1):
        if "--" in text and PREFIX.search(text):
            reader.take_line(line, text)
        elif reader.interrupted and text.startswith(" ="):
            reader.take_rest(line, text)
    if PREFIX.search(cut):
        reader.cut = len(lines)
    unfinished = [call for call in reader.started if call.line < reader.last_line]
    if unfinished:
        reader.fail(unfinished[0].line, "a call with its result, “ = 0x...”", "no result before the end")
    return Trace(name, "valgrind trace", 1, tuple(reader.ops), reader.objects, notes=reader.notes())


class _Reader(Builder):
    """Follows the calls of one process."""

    def __init__(self, file: str) -> None:
        super().__init__(file)
        self.process: str | None = None
        self.others: set[str] = set()
        self.started: list[_Call] = []
        self.interrupted: list[str] = []
        self.last_line = 0
        self.cut = 0

    def notes(self) -> tuple[str, ...]:
        """Return notes on the processes and the line that were skipped."""
        count = len(self.others)
        others = (
            f"the calls of {count} other process{'es' if count > 1 else ''} were skipped; this is process "
            f"{self.process} ({OWN_FILES})"
        )
        cut = f"line {self.cut} was skipped, because the file ends within it; the recording may lack its end"
        return (*((others,) if count else ()), *((cut,) if self.cut else ()))

    def advice(self) -> str:
        """Return what to do if several processes wrote the file."""
        return f"Several processes wrote this file: {OWN_FILES}" if self.others else ""

    def take_line(self, line: int, text: str) -> None:
        """Take a line of valgrind's output, to which several processes may have contributed."""
        prefixes = list(PREFIX.finditer(text))
        ends = [*(prefix.start() for prefix in prefixes[1:]), len(text)]
        for place, (prefix, end) in enumerate(zip(prefixes, ends, strict=True)):
            part = text[prefix.end() : end]
            self.take(line, prefix[1], part)
            if place < len(prefixes) - 1 and OPEN.search(part):
                self.interrupted.append(prefix[1])

    def take_rest(self, line: int, text: str) -> None:
        """Take the rest of a line that another process interrupted: a result without a process."""
        if self.process in self.interrupted and len(set(self.interrupted)) > 1:
            self.fail(line, "the result of one process", f"“{text.strip()}”, which may be of several")
        self.take(line, self.interrupted.pop(0), text)

    def take(self, line: int, process: str, text: str) -> None:
        """Take what one process wrote on a line: calls and results, one after another."""
        if self.process is None and STARTS_LIKE_CALL.match(text):
            self.process = process
        if process != self.process:
            if CALL.match(text):
                self.others.add(process)
            return
        at = 0
        while True:
            if call := CALL.match(text, at):
                at = call.end()
                at = self._start(line, call, text, at)
            elif result := RESULT.match(text, at):
                at = result.end()
                self._end(line, self._number(line, result[1]))
            else:
                break
            self.last_line = line
        self._check_rest(line, text, at)

    def _number(self, line: int, digits: str) -> int:
        """Return a number."""
        value = number(digits)
        if value is None or value == LIMIT:
            self.fail(line, "a number below 2**64", f"“{digits}”")
        return value

    def _check_rest(self, line: int, text: str, at: int) -> None:
        """Refuse a rest that looks like a call or a result; a warning may precede a pending result."""
        rest = text[at:]
        garbled = STARTS_LIKE_CALL.match(rest)
        trailing = at > 0 and bool(rest.strip()) and not self.started
        if garbled or trailing:
            self.fail(
                line,
                "a traced call such as “malloc(8) = 0x4A40040” or “free(0x4A40040)”",
                f"“{text.strip()}”",
            )

    def _start(self, line: int, call: re.Match[str], text: str, at: int) -> int:
        """Take the start of a call; return where the text continues."""
        name, arguments = call[1], call[2]
        if QUERY.fullmatch(name):
            result = RESULT.match(text, at)
            return result.end() if result else at
        action, count = _action(name)
        digits = _digits(arguments, count)
        if digits is None:
            self.fail(line, _wanted(action), f"“{call[0]}”")
        numbers = tuple(self._number(line, each) for each in digits)
        if action == "free":
            self._free(line, numbers[0])
        else:
            self._push(_Call(action, numbers, line))
        return at

    def _push(self, call: _Call) -> None:
        """Record a call whose result is pending."""
        if call.action == "calloc" and call.numbers[0] * call.numbers[1] >= LIMIT:
            return  # refused without printing a result
        outer = self.started[-1] if self.started else None
        if call.action == "malloc" and outer and outer.action == "realloc" and outer.numbers == (0, *call.numbers):
            self.started.pop()  # this malloc does the realloc of null, which prints no result of its own
        self.started.append(call)

    def _free(self, line: int, pointer: int) -> None:
        """Take a free, which has no result."""
        outer = self.started[-1] if self.started else None
        if outer and outer.action == "realloc" and outer.numbers == (pointer, 0):
            self.started[-1] = _Call("", (), line)  # this free did the realloc to 0 bytes
        if pointer:
            self.free(line, 0, _name(pointer))

    def _end(self, line: int, pointer: int) -> None:
        """Take a result."""
        if not self.started:
            self.fail(line, "a result after its call", f"“ = {pointer:#x}” without one")
        action, numbers, _ = self.started.pop()
        if not pointer or not action:
            return
        match action:
            case "malloc":
                self.allocate(Kind.MALLOC, line, 0, _name(pointer), numbers[0])
            case "calloc":
                self.allocate(Kind.CALLOC, line, 0, _name(pointer), numbers[0] * numbers[1])
            case "aligned":
                self._aligned(line, pointer, numbers)
            case _:
                self._reallocated(line, pointer, numbers)

    def _aligned(self, line: int, pointer: int, numbers: tuple[int, ...]) -> None:
        """Take an aligned allocation. Valgrind rounds odd alignments up to a power of two; so does this."""
        alignment, size = numbers
        alignment = 1 << max(alignment - 1, 0).bit_length()
        self.allocate(Kind.ALIGNED, line, 0, _name(pointer), size, alignment)

    def _reallocated(self, line: int, pointer: int, numbers: tuple[int, ...]) -> None:
        """Take a reallocation; of null it is an allocation."""
        old, size = numbers
        if old:
            self.reallocate(line, 0, _name(old), size, _name(pointer))
        else:
            self.allocate(Kind.MALLOC, line, 0, _name(pointer), size)


def _name(pointer: int) -> str:
    """Return valgrind's name of an object."""
    return f"0x{pointer:X}"


def _action(name: str) -> tuple[str, int]:
    """Return what a function does, and how many arguments it takes."""
    if MALLOC.fullmatch(name):
        return "malloc", 1
    if ALIGNED.fullmatch(name):
        return "aligned", 2
    if FREE.fullmatch(name):
        return "free", 1
    return (name, 2) if name in ("calloc", "realloc") else ("", -1)


def _digits(arguments: str, count: int) -> tuple[str, ...] | None:
    """Return a call's arguments, or None if they are not ``count`` numbers. Alignment comes before size."""
    parts = [part.strip() for part in arguments.split(",")]
    if len(parts) != count or not all(NUMBER.fullmatch(part) for part in parts):
        return None
    values = tuple(part.split()[-1] for part in parts)
    return values[::-1] if parts[0].startswith("size ") and count == 2 else values


def _wanted(action: str) -> str:
    """Describe the form of a call."""
    return {
        "malloc": "one size: “malloc(8)”",
        "calloc": "two sizes: “calloc(1,24)”",
        "aligned": "an alignment and a size: “memalign(al 64, size 100)”",
        "realloc": "an address and a size: “realloc(0x4A40040,200)”",
        "free": "one address: “free(0x4A40040)”",
    }.get(action, "a traced call: malloc, calloc, realloc, free, memalign, operator new or delete")
