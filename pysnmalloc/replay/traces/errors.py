"""What can go wrong with a trace, and with its replay.

    SnmallocError
    ├── TraceError         a line of a trace that cannot be understood      (also a ValueError)
    └── ReplayError        a call of the trace that did not go as it must
        ├── CallError     the allocator refused it; the cause is chained
        ├── AddressError   another address than the recorded one, or one that is not aligned
        ├── ContentsError  an object's bytes changed while it was live
        └── HomeError      objects that did not come home at the end (§2.2)

The law: every error names the trace and the line, and has them as attributes
too, so that a program need not take the message apart.
"""

from __future__ import annotations

from ...errors import SnmallocError

__all__ = ["AddressError", "CallError", "ContentsError", "HomeError", "ReplayError", "TraceError"]

SHOWN = 60  # characters of a line that cannot be understood


class TraceError(SnmallocError, ValueError):
    """A trace, or a line of it, that cannot be understood.

    What to do: look at the line that the message names; it says what was expected there.

    Attributes:
        file: the trace's name.
        line: number of the line, from 1; 0 when the file as a whole is meant.
        expected: what would have been right there.
        found: what is there instead.
    """

    def __init__(self, file: str, line: int, expected: str, found: str) -> None:
        super().__init__(file, line, expected, found)
        self.file = file
        self.line = line
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        where = f"{self.file}, line {self.line}" if self.line else self.file
        found = self.found if len(self.found) <= SHOWN else self.found[: SHOWN - 1] + "…"
        return f"{where}: expected {self.expected}; found {found}"


class ReplayError(SnmallocError):
    """A call of a trace that did not go as it must.

    What to do: catch one of its subclasses. ``pysnmalloc show TRACE --at N`` shows the call and the heap after it.

    Attributes:
        trace: the trace's name.
        line: number of the call's line in it, from 1; 0 when no single call is to blame.
        reason: what went wrong, without the place.
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

    What to do: what the cause says. Where address space is used up, give the replay a larger ``reserve``.
    """


class AddressError(ReplayError):
    """An allocation returned an address that it must not.

    What to do: replay a reference trace with the configuration that it was recorded with. Else the allocator was
    changed, and has a fault: replay with checked mode.

    Attributes:
        object: number of the object in the trace.
        expected: the address, or the rule, that it breaks.
        found: the address.
    """

    def __init__(self, trace: str, line: int, object_: int, expected: str, found: str) -> None:
        super().__init__(trace, line, f"object {object_} should be at {expected}, and is at {found}")
        self.object = object_
        self.expected = expected
        self.found = found


class ContentsError(ReplayError):
    """A byte of a live object is not what was written there.

    What to do: nobody but the replay and the allocator writes, so the allocator has a fault: replay with checked mode.

    Attributes:
        object: number of the object in the trace.
        offset: of the first wrong byte in the object.
        expected: the byte that was written, or 0 for memory of calloc.
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
    """After the last message was handled, the heap does not hold exactly what the trace leaves live.

    What to do: a message was lost, or an object freed twice, by a fault of the allocator: replay with checked mode.
    """
