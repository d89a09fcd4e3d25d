"""``pysnmalloc replay``: recorded programs on the allocator, and the report."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated

import typer
from rich.console import Console

from .. import __version__
from ..allocator import Parts
from ..config import PRESETS, Config, Decommit
from ..parts import load_parts
from ..replay import SHIPPED, Order, ReplayResult, Trace, read_shipped, read_trace, replay
from ..replay.report import print_result
from .common import PART_OPTION, bar, friendly, parse_bytes
from .streams import print_json

__all__ = ["HELP", "replay_command"]

HELP = (
    "Replay recorded programs on the allocator, and report calls, memory, messages and atomic operations.\n\n"
    "Every malloc, calloc, realloc and free is made as recorded, with one allocator per thread. Objects are "
    "filled when they are allocated and verified before they are freed.\n\n"
    "A TRACE, plain or gzip, is a program trace (“# threads N”), a reference trace of the C++ (“# allocators N1 N2 "
    "...”; addresses are compared with the recorded ones), a malloc-lab .rep file, or the standard error of "
    "valgrind --trace-malloc=yes.\n\n"
    "Exit code 1: a replay failed. Exit code 2: a trace or an option is invalid."
)


class Threads(enum.StrEnum):
    """How to replay the calls of several threads."""

    RECORDED = "recorded"
    REAL = "real"


class Preset(enum.StrEnum):
    """The named configurations."""

    PAPER = "paper"
    PAPER_1MIB = "paper-1mib"
    CLASSROOM = "classroom"


def replay_command(
    traces: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TRACE",
            help="Files to replay, one after another, or names of traces that ship with the package: "
            f"{', '.join(SHIPPED)}; - is standard input. Default: {SHIPPED[0]}.",
            show_default=False,
        ),
    ] = None,
    threads: Annotated[
        Threads,
        typer.Option(help="Replay in recorded order in one thread, or with one real thread per recorded one."),
    ] = Threads.RECORDED,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not fill and verify objects; much faster.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
    config: Annotated[
        Preset | None,
        typer.Option(
            help="Configuration of the heap. Default: paper, or the recorded one for a reference trace.",
            show_default=False,
        ),
    ] = None,
    remote_cache: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES",
            parser=parse_bytes,
            help="Bytes of remotely freed objects at which an allocator posts: 0, 8KiB, 1MiB ...",
            show_default=False,
        ),
    ] = None,
    decommit: Annotated[
        Decommit, typer.Option(help="When to return pages to the operating system.")
    ] = Decommit.SUPERSLAB,
    checked: Annotated[
        bool, typer.Option("--checked", help="Detect misuse, and check every law at the end; slow.")
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
        if as_json:  # also the results before an error
            data = {"pysnmalloc": __version__, "replays": [result.as_dict() for result in results]}
            print_json(data)


@dataclass(frozen=True)
class _Options:
    """The options of ``replay``."""

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
