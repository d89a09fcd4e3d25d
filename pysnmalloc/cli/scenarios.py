"""Scenarios by what is written on the command line: built-in ones, and a user's own.

    queue, litmus:SB       built in
    bug:link-relaxed       a built-in one with a bug in the allocator
    package.module:Class   imported, from the current directory too
    path/to/file.py:Class  a file

A class is called without arguments; an instance is taken as it is.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..explore import Scenario
from ..explore.scenarios import SCENARIOS
from ..explore.scenarios.seeded import SEEDED

__all__ = ["UnknownScenario", "list_scenarios", "load"]

LITMUS, BUG = "litmus:", "bug:"
BUGS = {BUG + bug.name: bug for bug in SEEDED}


class UnknownScenario(ValueError):
    """A name that no scenario has."""


def load(name: str) -> Scenario:
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
    found = getattr(_module(where), what, None)
    if isinstance(found, type) and issubclass(found, Scenario):
        try:
            return found()
        except TypeError as error:
            raise UnknownScenario(f"{name} cannot be made without arguments: {error}; name an instance") from error
    if isinstance(found, Scenario):
        return found
    known = "is no Scenario" if found is not None else "is not there"
    raise UnknownScenario(f"{what} of {where} {known}; name a subclass of pysnmalloc.explore.Scenario")


def _module(where: str) -> ModuleType:
    """Import a module, or a file under a name that no other module has: workers find it by that."""
    if not where.endswith(".py"):
        if "" not in sys.path:
            sys.path.insert(0, "")
        try:
            return importlib.import_module(where)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{where}.".startswith(f"{error.name}."):
                raise  # it is there, and imports something that is not
            raise UnknownScenario(f"there is no module {where}: {error}") from error
    path = Path(where)
    name = f"scenarios_in_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UnknownScenario(f"there is no file {where}")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
