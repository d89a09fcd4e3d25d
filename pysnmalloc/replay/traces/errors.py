"""Errors in a trace, and in its replay.

    SnmallocError
    ├── TraceError         an invalid line of a trace                       (also a ValueError)
    └── ReplayError        a call of the trace that failed
        ├── CallError      the allocator refused the call; the cause is chained
        ├── AddressError   an address that differs from the recorded one, or is not aligned
        ├── ContentsError  an object's bytes changed while it was live
        └── HomeError      an object did not come home (§2.2)

The law: every error names the trace and the line, and has them as attributes, so
that a program need not parse the message.
"""

from __future__ import annotations

from ...errors import SnmallocError

__all__ = ["AddressError", "CallError", "ContentsError", "HomeError", "ReplayError", "TraceError"]

SHOWN = 60  # characters of an invalid line


class TraceError(SnmallocError, ValueError):
    """A trace, or a line of it, is invalid.

    What to do: correct the line that the message names; the message says what was expected there.

    Attributes:
        file: the trace's name.
        line: number of the line, from 1; 0 for the file as a whole.
        expected: what was expected there.
        found: what is there instead.
        advice: what to do, in a sentence; empty if that is to correct the line.
    """

    def __init__(self, file: str, line: int, expected: str, found: str, advice: str = "") -> None:
        super().__init__(file, line, expected, found, advice)
        self.file = file
        self.line = line
        self.expected = expected
        self.found = found
        self.advice = advice

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        found = self.found if len(self.found) <= SHOWN else self.found[: SHOWN - 1] + "…"
        advice = f". {self.advice}" if self.advice else ""
        return _one_line(f"{where}: expected {self.expected}; found {found}{advice}")


def _one_line(text: str) -> str:
    """Return a text in which control characters, such as a terminal's codes, are spelled out."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class ReplayError(SnmallocError):
    """A call of a trace failed.

    What to do: catch one of the subclasses. ``pysnmalloc show TRACE --at N`` shows the call and the heap after it.

    Attributes:
        trace: the trace's name.
        line: number of the call's line in it, from 1; 0 if no single call failed.
        reason: the failure, without the place.
    """

    def __init__(self, trace: str, line: int, reason: str) -> None:
        super().__init__(trace, line, reason)
        self.trace = trace
        self.line = line
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.trace}, line {self.line}: {self.reason}" if self.line else f"{self.trace}: {self.reason}"


class CallError(ReplayError):
    """The allocator raised an error, which is the ``__cause__``.

    What to do: follow the advice of the cause. If the address space is used up, give the replay a larger ``reserve``.
    """


class AddressError(ReplayError):
    """An allocation returned a wrong address.

    What to do: replay a reference trace with the configuration that it was recorded with. If the error stays, the
    allocator was changed and has a bug: replay in checked mode.

    Attributes:
        object: number of the object in the trace.
        expected: the address, or the rule that the address breaks.
        found: the address.
    """

    def __init__(self, trace: str, line: int, object_: int, expected: str, found: str) -> None:
        super().__init__(trace, line, f"object {object_} should be at {expected}, but is at {found}")
        self.object = object_
        self.expected = expected
        self.found = found


class ContentsError(ReplayError):
    """A byte of a live object has changed.

    What to do: only the replay and the allocator write, so the allocator has a bug: replay in checked mode.

    Attributes:
        object: number of the object in the trace.
        offset: of the first wrong byte in the object.
        expected: the byte that was written, or 0 for memory from calloc.
        found: the byte that is there.
    """

    def __init__(self, trace: str, line: int, object_: int, place: tuple[int, int, int], when: str) -> None:
        offset, expected, found = place
        reason = f"object {object_}: byte {offset} is {found:#04x}, not {expected:#04x}, {when}"
        super().__init__(trace, line, reason)
        self.object = object_
        self.offset = offset
        self.expected = expected
        self.found = found


class HomeError(ReplayError):
    """After the last message was handled, the live objects are not exactly those that the trace leaves live.

    What to do: a bug of the allocator lost a message or freed an object twice: replay in checked mode.
    """
