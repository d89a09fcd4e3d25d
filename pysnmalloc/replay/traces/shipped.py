"""The traces that ship with the package, and names that are nearly theirs.

    python-json     a name: pysnmalloc show python-json --at 50
    pyton-jsn       no name; “Did you mean python-json?”

The law: a file of the same name comes first, so that a name never hides a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

__all__ = ["PROGRAMS", "SHIPPED", "Shipped", "meant"]

MOST_NEIGHBOURS = 1000  # files of a folder whose names are compared


@dataclass(frozen=True)
class Shipped:
    """A trace that ships with the package.

    Attributes:
        name: on the command line, and for ``read_shipped``.
        program: what was recorded.
        threads: number of threads.
        calls: number of calls.
    """

    name: str
    program: str
    threads: int
    calls: int


PROGRAMS = (
    Shipped("redis-lazyfree", "a Redis server; a thread in the background frees", 3, 177_718),
    Shipped("pbzip2", "pbzip2, which compresses with several threads", 6, 806),
    Shipped("git-log", "git log", 1, 32_409),
    Shipped("python-json", "a Python program that uses json", 1, 60_000),
)
"""The traces of real programs that ship with the package."""
SHIPPED = tuple(each.name for each in PROGRAMS)
"""Their names; the first is the default."""


def meant(name: str) -> str:
    """Return a question such as “Did you mean python-json?”, or an empty text if no name is near."""
    path = Path(name)
    known = [*SHIPPED, *(str(path.with_name(each)) for each in _neighbours(path))]
    bare = name.lower().removesuffix(".gz").removesuffix(".trace")
    inside = [each for each in SHIPPED if bare and bare in each]
    near = [*(get_close_matches(bare, SHIPPED, n=1) or inside), *get_close_matches(name, known, n=2)]
    return f"Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""


def _neighbours(path: Path) -> list[str]:
    """Return the names of the files in the folder of a path."""
    try:
        return [each.name for _, each in zip(range(MOST_NEIGHBOURS), path.parent.iterdir(), strict=False)]
    except (OSError, ValueError):
        return []
