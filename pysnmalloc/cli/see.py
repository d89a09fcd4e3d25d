"""``pysnmalloc show``, ``step`` and ``figure``: pictures of what calls do to the bytes."""

from __future__ import annotations

import enum
import shutil
from os.path import isdir, isfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..config import PRESETS
from ..parts import load_parts
from ..recording.chrome import save_chrome_trace
from ..recording.recording import Recording
from ..replay import SHIPPED, TraceError, read_trace
from ..replay.traces.files import GZIP_MAGIC, as_text
from ..replay.traces.shipped import meant
from ..replay.traces.valgrind import TRACED
from ..step import FIGURES, Look, ScriptError, Stepper, figure, look_at, page, record_script, step
from .common import FAILED, PART_OPTION, USAGE, bar, friendly
from .replay import Preset
from .showing import list_shipped, look_at_calls
from .streams import say

__all__ = ["FIGURE_HELP", "SHOW_HELP", "STEP_HELP", "figure_command", "show_command", "step_command"]

WIDEST = 100
EVENTS_KEPT = 200_000
LOOKED_AT = 4096  # bytes of a script that may show that it is a trace
NAMED = 3  # files of a folder that a message names

SHOW_HELP = (
    "Show the effects of a call of a TRACE, and the heap after it.\n\n"
    "The report names the call and describes each of its changes with the paper's section. Pictures follow: the heap "
    "map and the slabs, superslabs, queues ... that the call touched, with a star at each change.\n\n"
    "A TRACE is a recorded program, as for “replay”, and --at counts its calls; or it is a recording (.jsonl) from "
    "“step --events”, and --at names one of its ticks. Without TRACE, the command lists the traces that ship with the "
    "package; each is given by its name, as in “show python-json --at 50”."
)
STEP_HELP = (
    "Record a SCRIPT that uses pysnmalloc, and write a page to step through it.\n\n"
    "Every heap that the script creates is recorded. The page is self-contained: step with previous, next, play or "
    "the arrow keys; every step has a link. In place of a script, the command also takes a recording (.jsonl)."
)
FIGURE_HELP = "Write Figure 1, 2 or 3 of the paper as a page to step through, drawn by the running code."


class By(enum.StrEnum):
    """The unit of a step."""

    EVENT = "event"
    CALL = "call"


def show_command(
    trace: Annotated[
        str | None,
        typer.Argument(
            metavar="TRACE",
            help="A recorded program, or a recording (.jsonl). Default: list the traces that ship.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        int | None,
        typer.Option(
            "--at",
            min=1,
            metavar="N",
            help="Number of the call, from 1; for a recording, the tick. Required with TRACE.",
            show_default=False,
        ),
    ] = None,
    to: Annotated[
        int | None,
        typer.Option("--to", min=1, metavar="M", help="Show all calls of a program from N to M.", show_default=False),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", metavar="FILE", help="Write a page to step through, instead of text.", show_default=False
        ),
    ] = None,
    config: Annotated[
        Preset | None, typer.Option(help="Configuration of the heap, for a recorded program.", show_default=False)
    ] = None,
    part: Annotated[list[str] | None, PART_OPTION] = None,
) -> None:
    """Show one call (see ``SHOW_HELP``)."""
    if trace is None:
        list_shipped(Console())
        return
    if at is None:
        if trace not in SHIPPED and not isfile(trace):
            with friendly():
                read_trace(trace)  # which tells what is wrong with the name
        raise typer.BadParameter(
            f"--at N is missing; it names a call of {trace}, counted from 1 (for a .jsonl, a tick)"
        )
    with friendly():
        if trace.endswith(".jsonl"):
            seen = look_at(_load(trace), at)
        else:
            with bar() as shown:
                program = read_trace(trace)
                preset = PRESETS[config] if config is not None else None
                last = at if to is None else to
                seen = look_at_calls(program, at, last, preset, shown.show, load_parts(part or ()))
    if html is not None:
        _write(html, seen.stepper().page())
        say(f"{html}: {seen.title} ({len(seen.frames)} steps)")
        return
    _print(seen)


def _print(seen: Look) -> None:
    """Print text as wide as the terminal, in colour if it has colour."""
    console = Console()
    colour = console.is_terminal and console.color_system is not None
    width = min(console.width if console.is_terminal else shutil.get_terminal_size().columns, WIDEST)
    say(seen.text(width, colour=colour))


def step_command(
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="A Python program, or a recording (.jsonl).")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGUMENTS", help="Arguments of the script.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The page. Default: SCRIPT.html in the current directory.",
            show_default=False,
        ),
    ] = None,
    events: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the events, each as one line of JSON (.jsonl).", show_default=False
        ),
    ] = None,
    chrome: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also write a trace for Perfetto (.json).", show_default=False),
    ] = None,
    by: Annotated[By, typer.Option(help="Show a step for each event, or for each call.")] = By.EVENT,
    first: Annotated[int, typer.Option(min=1, metavar="TICK", help="Begin at this event.")] = 1,
    last: Annotated[
        int | None, typer.Option(min=1, metavar="TICK", help="End at this event.", show_default=False)
    ] = None,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="Show at most this many steps of a heap.")] = 300,
) -> None:
    """Record a script (see ``STEP_HELP``)."""
    output = output or Path(f"{script.stem}.html")
    failure: ScriptError | None = None
    with friendly():
        _demand_script(script)
        try:
            if script.suffix == ".jsonl":
                recordings = [_load(str(script))]
            else:
                recordings = record_script(script, arguments or (), limit=EVENTS_KEPT)
        except ScriptError as error:
            recordings, failure = [each for each in error.recordings if len(each)], error
        if recordings:
            steppers = [
                step(
                    each,
                    title=_title(script, place, recordings),
                    id=f"heap-{place}",
                    by=by,
                    first=first,
                    last=last,
                    most=most,
                )
                for place, each in enumerate(recordings, start=1)
            ]
            _write(output, page(steppers, f"{script.name}, step by step"))
            _report(output, steppers, recordings)
            for place, each in enumerate(recordings, start=1):
                _save(each, place, len(recordings), events, chrome)
    if failure is not None:
        say(f"Error: {failure}", error=True)
        raise typer.Exit(FAILED)


def figure_command(
    number: Annotated[
        int, typer.Argument(metavar="1|2|3", min=min(FIGURES), max=max(FIGURES), help="Number of the figure.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The page. Default: figure-N.html.", show_default=False),
    ] = None,
) -> None:
    """Write a figure (see ``FIGURE_HELP``)."""
    output = output or Path(f"figure-{number}.html")
    stepper = figure(number)
    with friendly():
        _write(output, stepper.page())
    say(f"{output}: {stepper.title} ({len(stepper.frames)} steps)")


def _load(path: str) -> Recording:
    """Read a recording."""
    _demand_file(Path(path), "a recording (.jsonl)")
    return Recording.load(path)


def _demand_script(path: Path) -> None:
    """Raise if a file is no script and no recording, as far as its first bytes show."""
    wanted = "a Python program (.py) or a recording (.jsonl)"
    _demand_file(path, wanted)
    if path.is_file():
        with path.open("rb") as file:
            first = file.read(LOOKED_AT)
        if first.startswith((GZIP_MAGIC, b"# threads ", b"# allocators ")) or TRACED.search(as_text(first)):
            advice = f"It is a trace: pysnmalloc show {path} --at 1"
            raise TraceError(str(path), 0, wanted, "a recorded program", advice)


def _demand_file(path: Path, wanted: str) -> None:
    """Raise if no file is there that can be read."""
    try:
        with path.open("rb"):
            return
    except OSError as error:
        if isdir(path):
            raise TraceError(str(path), 0, wanted, "a folder", _inside(path)) from error
        if isinstance(error, FileNotFoundError) and str(path) in SHIPPED:
            advice = f"It is the name of a trace: pysnmalloc show {path} --at 1"
            raise TraceError(str(path), 0, wanted, "no such file", advice) from error
        found = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or "another error"
        raise TraceError(str(path), 0, wanted, found, meant(str(path))) from error


def _inside(folder: Path) -> str:
    """Name files of a folder that could be meant."""
    inside = sorted(path for pattern in ("*.py", "*.jsonl") for path in folder.glob(pattern) if path.is_file())[:NAMED]
    return f"Name a file in it, such as {' or '.join(map(str, inside))}" if inside else "Name a file in it"


def _title(script: Path, place: int, recordings: list[Recording]) -> str:
    """Return the title of a stepper."""
    which = f", heap {place} of {len(recordings)}" if len(recordings) > 1 else ""
    return f"{script.name}{which}"


def _write(path: Path, text: str) -> None:
    """Write a file, or report the reason for a failure."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        say(f"Error: {path} cannot be written: {error.strerror}; choose another file.", error=True)
        raise typer.Exit(USAGE) from error


def _report(output: Path, steppers: list[Stepper], recordings: list[Recording]) -> None:
    """Report what was recorded and written."""
    for stepper, recording in zip(steppers, recordings, strict=True):
        dropped = f" ({recording.dropped:,} more were dropped)" if recording.dropped else ""
        say(f"{stepper.title}: {len(recording):,} events recorded{dropped}, {len(stepper.frames):,} steps shown")
    say(f"Open {output} in a browser.")


def _save(recording: Recording, place: int, count: int, events: Path | None, chrome: Path | None) -> None:
    """Write a recording in the requested formats; if there are several, each file name gets a number."""
    for path, save in ((events, recording.save), (chrome, lambda path: save_chrome_trace(recording, path))):
        if path is not None:
            numbered = path.with_stem(f"{path.stem}-{place}") if count > 1 else path
            try:
                save(numbered)
            except OSError as error:
                say(f"Error: {numbered} cannot be written: {error.strerror}; choose another file.", error=True)
                raise typer.Exit(USAGE) from error
            say(str(numbered))
