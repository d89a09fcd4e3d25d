"""Scenarios by what is written on the command line: built-in ones, and a user's own.

    queue, litmus:SB       built in
    bug:link-relaxed       a built-in one with a bug in the allocator
    package.module:Class   imported, from the current directory too
    path/to/file.py:Class  a file

A class is called without arguments; an instance is taken as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..explore import Scenario
from ..explore.scenarios import SCENARIOS
from ..explore.scenarios.seeded import SEEDED
from ..parts import load_object, load_parts

__all__ = ["UnknownScenario", "list_scenarios", "load"]

LITMUS, BUG = "litmus:", "bug:"
BUGS = {BUG + bug.name: bug for bug in SEEDED}


class UnknownScenario(ValueError):
    """A name that no scenario has."""


def load(name: str, parts: Sequence[str] = ()) -> Scenario:
    """Return the scenario of this name, with threads that use the parts given as ``name=file.py:Class``.

    Raises:
        UnknownScenario: with the reason, and names that look like it.
        PartError: when a part cannot be loaded, cannot serve, or is not used by the scenario.
    """
    scenario = _named(name)
    return scenario.having(load_parts(parts)) if parts else scenario


def _named(name: str) -> Scenario:
    """Return the scenario of this name.

    Raises:
        UnknownScenario: with the reason, and names that look like it.
    """
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name in BUGS:
        return BUGS[name].seeded()
    where, _, what = name.rpartition(":")
    if not where or name.startswith((LITMUS, BUG)):
        near = get_close_matches(name, [*SCENARIOS, *BUGS], n=3) or ["pysnmalloc explore, without a name, lists them"]
        raise UnknownScenario(
            f"there is no scenario “{name}”; close to it: {', '.join(near)}. One of your own is module:Class or "
            "file.py:Class"
        )
    try:
        found = load_object(name)
    except LookupError as error:
        raise UnknownScenario(f"{error.args[0]}; name a subclass of pysnmalloc.explore.Scenario") from error
    if isinstance(found, type) and issubclass(found, Scenario):
        try:
            return found()
        except TypeError as error:
            raise UnknownScenario(f"{name} cannot be made without arguments: {error}; name an instance") from error
    if isinstance(found, Scenario):
        return found
    raise UnknownScenario(f"{what} of {where} is no Scenario; name a subclass of pysnmalloc.explore.Scenario")


def list_scenarios(console: Console, width: int) -> None:
    """Print what is built in: a table, and the names of litmus tests."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("scenario", "question", "section"):
        table.add_column(heading)
    litmus: list[str] = []
    for name, scenario in SCENARIOS.items():
        if name.startswith(LITMUS):
            litmus.append(name)
        else:
            table.add_row(Text(name, no_wrap=True), Text(scenario.about), Text(scenario.section or "–"))
    console.print(table, width=width)
    for names, things in ((list(BUGS), "bugs seeded in the allocator"), (litmus, "litmus tests")):
        console.print(Text(f"and {len(names)} {things}:"), width=width)
        console.print(Padding(Text(", ".join(names)), (0, 0, 1, 2)), width=width)
