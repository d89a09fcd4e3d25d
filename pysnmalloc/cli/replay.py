"""``pysnmalloc replay``: recorded programs on the allocator, and what that took."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated

import typer
from rich.console import Console

from .. import __version__
from ..allocator import Parts
from ..config import PRESETS, Config, Decommit
from ..parts import load_parts
from ..replay import Order, ReplayResult, Trace, read_shipped, read_trace, replay
from ..replay.report import print_result
from .common import PART_OPTION, bar, friendly, parse_bytes

__all__ = ["HELP", "replay_command"]

HELP = (
    "Replay recorded programs on the allocator, and report what that took.\n\n"
    "Every malloc, calloc, realloc and free is made as recorded, by an allocator for each thread. Objects are "
    "filled when they are allocated, and verified before they are freed.\n\n"
    "A TRACE, plain or gzip, is one of: a program trace (“# threads N”), a reference trace of the C++ "
    "(“# allocators N1 N2 ...”; addresses are compared with the recorded ones), a malloc-lab .rep file, or what "
    "valgrind --trace-malloc=yes prints on standard error.\n\n"
    "Exit code 1: a replay failed. Exit code 2: a trace or an option cannot be understood."
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
    part: Annotated[list[str] | None, PART_OPTION] = None,
) -> None:
    """Replay recorded programs (see ``HELP``)."""
    with friendly():
        parts = load_parts(part or ())
    options = _Options(
        threads="real" if threads is Threads.REAL else "recorded",
        verify=not no_verify,
        config=PRESETS[config] if config is not None else None,
        remote_cache=remote_cache,
        decommit=decommit,
        checked=checked,
        reserve=reserve,
        parts=parts,
    )
    results: list[ReplayResult] = []
    try:
        with friendly():
            for trace in map(read_trace, traces) if traces else [read_shipped()]:
                results.append(_replay_one(trace, options))
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
    parts: Parts


def _replay_one(trace: Trace, options: _Options) -> ReplayResult:
    """Replay one trace, with a progress bar."""
    with bar() as shown:
        return replay(
            trace,
            config=options.config,
            threads=options.threads,
            verify=options.verify,
            checked=options.checked,
            remote_cache=options.remote_cache,
            decommit=options.decommit,
            reserve=options.reserve,
            parts=options.parts,
            progress=lambda made, total: shown.show(PurePath(trace.name).name, made / total),
        )
