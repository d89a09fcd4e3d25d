"""``pysnmalloc lab``: write the allocator of the paper, milestone by milestone, and have it judged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from ..labs.arc import LABS, MILESTONES, Milestone, UnknownMilestone, milestone
from ..labs.checking import check
from ..labs.folder import Folder, NoFolder, find, start
from ..labs.variants import PAPER, variant
from ..lesson.verdict import State, Verdict
from ..replay.report import WIDTH
from ..replay.tables import Records
from .common import FAILED
from .streams import say

__all__ = ["lab_app"]

LAB_HELP = (
    "Write the allocator of the paper yourself, milestone by milestone.\n\n"
    "“start” makes a folder with the hand-outs. Without a command, “lab” says where you are. Every milestone fails at "
    "first: that is expected. Your code runs in a process of its own, with limits.\n\n"
    "Exit code 1: a milestone is wrong or not written yet. Exit code 2: the command line or the folder is invalid."
)

lab_app = typer.Typer(help=LAB_HELP, no_args_is_help=False, rich_markup_mode=None)

NAME = typer.Argument(metavar="[NAME]", help="Milestone; without it, the next one.", show_default=False)


@contextmanager
def _told() -> Iterator[None]:
    """Turn errors of the folder and of names into messages."""
    try:
        yield
    except (NoFolder, UnknownMilestone, OSError, ValueError) as error:
        say(str(error), error=True)
        raise typer.Exit(2) from None


@lab_app.callback(invoke_without_command=True)
def lab(context: typer.Context) -> None:
    """Say where you are."""
    if context.invoked_subcommand is None:
        with _told():
            _print_status(find(Path.cwd()))


@lab_app.command("start")
def start_command(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to put the labs.")] = Path("snmalloc-labs"),
    student: Annotated[
        str | None, typer.Option(help="Name of the student; needs --secret.", show_default=False)
    ] = None,
    secret: Annotated[
        Path | None, typer.Option(help="File with the secret of the course; needs --student.", show_default=False)
    ] = None,
) -> None:
    """Make a folder with the hand-outs, or add new ones to it. Your files stay as they are.

    Without --student, the numbers are the paper's. An instructor who gives a secret makes a folder with the numbers of
    one student; the secret is not in the folder.
    """
    with _told():
        if (student is None) != (secret is None):
            raise ValueError("--student and --secret belong together: the numbers follow from both")
        numbers = PAPER if student is None or secret is None else variant(secret.read_bytes().strip(), student)
        made = start(folder, numbers)
        say(f"Your labs are in {made.path}. Failing first is expected: every milestone fails until you write it.")
        _say_next(made)


@lab_app.command("check")
def check_command(name: Annotated[str | None, NAME] = None) -> None:
    """Check a milestone."""
    with _told():
        folder = find(Path.cwd())
        wanted = milestone(name) if name else folder.next()
        if wanted is None:
            say("All milestones are done. Name one to check it again.")
            return
        verdict = check(folder.file(wanted.name), wanted.name, folder.variant)
        _print(verdict, wanted)
        if not verdict.right:
            raise typer.Exit(FAILED)
        folder.note(wanted.name)
        _say_next(folder)


@lab_app.command("reset")
def reset_command(name: Annotated[str, typer.Argument(help="Milestone.")]) -> None:
    """Begin a milestone anew. Your file is kept beside the new one."""
    with _told():
        kept = find(Path.cwd()).reset(name)
        say(f"The stub is new; what you had is in {kept.name}.")


@lab_app.command("next")
def next_command() -> None:
    """Say what to do next."""
    with _told():
        _say_next(find(Path.cwd()))


def _print(verdict: Verdict, wanted: Milestone) -> None:
    """Print a verdict."""
    styles = {State.RIGHT: "green", State.OPEN: "yellow", State.WRONG: "bold red"}
    console = Console()
    words = Text(verdict.state.value, style=styles[verdict.state]).append(f" {wanted.name}: {verdict.words}", "default")
    console.print(words, width=min(console.width, WIDTH))


def _print_status(folder: Folder) -> None:
    """Print the labs, and what is done."""
    console, done = Console(), folder.done()
    points = sum(MILESTONES[name].points for name in done)
    total = sum(each.points for each in MILESTONES.values())
    for lab in LABS:
        table = Records("milestone", "state", "points", "goal", words=(0, 1, 3), title=f"Lab {lab.number}: {lab.title}")
        for each in lab.milestones:
            state = Text("✔ done", style="green") if each.name in done else Text("… open", style="yellow")
            table.add_row(each.name, state, str(each.points), each.goal)
        console.print(table, width=min(console.width, WIDTH), crop=False)
    say(f"{points} of {total} points.")
    _say_next(folder)


def _say_next(folder: Folder) -> None:
    """Say which milestone is next, where its file is, and how it is checked."""
    wanted = folder.next()
    if wanted is None:
        say("All milestones are done.")
        return
    file = folder.file(wanted.name)
    say(f"Next: {wanted.name}, {wanted.goal}. Write it in {file}, then type: pysnmalloc lab check")
