"""The command line.

    pysnmalloc replay [TRACE ...]     replay recorded programs; without one, the Redis trace that ships
    pysnmalloc explore [NAME]         explore every execution of a scenario under a memory model
    pysnmalloc show TRACE --at N      show the effects of one call of a program, and the heap after it
    pysnmalloc step SCRIPT            record a Python program, and write a page to step through it
    pysnmalloc figure 1|2|3           write a figure of the paper as such a page
    pysnmalloc quiz [TOPIC]           predict the next address, head, link, bucket or hop
    pysnmalloc lab [COMMAND]          write the allocator yourself, milestone by milestone, and have it judged
    pysnmalloc doctor                 examine this Python and this machine, and test the allocator on them

Data go to standard output; progress and errors go to standard error. Exit codes:

    0   everything is right
    1   a replay, a script or a check of doctor failed; explore found something wrong;
        an answer of the quiz was wrong; a milestone of a lab is wrong or not written yet
    2   the command line, the configuration, a trace or a schedule is invalid

This room, ``replay.report`` and ``replay.tables`` alone need typer and rich; the library itself imports the
standard library only. Read ``common`` first.

Imported by: __main__.

    streams, common, scenarios, reports, showing, replay, explore, see, quiz, lab, doctor
"""

from __future__ import annotations

import shutil
from typing import Annotated

import typer

from .. import __version__
from .doctor import doctor_command
from .explore import EXPLORE_HELP, explore_command
from .lab import lab_app
from .quiz import QUIZ_HELP, quiz_command
from .replay import HELP, replay_command
from .see import FIGURE_HELP, SHOW_HELP, STEP_HELP, figure_command, show_command, step_command
from .streams import make_safe, say

__all__ = ["app", "main"]

SUMMARY = "The memory allocator of the paper “snmalloc: A Message Passing Allocator”, in Python."

SETTINGS = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    help=SUMMARY,
    epilog="Each command has its own --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings=SETTINGS,
)
app.command("replay", help=HELP)(replay_command)
app.command("explore", help=EXPLORE_HELP)(explore_command)
app.command("show", help=SHOW_HELP)(show_command)
app.command("step", help=STEP_HELP)(step_command)
app.command("figure", help=FIGURE_HELP)(figure_command)
app.command("quiz", help=QUIZ_HELP)(quiz_command)
app.add_typer(lab_app, name="lab")
app.command("doctor")(doctor_command)


NARROW = 80  # columns; in fewer, the tables of rich cut the names of options


def main() -> None:
    """Run the command line."""
    make_safe()
    columns = shutil.get_terminal_size().columns
    app.rich_markup_mode = "rich" if columns >= NARROW else None
    app.info.context_settings = {**SETTINGS, "terminal_width": None if columns >= NARROW else columns}
    app()


def _version(wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        say(f"pysnmalloc {__version__}")
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Handle the options that precede a command."""
