"""Reports of ``pysnmalloc explore``: on the terminal, as a page, as JSON (§2.2).

Result, Finding, Told ─► Report ─► text; colour only repeats what signs say
                                ├► HTML, for a file
                                └► data, for JSON
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.text import Text

from .. import __version__
from ..atomics import Order
from ..explore import Finding, Result
from ..explore.findings.html import finding_html, page, result_html, told_html
from ..explore.findings.text import finding_text, result_text, told_text
from ..explore.findings.told import Told
from ..explore.findings.wording import shown
from ..explore.weaken import Weakened
from ..replay.tables import Records
from .common import USAGE
from .streams import print_json as print_data
from .streams import say

__all__ = ["Report", "print_json", "print_report", "print_weakened", "write_page"]


@dataclasses.dataclass(frozen=True)
class Report:
    """A report in three forms.

    Attributes:
        text, html, data: the forms; data is for JSON.
        wrong: whether it reports a fault.
    """

    text: str
    html: str
    data: object
    wrong: bool

    @classmethod
    def of(cls, found: Result | Finding | Told, width: int, name: str) -> Report:
        """Report a result in ``width`` columns; ``name`` is the scenario's name on the command line."""
        if isinstance(found, Result):
            return cls(result_text(found, width, name), result_html(found, name), _result_data(found), not found.ok)
        if isinstance(found, Finding):
            return cls(finding_text(found, width, name), finding_html(found, name), _finding_data(found), wrong=True)
        text, html = told_text(found, width, name), told_html(found, name)
        return cls(text, html, _told_data(found), found.wrong is not None)


def print_report(console: Console, report: Report) -> None:
    """Print a report; colour only repeats what signs say."""
    text = Text(report.text + "\n")
    text.highlight_regex(r"(?m)^ *✗ .*$|^.*: wrong: .*$", "bold red")
    text.highlight_regex(r"≠ newest(: \S+ ← (step \d+|the start))?", "bold yellow")
    text.highlight_regex(r"(?m)^(how to read this|sites of these steps|schedule|once more)", "bold")
    console.print(text, soft_wrap=True)


def print_json(reports: Sequence[Report]) -> None:
    """Print reports as JSON."""
    data = {"pysnmalloc": __version__, "reports": [report.data for report in reports]}
    print_data(data, default=_plain)


def write_page(path: Path, reports: Sequence[Report], title: str) -> None:
    """Save reports as a page."""
    try:
        path.write_text(page("\n".join(report.html for report in reports), title), encoding="utf-8")
    except OSError as error:
        say(f"Error: {path} cannot be written: {error.strerror}", error=True)
        raise typer.Exit(USAGE) from None


def print_weakened(console: Console, title: str, weakened: Sequence[Weakened], width: int) -> None:
    """Print a table of the orders that are needed."""
    table = Records("site", "order", "weaker", "result", "steps", words=(0, 1, 2, 3), title=title)
    for each in weakened:
        then, steps = _then(each)
        table.add_row(each.site, each.order.value, each.weaker.value, then, steps)
    console.print(table, width=width, crop=False)


def _then(weakened: Weakened) -> tuple[Text, str]:
    """Return the result of a weakened order, and the number of steps of the shortest finding."""
    findings = weakened.result.findings
    if findings:
        return Text(f"needed: {findings[0].kind}", style="bold"), str(len(findings[0].steps))
    proof = "" if weakened.result.exhausted else ", no proof"
    return Text(f"not needed here{proof}"), "–"


def _result_data(result: Result) -> dict[str, object]:
    """Return a result for JSON."""
    outcomes = [
        {"results": list(map(shown, outcome.results)), "judged": shown(outcome.judged), "executions": count}
        for outcome, count in result.outcomes.items()
    ]
    keys = ("scenario", "model", "verdict", "ok", "how", "exhausted", "within", "executions", "classes", "unfair")
    return {
        "report": "exploration",
        **{key: getattr(result, key) for key in keys},
        "threads": result.threads,
        "weakened": dict(result.weakened),
        "outcomes": outcomes,
        "findings": list(map(_finding_data, result.findings)),
    }


def _finding_data(finding: Finding) -> dict[str, object]:
    """Return a finding for JSON."""
    return {"report": "finding", **dataclasses.asdict(finding), "weakened": dict(finding.weakened)}


def _told_data(told: Told) -> dict[str, object]:
    """Return an execution for JSON."""
    keys = ("scenario", "model", "threads", "schedule", "wrong", "before")
    return {
        "report": "execution",
        **{key: getattr(told, key) for key in keys},
        "weakened": dict(told.weakened),
        "steps": list(map(dataclasses.asdict, told.steps)),
    }


def _plain(value: object) -> str:
    """Return the text of a value that JSON cannot represent."""
    return str(value.value) if isinstance(value, Order) else str(value)
