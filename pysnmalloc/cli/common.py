"""The parts that the commands share: progress, errors as messages, sizes on the command line.

The law: an error of the allocator or of a trace is one message, which names the
file, the line and the reason, and never a traceback. Progress appears only on
terminals, and only for work that takes longer than a second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.status import Status
from rich.text import Text

from ..errors import ConfigError, PartError, RecordingError, SnmallocError
from ..replay import AddressError, TraceError
from .streams import say

__all__ = ["FAILED", "PART_OPTION", "USAGE", "Bar", "Tally", "bar", "friendly", "parse_bytes", "tally"]

FAILED, USAGE = 1, 2
PART_OPTION = typer.Option(
    "--part",
    metavar="NAME=FILE.py:CLASS",
    help="Replace a concept with your own class, such as freelist=mine.py:FreeList; repeatable.",
    show_default=False,
)
PROGRESS_AFTER = 1.0  # seconds; shorter work needs no progress bar
MOST_DIGITS = 15  # of a number of bytes
SHOWN = 40  # characters of a wrong one
FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Bar:
    """A progress bar on standard error, for terminals; shown once the work takes longer than a second."""

    def __init__(self, patience: float = PROGRESS_AFTER) -> None:
        self._console = Console(stderr=True)
        self._began = monotonic()
        self._patience = patience
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def show(self, title: str, share: float) -> None:
        """Show the share that is done, 0 to 1."""
        if self._progress is None:
            if not self._console.is_terminal or monotonic() - self._began < self._patience:
                return
            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeRemainingColumn(),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._task = self._progress.add_task(title, total=1.0)
            self._progress.start()
        self._progress.update(self._task, description=title, completed=share)

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return self._progress is not None

    def close(self) -> None:
        """Remove it."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


class Tally:
    """A count and a rate on standard error, for terminals; shown once the work takes longer than a second.

    Args:
        title: of the work.
        things: name of the things that are counted.
    """

    def __init__(self, title: str, things: str, patience: float = PROGRESS_AFTER) -> None:
        self._console = Console(stderr=True)
        self._began = monotonic()
        self._patience = patience
        self._words = title, things
        self._status: Status | None = None

    def show(self, count: int) -> None:
        """Show the count and the rate."""
        seconds = monotonic() - self._began
        if not self._console.is_terminal or seconds < self._patience:
            return
        title, things = self._words
        text = Text(f"{title}: {count:,} {things}, {count / max(seconds, 1e-9):,.0f} per second")
        if self._status is None:
            self._status = self._console.status(text)
            self._status.start()
        self._status.update(text)

    @property
    def visible(self) -> bool:
        """Whether it is shown."""
        return self._status is not None

    def close(self) -> None:
        """Remove it."""
        if self._status is not None:
            self._status.stop()
            self._status = None


@contextmanager
def tally(title: str, things: str, patience: float = PROGRESS_AFTER) -> Iterator[Tally]:
    """Show a tally for the duration of a block."""
    shown = Tally(title, things, patience)
    try:
        yield shown
    finally:
        shown.close()


@contextmanager
def bar(patience: float = PROGRESS_AFTER) -> Iterator[Bar]:
    """Show a progress bar for the duration of a block."""
    shown = Bar(patience)
    try:
        yield shown
    finally:
        shown.close()


@contextmanager
def friendly() -> Iterator[None]:
    """Turn errors into a message and an exit code."""
    try:
        yield
    except (TraceError, ConfigError, PartError, RecordingError) as error:
        say(f"Error: {error}", error=True)
        raise typer.Exit(USAGE) from None
    except SnmallocError as error:
        say(f"Error: {error}", error=True)
        if isinstance(error, AddressError):
            say("Addresses depend on --config and --remote-cache: use the values of the recording.", error=True)
        raise typer.Exit(FAILED) from None


def parse_bytes(text: str) -> int:
    """Return a number of bytes: ``0``, ``4096``, ``8KiB``, ``1MiB``, ``2G``."""
    match = re.fullmatch(rf"\s*([0-9]{{1,{MOST_DIGITS}}})\s*(?:([KMG])(?:iB)?|B)?\s*", text, re.IGNORECASE)
    if match is None:
        shown = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
        raise typer.BadParameter(f"{shown!r} is not a number of bytes; write 0, 4096, 8KiB, 1MiB or 2GiB")
    return int(match[1]) * FACTORS[(match[2] or "").upper()]
