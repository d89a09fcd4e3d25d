"""The map: from the paper's sections to modules, tutorials, tests and C++, from one table, ``map.toml``.

    .. map-sections::       section, modules, tutorials, labs, C++ then and now
    .. map-claims::         what the paper claims, and what shows it here
    .. map-differences::    where we differ, and why

The same table gives each page of annotated source its links. ``tests/test_map.py`` checks that all it names exists.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

from docutils import nodes
from essay import inline, reference
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

TABLE = Path(__file__).parents[1] / "map.toml"
TUTORIALS = Path(__file__).parents[2] / "tutorials"
CPP = "https://github.com/microsoft/snmalloc/blob"
THEN, NOW = f"{CPP}/17bbab4f/src", f"{CPP}/f70eb826/src/snmalloc"


@dataclass(frozen=True)
class Section:
    """A section of the paper."""

    number: str
    title: str
    modules: list[str]
    tests: list[str]
    tutorials: list[int]
    labs: list[str]
    then: list[str]
    now: list[str]


@dataclass(frozen=True)
class Claim:
    """What the paper claims."""

    says: str
    section: str
    shown: list[str]


@dataclass(frozen=True)
class Difference:
    """Where we differ."""

    what: str
    paper: str
    why: str
    module: str


@dataclass(frozen=True)
class Map:
    """The whole table."""

    tutorials: dict[int, str]
    sections: list[Section]
    claims: list[Claim]
    differences: list[Difference]


@cache
def read_map() -> Map:
    """Read the table; a field that is missing, or one too many, is an error that names it."""
    found = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return Map(
        {int(number): title for number, title in found["tutorial"].items()},
        [Section(**each) for each in found["section"]],
        [Claim(**each) for each in found["claim"]],
        [Difference(**each) for each in found["difference"]],
    )


def tutorial_file(number: int) -> Path | None:
    """The file of a tutorial, if it is there."""
    return next(iter(TUTORIALS.glob(f"{number:02}_*.md")), None)


def tutorial(number: int) -> nodes.Node:
    """A link to a tutorial, or its title where there is none yet."""
    title = f"{number}. {read_map().tutorials[number]}"
    path = tutorial_file(number)
    shown = nodes.inline("", title)
    return reference("std", "doc", f"/tutorials/{path.stem}", shown) if path else shown


def module(name: str) -> nodes.Node:
    """A link to a module's annotated source."""
    return reference("std", "doc", f"/source/{name}", nodes.literal("", name, classes=["code"]))


def code(text: str) -> nodes.Node:
    """A path, or a command."""
    return nodes.literal("", text, classes=["code"])


def cpp(base: str, path: str) -> nodes.Node:
    """A link to a file of the C++."""
    return nodes.reference("", "", code(path), refuri=f"{base}/{path}", internal=False)


def listed(items: Sequence[nodes.Node], between: str = ", ") -> list[nodes.Node]:
    """Nodes with words between them."""
    pairs = [[nodes.Text(between), item] for item in items]
    return list(chain.from_iterable(pairs))[1:]


def links_of(name: str) -> nodes.bullet_list:
    """The links of a module's page: sections, tutorials, reference, tests."""
    top = name.split("/")[0]
    sections = [each for each in read_map().sections if top in each.modules]
    full = "pysnmalloc." + name.replace("/", ".")
    api = reference("std", "doc", f"/reference/api/{full}", code(full))
    tests = sorted({test for each in sections for test in each.tests if top in Path(test).stem} or tests_of(top))
    numbers = sorted({number for each in sections for number in each.tutorials})
    items = [
        ("Paper", [next(iter(inline(f"§{each.number}"))) for each in sections]),
        ("Tutorials", [tutorial(number) for number in numbers]),
        ("Reference", [api]),
        ("Tests", [code(test) for test in tests]),
    ]
    result = nodes.bullet_list()
    for title, found in items:
        if found:
            result += nodes.list_item("", nodes.paragraph("", "", nodes.strong("", f"{title}: "), *listed(found)))
    return result


def tests_of(name: str) -> set[str]:
    """The tests of the sections that a module is of."""
    return {test for each in read_map().sections if name in each.modules for test in each.tests}


class MapDirective(SphinxDirective):
    """What the three have in common."""

    head: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        from lawbook import table  # it needs the pages of modules, which need the map

        self.env.note_dependency(str(TABLE))
        read_map.cache_clear()
        return [table(self.head, list(self.rows()), self.widths)]

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """The rows of inline nodes."""
        raise NotImplementedError


class Sections(MapDirective):
    """Sections of the paper, each with an anchor to link to."""

    head = ("§", "modules", "tutorials", "try it", "C++ then", "C++ now")
    widths = (22, 16, 22, 16, 16, 20)

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """One for each section."""
        for each in read_map().sections:
            label = "paper-" + each.number.replace(".", "-")
            anchor = nodes.target("", "", ids=[label], names=[label])
            self.state.document.note_explicit_target(anchor)
            yield (
                [anchor, nodes.strong("", f"§{each.number}"), nodes.Text(f" {each.title}")],
                listed([module(name) for name in each.modules]),
                listed([tutorial(number) for number in each.tutorials], "; "),
                listed([code(lab) for lab in each.labs]),
                listed([cpp(THEN, path) for path in each.then]),
                listed([cpp(NOW, path) for path in each.now]),
            )


class Claims(MapDirective):
    """The paper's claims."""

    head = ("the paper says", "§", "shown here by")
    widths = (46, 8, 46)

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """One for each claim."""
        for each in read_map().claims:
            yield [*inline(each.says)], [*inline(f"§{each.section}")], listed([code(test) for test in each.shown])


class Differences(MapDirective):
    """Where we differ."""

    head = ("here", "the paper, and its C++", "why", "module")
    widths = (28, 24, 36, 12)

    def rows(self) -> Iterator[tuple[list[nodes.Node], ...]]:
        """One for each difference."""
        for each in read_map().differences:
            yield [*inline(each.what)], [*inline(each.paper)], [*inline(each.why)], [module(each.module)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("map-sections", Sections)
    app.add_directive("map-claims", Claims)
    app.add_directive("map-differences", Differences)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
