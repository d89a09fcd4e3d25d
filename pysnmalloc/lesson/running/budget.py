"""The budget of an answer: so many lines and so many bytes, and then it is stopped (§2).

    limited(answer, 48)      the value that answer(48) returns, or
                             Spent: takes more than 100,000 steps, at your line `while at:`, where at = 48

A trace function counts each line that the answer runs, and each call. It raises ``Spent`` in the
answer when the budget is spent. Python turns tracing off when a trace function raises. An answer
that swallows every error, as ``except:`` does, would thus go on for ever. Therefore the finalizer
of ``Spent`` turns tracing on again.

Safety: all of this happens in the thread that calls ``limited``. Threads that the answer starts
are not counted; see ``lesson.threads``.
"""

from __future__ import annotations

import linecache
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final, TypeAlias, TypeVar

from ..values import is_plain, shown
from .memory import Room
from .underway import pulse

__all__ = ["GLANCE", "LINES", "MEMORY", "Meter", "Spent", "TraceFunction", "is_own", "limited", "place"]

LINES: Final = 100_000
"""How many lines and calls of Python one call of an answer may take."""

MEMORY: Final = 64 << 20
"""How many bytes one call of an answer may hold at a time."""

QUIET: Final = 30
"""Memory is not measured before this line: measuring costs more than most answers do."""

GLANCE: Final = 8
"""Memory is looked at every so many lines: a look lets other threads run. A list can double four times meanwhile."""

PULSE: Final = 4096
SHORT: Final = 40
"""The longest text of a value shown beside a line."""

MANY: Final = 100
"""A value with more elements is told by its length."""

LIBRARIES: Final = (str(Path(__file__).parents[2]) + os.sep, str(Path(os.__file__).parent) + os.sep, "<frozen ")
"""Where code lies that no student wrote: this package, and Python's library."""

TraceFunction: TypeAlias = "Callable[[FrameType, str, object], TraceFunction | None]"
"""A function that ``sys.settrace`` takes; it returns the function that traces the rest of the frame."""

Returned = TypeVar("Returned")


class Spent(BaseException):
    """The budget of an answer is spent.

    It is no ``Exception``, so that an answer's ``except Exception`` does not catch it.

    Args:
        words: what was spent, and at which line.
        rearm: called when the error is gone. Whoever catches it must not escape the budget.
    """

    def __init__(self, words: str, rearm: Callable[[], None] | None = None) -> None:
        super().__init__(words)
        self._rearm = rearm

    def __del__(self) -> None:
        """Turn tracing on again if the answer still runs."""
        if self._rearm is not None:
            self._rearm()

    def __reduce__(self) -> tuple[type[Spent], tuple[str], dict[str, object]]:
        """Copy the words and notes: no answer runs where a copy is."""
        return Spent, (str(self),), {**vars(self), "_rearm": None}


def is_own(filename: str) -> bool:
    """Return whether a file is a student's: neither of this package nor of Python."""
    return not filename.startswith(LIBRARIES) or "site-packages" in filename


def place(frame: FrameType | None, with_loop: bool = False) -> str:
    """Return the line at which the student's code stands, with the values in it, as text.

    Args:
        frame: the innermost frame; the student's code may have called a library.
        with_loop: whether to name the loop around the line as well.
    """
    while frame is not None and not is_own(frame.f_code.co_filename):
        frame = frame.f_back
    if frame is None:
        return ""
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)[: frame.f_lineno]
    if len(lines) < frame.f_lineno:
        return f", at line {frame.f_lineno - frame.f_code.co_firstlineno + 1} of your `{frame.f_code.co_name}`"
    line, loop = lines[-1].strip(), _loop(lines[frame.f_code.co_firstlineno :]) if with_loop else ""
    held = frame.f_locals
    names = [name for name in dict.fromkeys(re.findall(r"[^\W\d]\w*", f"{line} {loop}")) if name in held]
    values = [f"{name} = {text}" for name in names if (text := _briefly(held[name]))]
    inside = f" in the loop `{loop}`" if loop else ""
    return f", at your line `{line}`{inside}" + (f", where {', '.join(values[:4])}" if values else "")


def _loop(lines: list[str]) -> str:
    """Return the head of the innermost loop around the last of some lines; nothing if that line is one, or has none."""
    margin = 1_000
    for number, line in enumerate(reversed(lines)):
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent < margin:
            if line.lstrip().startswith(("while ", "for ")):
                return line.strip() if number else ""
            margin = indent
    return ""


def _briefly(value: object) -> str:
    """Return a plain value as text, a long one without its middle; nothing for any other value."""
    if isinstance(value, list | tuple | set | dict | str | bytes | bytearray) and len(value) > MANY:
        return f"a {type(value).__name__} of length {len(value):,}"
    if not is_plain(value):
        return ""
    text = shown(value)
    return text if len(text) <= SHORT else f"{text[: SHORT - 10]} ... {text[-5:]}"


class Meter:
    """Counts what one call of an answer takes.

    Attributes:
        taken: lines and calls so far.
    """

    def __init__(self, lines: int = LINES, memory: int = MEMORY) -> None:
        self.taken = 0
        self._lines, self._memory = lines, memory
        self._room: Room | None = None  # once memory is measured
        self._running = False
        self._words = ""
        self._base: FrameType | None = None

    def run(self, function: Callable[..., Returned], *arguments: object) -> Returned:
        """Call a function, and return what it returns.

        Raises:
            Spent: if the budget is spent, even if the function caught the error.
        """
        traced = sys.gettrace()
        self._base = sys._getframe()
        self._running = True
        sys.settrace(self.trace)
        try:
            returned = function(*arguments)
        finally:
            self._running = False
            sys.settrace(traced)
            self._base = None
            if self._room is not None:
                self._room.close()
        if self._words:
            raise Spent(self._words, self._rearm)
        return returned

    def trace(self, frame: FrameType, _event: str, _value: object) -> TraceFunction | None:
        """Count a line or a call. This is a trace function, as ``sys.settrace`` takes it."""
        if frame.f_code.co_filename == __file__:
            return None
        self.taken += 1
        if self.taken >= QUIET and self._running:
            self._measure(frame)
        return self.trace

    def _measure(self, frame: FrameType) -> None:
        """Stop the answer if it has taken too much."""
        if self._room is None:
            self._room = Room(self._memory)
        if self.taken > self._lines:
            self._stop(f"takes more than {self._lines:,} steps", frame)
        if self.taken % GLANCE == 0 and self._room.is_spent():
            self._stop(f"takes more than {self._memory >> 20} MiB of memory", frame)
        if self.taken % PULSE == 0:
            pulse()

    def _stop(self, what: str, frame: FrameType) -> None:
        """Stop the answer. The words are those of the first time."""
        self._words = self._words or what + place(frame, with_loop=True)
        raise Spent(self._words, self._rearm)

    def _rearm(self) -> None:
        """Turn tracing on again, in all frames of the answer."""
        if not self._running:
            return
        frame: FrameType | None = sys._getframe(2)  # below this call, and the finalizer's
        while frame is not None and frame is not self._base:
            frame.f_trace = self.trace
            frame = frame.f_back
        sys.settrace(self.trace)


def limited(function: Callable[..., Returned], *arguments: object) -> Returned:
    """Call something that a student wrote, within the budget, and return what it returns.

    Raises:
        Spent: if it takes too many steps or too much memory. The words go on from the name of what was called: "takes
            more than 100,000 steps, at your line ...".
    """
    return Meter().run(function, *arguments)
