"""The command line.

    pysnmalloc replay [TRACE ...]     replay recorded programs; the Redis trace that ships, if none is named
    pysnmalloc doctor                 look at this Python and this machine, and test the allocator on them

Data go to standard output; progress and errors to standard error. Exit codes:

    0   everything is as it must be
    1   a replay, or a check of doctor, failed
    2   the command line, the configuration or a trace cannot be understood

The law: no error of the allocator or of a trace ends in a traceback; it is one
message that names the file, the line and the reason. This module and
``replay.report`` are all that needs typer and rich.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from . import __version__
from .config import PRESETS, Config, Decommit
from .doctor import Check, Outcome, describe, examine
from .errors import ConfigError, SnmallocError
from .replay import AddressError, Order, ReplayResult, TraceError, read_shipped, read_trace, replay
from .replay.report import WIDTH, print_result

__all__ = ["app", "main"]

FAILED, USAGE = 1, 2
PROGRESS_AFTER = 1.0  # seconds; what is over sooner needs no progress bar
FACTORS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
SUMMARY = "The memory allocator of the paper “snmalloc: A Message Passing Allocator”, in Python."

REPLAY_HELP = (
    "Replay recorded programs on the allocator, and report what that took.\n\n"
    "Every malloc, calloc, realloc and free is made as recorded, by an allocator for each thread. Objects are "
    "filled when they are allocated, and verified before they are freed.\n\n"
    "A TRACE, plain or gzip, is one of: a program trace (“# threads N”), a reference trace of the C++ "
    "(“# allocators N1 N2 ...”; addresses are compared with the recorded ones), a malloc-lab .rep file, or what "
    "valgrind --trace-malloc=yes prints on standard error.\n\n"
    "Exit code 1: a replay failed. Exit code 2: a trace or an option cannot be understood."
)

app = typer.Typer(
    help=SUMMARY,
    epilog="Each command has a --help of its own.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Threads(enum.StrEnum):
    """How to replay what several threads did."""

    RECORDED = "recorded"
    REAL = "real"


class Preset(enum.StrEnum):
    """The configurations that have a name."""

    PAPER = "paper"
    PAPER_1MIB = "paper-1mib"
    CLASSROOM = "classroom"


def main() -> None:
    """Run the command line."""
    app()


def _version(wanted: bool) -> None:
    """Print the version and leave."""
    if wanted:
        typer.echo(f"pysnmalloc {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


class _Bar:
    """A progress bar on standard error, for terminals; shown once the work takes longer than a second."""

    def __init__(self, patience: float = PROGRESS_AFTER) -> None:
        self._console = Console(stderr=True)
        self._began = monotonic()
        self._patience = patience
        self._progress: Progress | None = None
        self._task = TaskID(0)

    def show(self, title: str, share: float) -> None:
        """Show how much is done, 0 to 1."""
        if self._progress is None:
            if not self._console.is_terminal or monotonic() - self._began < self._patience:
                return
            columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._task = self._progress.add_task(title, total=1.0)
            self._progress.start()
        self._progress.update(self._task, description=title, completed=share)

    def close(self) -> None:
        """Take it away."""
        if self._progress is not None:
            self._progress.stop()


@contextmanager
def _bar(patience: float = PROGRESS_AFTER) -> Iterator[_Bar]:
    """Open a progress bar for the length of a block."""
    bar = _Bar(patience)
    try:
        yield bar
    finally:
        bar.close()


@contextmanager
def _friendly() -> Iterator[None]:
    """Turn errors into a message and an exit code."""
    try:
        yield
    except (TraceError, ConfigError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(USAGE) from error
    except SnmallocError as error:
        typer.echo(f"Error: {error}", err=True)
        if isinstance(error, AddressError):
            typer.echo("Addresses depend on --config and --remote-cache: use those of the recording.", err=True)
        raise typer.Exit(FAILED) from error


def parse_bytes(text: str) -> int:
    """Return a number of bytes: ``0``, ``4096``, ``8KiB``, ``1MiB``, ``2G``."""
    match = re.fullmatch(r"\s*(\d+)\s*(?:([KMG])(?:iB)?|B)?\s*", text, re.IGNORECASE)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no number of bytes; write 0, 4096, 8KiB, 1MiB or 2GiB")
    return int(match[1]) * FACTORS[(match[2] or "").upper()]


@app.command("replay", help=REPLAY_HELP)
def replay_command(
    traces: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TRACE",
            help="Files to replay, one after another; - is standard input. Without one: a trace of a Redis "
            "server that ships with the package.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        Threads, typer.Option(help="Replay in recorded order in one thread, or each recorded thread as a real one.")
    ] = Threads.RECORDED,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not write into objects and verify them; much faster.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON, and nothing else.")] = False,
    config: Annotated[
        Preset | None,
        typer.Option(
            help="Configuration of the heap. Default: paper, or the one that a reference trace was recorded with.",
            show_default=False,
        ),
    ] = None,
    remote_cache: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES",
            parser=parse_bytes,
            help="Bytes of remotely freed objects at which an allocator posts them: 0, 8KiB, 1MiB ...",
            show_default=False,
        ),
    ] = None,
    decommit: Annotated[
        Decommit, typer.Option(help="When pages go back to the operating system.")
    ] = Decommit.SUPERSLAB,
    checked: Annotated[
        bool, typer.Option("--checked", help="Find misuse and check every law at the end; slow.")
    ] = False,
    reserve: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES", parser=parse_bytes, help="Address space to reserve, such as 8GiB.", show_default=False
        ),
    ] = None,
) -> None:
    """Replay recorded programs (see ``REPLAY_HELP``)."""
    options = _Options(
        threads="real" if threads is Threads.REAL else "recorded",
        verify=not no_verify,
        config=PRESETS[config] if config is not None else None,
        remote_cache=remote_cache,
        decommit=decommit,
        checked=checked,
        reserve=reserve,
    )
    results: list[ReplayResult] = []
    try:
        with _friendly():
            for name in traces or [""]:
                results.append(_replay_one(name, options))
                if not as_json:
                    print_result(Console(), results[-1])
    finally:
        if as_json:  # also of those before an error
            data = {"pysnmalloc": __version__, "replays": [result.as_dict() for result in results]}
            typer.echo(json.dumps(data, indent=1))


@dataclass(frozen=True)
class _Options:
    """What ``replay`` takes, see there."""

    threads: Order
    verify: bool
    config: Config | None
    remote_cache: int | None
    decommit: Decommit
    checked: bool
    reserve: int | None


def _replay_one(name: str, options: _Options) -> ReplayResult:
    """Read and replay one file; without a name, the first of the shipped ones."""
    with _bar() as bar:
        trace = read_trace(name) if name else read_shipped()
        return replay(
            trace,
            config=options.config,
            threads=options.threads,
            verify=options.verify,
            checked=options.checked,
            remote_cache=options.remote_cache,
            decommit=options.decommit,
            reserve=options.reserve,
            progress=lambda made, total: bar.show(trace.name, made / total),
        )


@app.command("doctor")
def doctor_command(
    seconds: Annotated[
        float, typer.Option(min=0.0, help="Time for all checks together; with less time, they do less work.")
    ] = 10.0,
) -> None:
    """Look at this Python and this machine, and test the allocator on them for ten seconds."""
    console = Console()
    width = min(console.width, WIDTH)
    console.print(_facts(), width=width)
    checks: list[Check] = []
    with _bar(patience=0) as bar:
        checks.extend(examine(seconds, bar.show))
    console.print(_checks(checks), width=width)
    failed = sum(check.outcome is Outcome.FAILED for check in checks)
    if failed:
        typer.echo(f"{failed} of {len(checks)} checks failed.", err=True)
        raise typer.Exit(FAILED)
    console.print("All is well: the allocator works on this Python and this machine.", width=width)


def _facts() -> Table:
    """A table of what is here."""
    table = Table(title=Text(f"pysnmalloc {__version__}", style="bold"), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("this Python and machine")
    table.add_column("")
    for name, value in describe().items():
        table.add_row(name, Text(value, overflow="fold"))
    return table


def _checks(checks: list[Check]) -> Table:
    """A table of checks and how they ended, in words."""
    styles = {Outcome.OK: "green", Outcome.FAILED: "bold red", Outcome.ABSENT: "yellow"}
    table = Table(box=SIMPLE_HEAD)
    table.add_column("check")
    table.add_column("result")
    table.add_column("what was found")
    for check in checks:
        table.add_row(check.name, Text(check.outcome.value, style=styles[check.outcome]), Text(check.detail))
    return table
