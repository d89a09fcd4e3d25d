"""``pysnmalloc explore``: every execution of a scenario, and the faults found (§2.2, §2.5).

NAME ─► scenario ─┬─ explore      under one model, or under each
                  ├─ replay, tell one execution, by its schedule
                  └─ weaken_each  one order after another
                                    ─► reports, and an exit code
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ..atomics import Order
from ..explore import Finding, Result, Scenario, explore, replay, tell
from ..explore.findings.told import Told
from ..explore.weaken import weaken_each
from .common import FAILED, PART_OPTION, USAGE, bar, friendly, tally
from .reports import Report, print_json, print_report, print_weakened, write_page
from .scenarios import list_scenarios, load
from .streams import say

__all__ = ["EXPLORE_HELP", "explore_command", "pool"]

EXPLORE_HELP = (
    "Explore every execution of a scenario under a memory model, and show the shortest execution that fails.\n\n"
    "NAME is a built-in scenario (bug:... has a bug in the allocator, litmus:... tests the memory model), or one of "
    "your own: module:Class or file.py:Class. Without NAME, the command lists the built-in scenarios.\n\n"
    "The command runs one execution of each class of equivalent executions, unless --plain, --preemptions or "
    "--random say otherwise. The verdict states what was proved, and within which bound.\n\n"
    "Exit code 0: no fault was found. Exit code 1: a fault was found. Exit code 2: a name, an option or a schedule "
    "is invalid."
)
WIDEST = 110


class Model(enum.StrEnum):
    """The memory models, by name."""

    SC = "sc"
    TSO = "tso"
    CPP20 = "cpp20"
    RC11 = "rc11"
    ALL = "all"


@dataclasses.dataclass(frozen=True)
class _Way:
    """How to explore the executions; see ``explore``."""

    plain: bool
    preemptions: int | None
    random: int | None
    pct: int | None
    seed: int
    weaken: Mapping[str, Order]
    executions: int | None
    jobs: int
    parts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.jobs > 1 and (self.plain or self.preemptions is not None or self.random is not None):
            raise typer.BadParameter(
                "--jobs explores one execution of each class; it excludes --plain, --preemptions and --random"
            )

    @property
    def usual(self) -> bool:
        """Whether only orders were chosen."""
        return self == _Way(False, None, None, None, 0, self.weaken, None, 1)


def _order(text: str) -> tuple[str, Order]:
    """Read ``SITE=ORDER``."""
    site, _, order = text.rpartition("=")
    try:
        return site.strip(), Order(order.strip())
    except ValueError:
        known = ", ".join(each.value for each in Order)
        raise typer.BadParameter(
            f"{text!r} is not SITE=ORDER; the orders are {known}, and findings name the sites"
        ) from None


def explore_command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="The scenario. Default: list all scenarios.", show_default=False),
    ] = None,
    model: Annotated[
        Model | None,
        typer.Option(
            help="Memory model: tso is x86, rc11 is C++11, repaired. Default: cpp20, which is C++20; sc with --plain.",
            show_default=False,
        ),
    ] = None,
    plain: Annotated[bool, typer.Option("--plain", help="Explore every interleaving separately; model sc.")] = False,
    preemptions: Annotated[
        int | None,
        typer.Option(min=0, help="Explore executions with at most this many preemptions.", show_default=False),
    ] = None,
    random: Annotated[
        int | None, typer.Option(min=1, help="Explore this many random executions.", show_default=False)
    ] = None,
    pct: Annotated[
        int | None,
        typer.Option(
            min=1, help="With --random: schedule by priorities that change D-1 times.", metavar="D", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random executions.")] = 0,
    weaken: Annotated[
        list[str] | None,
        typer.Option(metavar="SITE=ORDER", help="Use another order at a site of the source; repeatable."),
    ] = None,
    weaken_every: Annotated[
        bool, typer.Option("--weaken-each", help="Weaken every order in turn, and report which orders are needed.")
    ] = False,
    schedule: Annotated[
        str | None,
        typer.Option("--replay", metavar="SCHEDULE", help="Replay one execution to its end.", show_default=False),
    ] = None,
    told: Annotated[
        str | None,
        typer.Option(
            "--tell", metavar="SCHEDULE", help="Show one execution, or its beginning, step by step.", show_default=False
        ),
    ] = None,
    part: Annotated[list[str] | None, PART_OPTION] = None,
    executions: Annotated[
        int | None, typer.Option(min=1, help="Stop after this many executions.", show_default=False)
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=1, max=256, help="Number of processes; excludes --plain, --preemptions and --random.")
    ] = 1,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Also write a page.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print only JSON.")] = False,
) -> None:
    """Explore a scenario (see ``EXPLORE_HELP``)."""
    console = Console()
    width = min(console.width, WIDEST)
    if name is None:
        list_scenarios(console, width)
        return
    way = _Way(
        plain, preemptions, random, pct, seed, dict(map(_order, weaken or [])), executions, jobs, tuple(part or ())
    )
    one = schedule is not None or told is not None
    if weaken_every and (as_json or html is not None or one or weaken or not way.usual):
        raise typer.BadParameter("--weaken-each prints a table; it can be combined only with --model")
    if one and not way.usual:
        raise typer.BadParameter("a schedule is one execution; it can be combined only with --model and --weaken")
    reports: list[Report] = []
    with friendly(), _understood():
        scenario = load(name, way.parts)
        command = " ".join((name, *(f"--part {each}" for each in way.parts)))
        for each in _models(model, plain=plain, one=one):
            if weaken_every:
                title = f"{scenario.name}, model {each}: each order weakened in turn"
                with bar() as shown_share:
                    weakened = weaken_each(scenario, each, progress=shown_share.show)
                print_weakened(console, title, weakened, width)
                continue
            found = _one(scenario, schedule, told, each, way) if one else _explored(scenario, name, each, way)
            reports.append(Report.of(found, width, command))
            if not as_json:
                print_report(console, reports[-1])
    if as_json:
        print_json(reports)
    if html is not None:
        write_page(html, reports, f"pysnmalloc explore {command}")
    if any(report.wrong for report in reports):
        raise typer.Exit(FAILED)


def _models(model: Model | None, *, plain: bool, one: bool) -> list[str]:
    """The models to explore under."""
    if model is Model.ALL and one:
        raise ValueError("a schedule belongs to one model: choose one")
    if model is Model.ALL:
        return [each.value for each in Model if each is not Model.ALL]
    return [model.value if model is not None else "sc" if plain else "cpp20"]


def _explored(scenario: Scenario, name: str, model: str, way: _Way) -> Result:
    """Explore, and show the progress."""
    with tally(f"{scenario.name}, {model}", "executions") as shown_count, pool(name, way.jobs, way.parts) as executor:
        return explore(
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


def _one(scenario: Scenario, schedule: str | None, told: str | None, model: str, way: _Way) -> Finding | Told:
    """Replay an execution, or show it step by step; a replay without a fault is shown too."""
    if told is not None and schedule is not None:
        raise ValueError("--replay and --tell exclude each other: choose one")
    if told is None:
        told = schedule or ""
        finding = replay(scenario, told, model, way.weaken)
        if finding is not None:
            return finding
    return tell(scenario, told, model, way.weaken)


def pool(name: str, jobs: int, parts: tuple[str, ...] = ()) -> AbstractContextManager[Executor | None]:
    """Return a pool of processes; each first loads the scenario's module, so that the scenario can be sent there."""
    if jobs == 1:
        return nullcontext()
    # Spawned, not forked: a progress line may be running in another thread.
    return ProcessPoolExecutor(jobs, get_context("spawn"), initializer=partial(load, name, parts))


@contextmanager
def _understood() -> Iterator[None]:
    """Turn errors in names, options and schedules into a message; ``ScheduleError`` is a ``ValueError``."""
    try:
        yield
    except ValueError as error:
        say(f"Error: {error}", error=True)
        raise typer.Exit(USAGE) from None
