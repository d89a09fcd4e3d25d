"""Scenarios by their names on the command line: built-in ones, and a user's own.

    queue, litmus:SB       built in
    bug:link-relaxed       built in, with a bug in the allocator
    package.module:Class   imported, also from the current directory
    path/to/file.py:Class  loaded from a file

A class is called without arguments; an instance is used unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from ..explore import Scenario
from ..explore.scenarios import SCENARIOS
from ..explore.scenarios.seeded import SEEDED
from ..explore.threads.misuse import failed_at
from ..parts import load_object, load_parts
from ..replay.tables import Records

__all__ = ["UnknownScenario", "list_scenarios", "load"]

LITMUS, BUG = "litmus:", "bug:"
BUGS = {BUG + bug.name: bug for bug in SEEDED}


class UnknownScenario(ValueError):
    """No scenario has this name."""


def load(name: str, parts: Sequence[str] = ()) -> Scenario:
    """Return the scenario of this name, with threads that use the parts given as ``name=file.py:Class``.

    Raises:
        UnknownScenario: with the reason, and similar names.
        PartError: if a part cannot be loaded, is unsuitable, or is not used by the scenario.
    """
    scenario = _named(name)
    return scenario.having(load_parts(parts)) if parts else scenario


def _named(name: str) -> Scenario:
    """Return the scenario of this name.

    Raises:
        UnknownScenario: with the reason, and similar names.
    """
    if name in SCENARIOS:
        return SCENARIOS[name]
    if name in BUGS:
        return BUGS[name].seeded()
    where, _, what = name.rpartition(":")
    if not where or name.startswith((LITMUS, BUG)):
        near = _near(name)
        raise UnknownScenario(
            f"there is no scenario “{name}”; did you mean {' or '.join(near)}? Without a name, pysnmalloc explore "
            "lists all. Write your own as module:Class or file.py:Class"
        )
    try:
        found = load_object(name)
    except Exception as error:  # whatever the user's module raises
        if type(error) is LookupError:  # there is no such module or name
            raise UnknownScenario(f"{error.args[0]}; name a subclass of pysnmalloc.explore.Scenario") from None
        raise UnknownScenario(f"{where} cannot be loaded: it raises {failed_at(error)}") from error
    if isinstance(found, type) and issubclass(found, Scenario):
        try:
            return found()
        except Exception as error:  # whatever the user's class raises
            if isinstance(error, TypeError) and error.__traceback__ is not None and not error.__traceback__.tb_next:
                raise UnknownScenario(
                    f"{name} cannot be created without arguments: {error}; name an instance"
                ) from error
            raise UnknownScenario(f"{name} cannot be created: it raises {failed_at(error)}") from error
    if isinstance(found, Scenario):
        return found
    raise UnknownScenario(f"{what} in {where} is not a Scenario; name a subclass of pysnmalloc.explore.Scenario")


def _near(name: str) -> list[str]:
    """Return the names that are nearest to a name: in any case, with or without what stands before the colon."""
    known = {each.lower(): each for each in [*SCENARIOS, *BUGS]}
    known |= {each.rpartition(":")[2]: name for each, name in reversed(known.items())} | known
    bare = name.lower().strip()
    inside = [each for each in known if bare and bare in each]
    close = get_close_matches(bare, known, n=3) or inside[:3] or get_close_matches(bare, known, n=3, cutoff=0.0)
    return list(dict.fromkeys(known[each] for each in close))


def list_scenarios(console: Console, width: int) -> None:
    """Print the built-in scenarios: a table, and the names of bugs and litmus tests."""
    table = Records("scenario", "question", "section", words=(1, 2))
    litmus: list[str] = []
    for name, scenario in SCENARIOS.items():
        if name.startswith(LITMUS):
            litmus.append(name)
        else:
            table.add_row(name, scenario.about, scenario.section or "–")
    console.print(table, width=width, crop=False)
    console.print()
    for names, things in ((list(BUGS), "bugs seeded in the allocator"), (litmus, "litmus tests")):
        console.print(Text(f"{len(names)} {things}:"), width=width)
        console.print(Padding(Text(", ".join(names)), (0, 0, 1, 2)), width=width)
