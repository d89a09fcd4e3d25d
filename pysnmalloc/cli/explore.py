"""``pysnmalloc explore``: every execution of a scenario, and what goes wrong in it (§2.2, §2.5)."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .. import __version__
from ..atomics import Order
from ..explore import Finding, Result, Scenario, explore, replay, tell
from ..explore.html import finding_html, page, result_html, told_html
from ..explore.telling import Told
from ..explore.text import finding_text, result_text, told_text
from ..explore.weaken import Weakened, weaken_each
from ..explore.wording import shown
from .common import FAILED, USAGE, tally
from .scenarios import list_scenarios, load

__all__ = ["EXPLORE_HELP", "explore_command"]

EXPLORE_HELP = (
    "Explore every execution of a scenario under a memory model, and show the shortest one that goes wrong.\n\n"
    "NAME is a built-in scenario, or one of your own: module:Class or file.py:Class. Without a NAME, the built-in "
    "ones are listed.\n\n"
    "One execution of each class of equivalent ones is gone through, unless --plain, --preemptions or --random "
    "say otherwise. The verdict says what was proved, and within which bound.\n\n"
    "Exit code 0: nothing wrong was found. Exit code 1: something was. Exit code 2: a name, an option or a schedule "
    "cannot be understood."
)
WIDEST = 110


class Model(enum.StrEnum):
    """The memory models, by name."""

    SC = "sc"
    TSO = "tso"
    RC11 = "rc11"
    ALL = "all"


@dataclasses.dataclass(frozen=True)
class _Way:
    """How to go through the executions, see ``explore``."""

    plain: bool
    preemptions: int | None
    random: int | None
    pct: int | None
    seed: int
    weaken: Mapping[str, Order]
    executions: int | None
    jobs: int


@dataclasses.dataclass(frozen=True)
class _Report:
    """Something to show, in each form: as text of a width, as HTML, as JSON; and whether it is of something wrong."""

    text: str
    html: str
    data: object
    wrong: bool


def _order(text: str) -> tuple[str, Order]:
    """Read ``SITE=ORDER``."""
    site, _, order = text.rpartition("=")
    try:
        return site.strip(), Order(order.strip())
    except ValueError:
        known = ", ".join(each.value for each in Order)
        raise typer.BadParameter(f"{text!r} is not SITE=ORDER; orders are {known}, and findings name sites") from None


def explore_command(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The scenario. Without one: list them.", show_default=False)
    ] = None,
    model: Annotated[
        Model | None, typer.Option(help="Memory model. Default: rc11; sc with --plain.", show_default=False)
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Every interleaving by itself; model sc.")] = False,
    preemptions: Annotated[
        int | None, typer.Option(min=0, help="Executions with at most so many preemptions.", show_default=False)
    ] = None,
    random: Annotated[
        int | None, typer.Option(min=1, help="So many executions, drawn by lot.", show_default=False)
    ] = None,
    pct: Annotated[
        int | None,
        typer.Option(
            min=1, help="With --random: by priorities that change D-1 times.", metavar="D", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the lots.")] = 0,
    weaken: Annotated[
        list[str] | None,
        typer.Option(metavar="SITE=ORDER", help="Use another order at a site of the source; repeatable."),
    ] = None,
    weaken_every: Annotated[
        bool, typer.Option("--weaken-each", help="Weaken every order in turn, and say which are needed.")
    ] = False,
    schedule: Annotated[
        str | None,
        typer.Option("--replay", metavar="SCHEDULE", help="Replay one execution to its end.", show_default=False),
    ] = None,
    told: Annotated[
        str | None,
        typer.Option("--tell", metavar="SCHEDULE", help="Tell one execution, or its beginning.", show_default=False),
    ] = None,
    executions: Annotated[int | None, typer.Option(min=1, help="Stop after so many.", show_default=False)] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to explore with; not with --plain and others.")] = 1,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write a page as well.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON, and nothing else.")] = False,
) -> None:
    """Explore a scenario (see ``EXPLORE_HELP``)."""
    console = Console()
    width = min(console.width, WIDEST)
    if name is None:
        list_scenarios(console, width)
        return
    way = _Way(plain, preemptions, random, pct, seed, dict(map(_order, weaken or [])), executions, jobs)
    if weaken_every and (as_json or html is not None or schedule is not None or told is not None):
        raise typer.BadParameter("--weaken-each shows a table; leave out --json, --html, --replay and --tell")
    with _understood():
        scenario = load(name)
        models = _models(model, plain=plain)
        if weaken_every:
            for each in models:
                _show_weakened(console, scenario, each, width)
            return
        if schedule is not None or told is not None:
            reports = [_one_execution(scenario, name, schedule, told, models, way, width)]
        else:
            reports = []
            for each in models:
                reports.append(_exploration(scenario, name, each, way, width))
                if not as_json:
                    _print(console, reports[-1])
    if as_json:
        data = {"pysnmalloc": __version__, "reports": [report.data for report in reports]}
        typer.echo(json.dumps(data, indent=1, default=_plain, ensure_ascii=False))
    elif schedule is not None or told is not None:
        _print(console, reports[0])
    if html is not None:
        _write(html, page("\n".join(report.html for report in reports), f"pysnmalloc explore {name}"))
    if any(report.wrong for report in reports):
        raise typer.Exit(FAILED)


def _models(model: Model | None, *, plain: bool) -> list[str]:
    """The models to explore under."""
    if model is Model.ALL:
        return [each.value for each in Model if each is not Model.ALL]
    return [model.value if model is not None else "sc" if plain else "rc11"]


def _exploration(scenario: Scenario, name: str, model: str, way: _Way, width: int) -> _Report:
    """Explore, and say what was found."""
    with tally(f"{scenario.name}, {model}", "executions") as shown_count, _pool(name, way) as executor:
        result = explore(
            scenario,
            model,
            plain=way.plain,
            preemptions=way.preemptions,
            random=way.random,
            pct=way.pct,
            seed=way.seed,
            weaken=way.weaken,
            executions=way.executions,
            executor=executor,
            progress=shown_count.show,
        )
    return _Report(result_text(result, width, name), result_html(result, name), _result_data(result), not result.ok)


def _one_execution(
    scenario: Scenario, name: str, schedule: str | None, told: str | None, models: list[str], way: _Way, width: int
) -> _Report:
    """Replay an execution, or tell it."""
    if len(models) > 1 or (schedule is not None and told is not None):
        raise ValueError("a schedule is of one model, and is either replayed or told: choose one of each")
    if told is None:
        assert schedule is not None
        finding = replay(scenario, schedule, models[0], way.weaken)
        if finding is not None:
            text, html = finding_text(finding, width, name), finding_html(finding, name)
            return _Report(text, html, _finding_data(finding), wrong=True)
    story = tell(scenario, told if told is not None else schedule or "", models[0], way.weaken)
    return _Report(told_text(story, width, name), told_html(story, name), _told_data(story), story.wrong is not None)


def _pool(name: str, way: _Way) -> AbstractContextManager[Executor | None]:
    """Processes to explore with; each loads the scenario's module first, so that it can be sent there."""
    if way.jobs == 1:
        return nullcontext()
    if way.plain or way.preemptions is not None or way.random is not None:
        raise ValueError("--jobs is for one execution of each class; leave out --plain, --preemptions and --random")
    # Spawned, not forked: a progress line may be running in a thread of its own.
    return ProcessPoolExecutor(way.jobs, get_context("spawn"), initializer=partial(load, name))


def _show_weakened(console: Console, scenario: Scenario, model: str, width: int) -> None:
    """Print which orders are needed."""
    table = Table(
        title=Text(f"{scenario.name}, model {model}: each order weakened"), title_justify="left", box=SIMPLE_HEAD,
        pad_edge=False,
    )  # fmt: skip
    for heading in ("site", "order", "weaker", "then"):
        table.add_column(heading)
    table.add_column("steps", justify="right")
    for each in weaken_each(scenario, model):
        then, steps = _then(each)
        table.add_row(Text(each.site), each.order.value, each.weaker.value, then, steps)
    console.print(table, width=width)


def _then(weakened: Weakened) -> tuple[Text, str]:
    """What became of a weakened order: in words, and the steps of the shortest finding."""
    findings = weakened.result.findings
    if findings:
        return Text(f"needed: {findings[0].kind}", style="bold"), str(len(findings[0].steps))
    proof = "" if weakened.result.exhausted else ", no proof"
    return Text(f"not needed here{proof}"), "–"


def _print(console: Console, report: _Report) -> None:
    """Print a report; colour only says once more what signs say."""
    text = Text(report.text + "\n")
    text.highlight_regex(r"(?m)^ *✗ .*$|^.*: wrong: .*$", "bold red")
    text.highlight_regex(r"≠ newest(: \S+ ← (step \d+|the start))?", "bold yellow")
    text.highlight_regex(r"(?m)^(how to read this|sites of these steps|schedule|once more)", "bold")
    console.print(text, soft_wrap=True)


def _write(path: Path, html: str) -> None:
    """Save a page."""
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        typer.echo(f"Error: {path} cannot be written: {error.strerror}", err=True)
        raise typer.Exit(USAGE) from error


@contextmanager
def _understood() -> Iterator[None]:
    """Turn names, options and schedules that are none into a message; ``ScheduleError`` is a ``ValueError``."""
    try:
        yield
    except ValueError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(USAGE) from error


def _result_data(result: Result) -> dict[str, object]:
    """A result for JSON."""
    outcomes = [
        {"results": list(map(shown, outcome.results)), "judged": shown(outcome.judged), "executions": count}
        for outcome, count in result.outcomes.items()
    ]
    keys = ("scenario", "model", "verdict", "ok", "how", "exhausted", "within", "executions", "classes", "unfair")
    return {
        **{key: getattr(result, key) for key in keys},
        "threads": result.threads,
        "weakened": dict(result.weakened),
        "outcomes": outcomes,
        "findings": list(map(_finding_data, result.findings)),
    }


def _finding_data(finding: Finding) -> dict[str, object]:
    """A finding for JSON."""
    return {**dataclasses.asdict(finding), "weakened": dict(finding.weakened)}


def _told_data(told: Told) -> dict[str, object]:
    """An execution for JSON."""
    keys = ("scenario", "model", "threads", "schedule", "wrong", "before")
    return {**{key: getattr(told, key) for key in keys}, "steps": list(map(dataclasses.asdict, told.steps))}


def _plain(value: object) -> str:
    """What JSON has no form for."""
    return str(value.value) if isinstance(value, Order) else str(value)
