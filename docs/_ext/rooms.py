"""The package as the site shows it: the concepts, then the rooms, in the order of their front pages.

    freelist            a concept: /source/freelist
    inspection          a room, shown as inspection/: /source/inspection
    inspection/laws     a module in it: /source/inspection/laws

Names are paths inside the package. ``tests.house`` reads the order from the front pages, and the tests hold every
import to that order, so a new module or room needs no entry here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.house import House

__all__ = ["CONCEPTS", "PACKAGE", "ROOMS", "is_room", "modules", "modules_of", "page_named", "shown", "source_of"]

PACKAGE = Path(__file__).parents[2] / "pysnmalloc"
HOUSE = House(PACKAGE)
NAMES = {"/".join(name) for name in HOUSE.modules} - {"", "__main__"}


def is_room(name: str) -> bool:
    """Return whether a name is that of a room."""
    return tuple(name.split("/")) in HOUSE.rooms


ROOMS = [name for name in HOUSE.listed(()) if is_room(name)]
"""The rooms at the top, bottom to top."""
CONCEPTS = [name for name in HOUSE.listed(()) if not is_room(name)]
"""The modules at the top, bottom to top."""


def modules_of(room: str) -> list[str]:
    """Return the modules and rooms in a room, in the order of its front page."""
    return [f"{room}/{name}" for name in HOUSE.listed(tuple(room.split("/")))]


def modules() -> Iterator[str]:
    """Yield all modules and rooms in reading order. The modules in a room follow its front page."""
    waiting = [*CONCEPTS, *ROOMS]
    while waiting:
        name = waiting.pop(0)
        yield name
        if is_room(name):
            waiting[:0] = modules_of(name)


def source_of(name: str) -> Path:
    """Return the file of a module, or of the front page of a room."""
    return HOUSE.modules[tuple(name.split("/"))]


def shown(name: str) -> str:
    """Return a name as front pages write it: the name of a room ends with a slash."""
    return f"{name}/" if is_room(name) else name


def page_named(code: str, module: str) -> str | None:
    """Return the module that a name in an essay means: in the essay's own room, or else in a room around it."""
    room = module if is_room(module) else module.rpartition("/")[0]
    name = code.removesuffix("/").replace(".", "/")
    while True:
        found = f"{room}/{name}" if room else name
        if found in NAMES and found != module:
            return found
        if not room:
            return None
        room = room.rpartition("/")[0]
