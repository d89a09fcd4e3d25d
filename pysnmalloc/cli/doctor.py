"""``pysnmalloc doctor``: does the allocator work on this Python and this machine?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import __version__
from ..doctor import Check, Outcome, describe, examine
from ..replay.report import WIDTH
from .common import FAILED, bar

__all__ = ["doctor_command"]


def doctor_command(
    seconds: Annotated[
        float, typer.Option(min=0.0, help="Time for all checks together; in less time, they do less work.")
    ] = 10.0,
) -> None:
    """Test the allocator with this Python on this machine, for ten seconds by default."""
    console = Console()
    width = min(console.width, WIDTH)
    console.print(_facts(), width=width)
    checks: list[Check] = []
    with bar(patience=0) as shown:
        checks.extend(examine(seconds, shown.show))
    console.print(_checks(checks), width=width)
    failed = sum(check.outcome is Outcome.FAILED for check in checks)
    if failed:
        typer.echo(f"{failed} of {len(checks)} checks failed.", err=True)
        raise typer.Exit(FAILED)
    console.print("The allocator works with this Python on this machine.", width=width)


def _facts() -> Table:
    """Return a table of facts."""
    table = Table(
        title=Text(f"pysnmalloc {__version__}", style="bold"), title_justify="left", box=SIMPLE_HEAD, show_edge=False
    )
    table.add_column("this Python and machine")
    table.add_column("")
    for name, value in describe().items():
        table.add_row(name, Text(value, overflow="fold"))
    return table


def _checks(checks: list[Check]) -> Table:
    """Return a table of checks and their outcomes."""
    styles = {Outcome.OK: "green", Outcome.FAILED: "bold red", Outcome.ABSENT: "yellow"}
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("check")
    table.add_column("result")
    table.add_column("detail")
    for check in checks:
        table.add_row(check.name, Text(check.outcome.value, style=styles[check.outcome]), Text(check.detail))
    return table
