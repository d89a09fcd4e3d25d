"""``pysnmalloc doctor``: does the allocator work on this Python and this machine?"""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from .. import __version__
from ..doctor import Check, Outcome, describe, examine
from ..replay.report import WIDTH
from ..replay.tables import Records
from .common import FAILED, bar
from .streams import say

__all__ = ["doctor_command"]


def doctor_command(
    seconds: Annotated[
        float, typer.Option(min=0.0, help="Time for all checks together; in less time, they do less work.")
    ] = 10.0,
) -> None:
    """Test the allocator with this Python on this machine, for ten seconds by default."""
    console = Console()
    width = min(console.width, WIDTH)
    console.print(_facts(), width=width, crop=False)
    console.print()
    checks: list[Check] = []
    with bar(patience=0) as shown:
        checks.extend(examine(seconds, shown.show))
    console.print(_checks(checks), width=width, crop=False)
    console.print()
    failed = sum(check.outcome is Outcome.FAILED for check in checks)
    if failed:
        say(f"{failed} of {len(checks)} checks failed.", error=True)
        raise typer.Exit(FAILED)
    console.print("The allocator works with this Python on this machine.", width=width)


def _facts() -> Records:
    """Return a table of facts."""
    table = Records("this Python and machine", "", words=(0, 1), title=f"pysnmalloc {__version__}")
    for name, value in describe().items():
        table.add_row(name, value)
    return table


def _checks(checks: list[Check]) -> Records:
    """Return a table of checks and their outcomes."""
    styles = {Outcome.OK: "green", Outcome.FAILED: "bold red", Outcome.ABSENT: "yellow"}
    table = Records("check", "result", "detail", words=(0, 1, 2))
    for check in checks:
        table.add_row(check.name, Text(check.outcome.value, style=styles[check.outcome]), check.detail)
    return table
