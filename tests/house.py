"""The package as a house: rooms, their front pages, and the arrows between modules. Nothing is imported to be read.

    pysnmalloc/                         a concept is a module at the top: freelist
      explore/                          a room is a package: explore/
        __init__.py                     its front page: what it is for, who imports it, its modules bottom to top
        search/                         a room in a room: explore/search/

A front page ends in two paragraphs that are data:

    Imported by: heap, and the rooms above it.

        layering, visiting, interface, loading      modules, and rooms with a slash, in the order of imports

An arrow is an import, wherever it stands: at the top, in a function, for type checkers only.
What imports by a string has no arrow that could be read; ``by_string`` names the modules that can.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["FRONT", "Arrow", "House", "essay"]

FRONT = "__init__"
BY_STRING = {"importlib", "pkgutil", "runpy", "imp", "zipimport"}
"""Modules that import a module by its name."""
HARMLESS = {("importlib", "resources"), ("importlib", "metadata")}
IMPORTERS = re.compile(r"Imported by: (?P<names>[\w, ]*?)(?P<above>,? and (?:the rooms|all) above (?:it|them))?\.")

Name = tuple[str, ...]
"""A module by the parts of its name, ``("explore", "search", "seeds")``; a front page by its room's name."""


def essay(path: Path) -> str:
    """A module's opening docstring."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"), str(path)), clean=False) or ""


@dataclass(frozen=True)
class Arrow:
    """An import: from a module to another, in a line."""

    start: Name
    end: Name
    line: int

    def __str__(self) -> str:
        return f"{spelled(self.start)} imports {spelled(self.end)} in line {self.line}"


def spelled(name: Name) -> str:
    """A module as messages show it."""
    return ".".join(name) or "the package's front page"


class House:
    """A package on disk.

    Attributes:
        folder: of the package.
        name: by which absolute imports call it.
        modules: the file of each module, front pages among them.
        rooms: the folders with modules in or below them, by name; the package itself is ().
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self.modules: dict[Name, Path] = {}
        self.rooms: set[Name] = set()
        for path in sorted(folder.rglob("*.py")):
            *above, stem = path.relative_to(folder).with_suffix("").parts
            self.modules[tuple(above) if stem == FRONT else (*above, stem)] = path
            self.rooms.update(tuple(above[:depth]) for depth in range(len(above) + 1))

    def listed(self, room: Name) -> list[str]:
        """The names in a room as its front page lists them, without slashes: its docstring's last paragraph."""
        return [name.rstrip("/") for name in self._names(room)]

    def wrongly_listed(self, room: Name) -> str:
        """What a front page lists wrong: a name that is not there, one that is left out, one twice, a slash."""
        names = self._names(room)
        inside = {name[len(room)] for name in (*self.modules, *self.rooms) if name[: len(room)] == room != name}
        there = {f"{name}/" if (*room, name) in self.rooms else name for name in inside} - {"__main__"}
        twice = {name for name in names if names.count(name) > 1}
        problems = {"missing": there - set(names), "not there": set(names) - there, "twice": twice}
        return "; ".join(f"{what}: {', '.join(sorted(which))}" for what, which in problems.items() if which)

    def _names(self, room: Name) -> list[str]:
        """The words of a front page's last paragraph."""
        *_, last = self._paragraphs(room)
        return re.findall(r"\w+/?", last)

    def _paragraphs(self, room: Name) -> list[str]:
        """The paragraphs of a front page."""
        path = self.modules.get(room)
        return essay(path).strip().split("\n\n") if path is not None else [""]

    def importers(self, room: Name) -> tuple[set[str], bool] | None:
        """Who imports a room, as its front page says: names beside it, and whether all above the last of them."""
        text = " ".join(" ".join(self._paragraphs(room)[:-1]).split())
        found = IMPORTERS.search(text)
        if found is None:
            return None
        return set(re.findall(r"\w+", found["names"])) - {"nothing", "beside", "it"}, found["above"] is not None

    @cached_property
    def arrows(self) -> list[Arrow]:
        """All imports inside of the package."""
        return [arrow for name, path in self.modules.items() for arrow in self._arrows_of(name, path)]

    def _arrows_of(self, name: Name, path: Path) -> Iterator[Arrow]:
        """The imports of one module."""
        room = name if path.stem == FRONT else name[:-1]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    first, *rest = alias.name.split(".")
                    if first == self.name:
                        yield Arrow(name, self._module(tuple(rest)), node.lineno)
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node, room)
                if base is not None:
                    for alias in node.names:
                        yield Arrow(name, self._module((*base, alias.name)), node.lineno)

    def _base(self, node: ast.ImportFrom, room: Name) -> Name | None:
        """What names are imported from, if it is in the package."""
        module = tuple((node.module or "").split(".")) if node.module else ()
        if node.level:
            return (*room[: len(room) + 1 - node.level], *module)
        return module[1:] if module[:1] == (self.name,) else None

    def _module(self, name: Name) -> Name:
        """The module that a dotted name leads to: itself, or the one that it is a name in."""
        while name not in self.modules and name:
            name = name[:-1]
        return name

    def by_string(self) -> list[Name]:
        """Return the modules that can import by a string, whatever name they give to what does it."""
        return [
            name
            for name, path in self.modules.items()
            if any(map(imports_by_string, ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path)))))
        ]

    def up(self) -> Iterator[Arrow]:
        """Yield the arrows that do not run down: to what is listed later, or from a room to its own front page."""
        for arrow in self.arrows:
            shared = shared_room(arrow.start, arrow.end)
            if arrow.start == shared or self._runs_down(shared, arrow):
                continue
            yield arrow

    def _runs_down(self, room: Name, arrow: Arrow) -> bool:
        """Whether an arrow in a room, which does not start at its front page, leads to what is listed before."""
        order = self.listed(room)
        if room == () and arrow.start[0] == "__main__":
            return True
        start = order.index(arrow.start[len(room)]) if arrow.start[len(room)] in order else -1
        if arrow.end == room:
            # Only the package itself has modules above its front page: the tools, which stand on the library.
            return room == () and start > max(order.index(name) for name in self._used_by_front() if name in order)
        return arrow.end[len(room)] in order and order.index(arrow.end[len(room)]) < start

    def _used_by_front(self) -> set[str]:
        """What the package's own front page imports."""
        return {arrow.end[0] for arrow in self.arrows if arrow.start == () and arrow.end}

    def circles(self) -> list[list[Name]]:
        """The circles: modules that reach each other by what is executed when they are imported, or later."""
        after: dict[Name, set[Name]] = {name: set() for name in self.modules}
        for arrow in self.arrows:
            after[arrow.start].add(arrow.end)
            # On its way to a module Python executes the front pages of the rooms that it enters.
            inside = len(shared_room(arrow.start, arrow.end))
            fronts = {arrow.end[:depth] for depth in range(inside + 1, len(arrow.end))}
            after[arrow.start] |= fronts & set(self.modules)
        return [sorted(part) for part in strongly_connected(after) if len(part) > 1 or part[0] in after[part[0]]]

    def actual_importers(self, room: Name) -> set[str]:
        """The names beside a room that import it or something in it."""
        above, depth = room[:-1], len(room)
        return {
            arrow.start[depth - 1]
            for arrow in self.arrows
            if arrow.end[:depth] == room and arrow.start[:depth] != room and arrow.start[: depth - 1] == above
            if len(arrow.start) >= depth
        }


def imports_by_string(node: ast.AST) -> bool:
    """Whether this is ``__import__``, ``sys.modules``, or an import of what imports by a string."""
    match node:
        case ast.Name(id="__import__") | ast.Attribute(attr="__import__" | "modules"):
            return True
        case ast.Import(names=names):
            found = [tuple(alias.name.split(".")) for alias in names]
        case ast.ImportFrom(module=str(module), names=names, level=0):
            found = [(*module.split("."), alias.name) for alias in names]
        case _:
            return False
    return any((name[0] in BY_STRING and name[:2] not in HARMLESS) or name == ("sys", "modules") for name in found)


def shared_room(one: Name, other: Name) -> Name:
    """The innermost room that holds both, or is one of them."""
    depth = 0
    while depth < min(len(one), len(other)) and one[depth] == other[depth]:
        depth += 1
    if one == other:
        depth -= 1
    return one[:depth]


def strongly_connected(after: dict[Name, set[Name]]) -> Iterator[list[Name]]:
    """Yield the strongly connected parts of a graph, by Tarjan's algorithm without recursion."""
    index: dict[Name, int] = {}
    low: dict[Name, int] = {}
    stack: list[Name] = []
    for root in after:
        work = [(root, iter(sorted(after[root])))] if root not in index else []
        while work:
            node, rest = work[-1]
            if node not in index:
                index[node] = low[node] = len(index)
                stack.append(node)
            for child in rest:
                if child not in index:
                    work.append((child, iter(sorted(after[child]))))
                    break
                if child in stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    part = stack[stack.index(node) :]
                    del stack[stack.index(node) :]
                    yield part
